"""The feature store and its computation."""
