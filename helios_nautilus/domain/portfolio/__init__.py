"""Guardian's rules: what the portfolio is worth, what it may take on, and how it should be spread."""
