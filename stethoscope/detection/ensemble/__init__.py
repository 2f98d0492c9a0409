"""Several detectors that score together."""
