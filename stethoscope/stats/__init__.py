"""Statistics that all jobs use: figures with intervals, ROC curves, bootstrap, moments."""
