"""Reports: what a run leaves for a trader to read.

Nothing is imported here: who tells the story of one trade need not wait for what draws charts.
"""
