"""Simulated recordings: machines and bells."""
