"""Aether's rules: what a bet's volatility is, and how large the bet may be."""
