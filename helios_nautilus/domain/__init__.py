"""Pure trading logic: numbers in, numbers out. No engine, no I/O, no torch."""
