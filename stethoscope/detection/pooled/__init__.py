"""The default detector: Gaussian mixtures of pooled mel bands, fitted without TensorFlow."""
