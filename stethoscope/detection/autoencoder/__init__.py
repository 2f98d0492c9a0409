"""The DCASE 2020 baseline autoencoder, and interpolation of the middle frame."""
