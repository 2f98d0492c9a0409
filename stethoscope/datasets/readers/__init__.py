"""Readers of the layouts of public data sets, one module each."""
