"""Watching and steering over the journal: an API and pages, in a process of their own that trading does not notice."""
