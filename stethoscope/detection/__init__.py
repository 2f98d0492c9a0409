"""Anomaly detection: detectors, thresholds, scores, figures and their report."""
