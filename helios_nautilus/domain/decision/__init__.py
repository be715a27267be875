"""Tier 4, the deterministic part: what a gate sees, what it may answer, and what code makes of the answer."""
