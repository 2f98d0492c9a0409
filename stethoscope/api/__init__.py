"""The interface for Python programs: what `stethoscope.load` and `stethoscope.run` are."""
