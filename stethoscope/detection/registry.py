"""The detectors: one line each. What a new one needs is described in CONTRIBUTING.md."""

from stethoscope.detection import autoencoder, ensemble, identity, pooled

DETECTORS = {
    declaration.name: declaration
    for declaration in (
        pooled.POOLED_GMM,  # the default
        autoencoder.AUTOENCODER,
        autoencoder.INTERPOLATION,
        identity.ID_CLASSIFIER,
        ensemble.ENSEMBLE,
    )
}
"""What each detector declares about itself, by its name."""
