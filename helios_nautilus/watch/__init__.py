"""Watching a run: metrics, alerts and log lines, made of its records and its status and of nothing else."""
