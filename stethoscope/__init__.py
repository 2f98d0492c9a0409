"""Detection of faults of machines by their sound."""

__version__ = "0.1.0"
