"""The detector that learns to classify machine ids."""
