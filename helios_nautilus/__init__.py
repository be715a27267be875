"""Helios: an autonomous trading system for VALR, as a NautilusTrader plugin."""

__version__ = "0.1.0"
