"""Labelled sounds: training, evaluation, the deployed half and the report."""
