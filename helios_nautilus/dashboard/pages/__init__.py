"""Pages over what the dashboard sees: an overview, ledgers, stories, and controls. They write nothing but commands."""
