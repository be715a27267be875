"""Reports: what a run leaves for a trader to read."""

from helios_nautilus.report.fingerprint import trade_hash
from helios_nautilus.report.page import write_report
from helios_nautilus.report.summary import Summary
from helios_nautilus.report.terminal import print_summary

__all__ = ["Summary", "print_summary", "trade_hash", "write_report"]
