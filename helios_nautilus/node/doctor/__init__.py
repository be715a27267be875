"""`helios doctor`: is this machine ready, and if not, what is to be done. Every check is one small function."""
