"""The report of a classifier of labelled sounds."""
