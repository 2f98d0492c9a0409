"""Figures with their intervals, ROC curves and the bootstrap; nothing here knows a job."""
