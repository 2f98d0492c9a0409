"""From samples to frames: decoding, resampling and the definitions of features."""
