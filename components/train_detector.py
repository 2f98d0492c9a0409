"""Learn what normal sounds like."""

from kfp import dsl

from components import component


@component
def train_detector(
    features: dsl.Input[dsl.Dataset],
    model: dsl.Output[dsl.Model],
    loss_plot: dsl.Output[dsl.HTML],
    training: dsl.Output[dsl.Metrics],
    detector: str = "pooled-gmm",
    detector_score: str = "",
    detector_members: str = "pooled-gmm,autoencoder",
    detector_epochs: int = 16,
    detector_epoch_share: float = 1.0,
    feature_frames: int = 5,
    fit_compile_optimizer: str = "adam",
    fit_compile_loss: str = "mean_squared_error",
    fit_epochs: int = 100,
    fit_batch_size: int = 512,
    fit_shuffle: bool = True,
    fit_validation_split: float = 0.1,
    fit_verbose: int = 1,
    seed: int = 0,
    fingerprint: str = "",
):
    """Fit a detector on the normal clips.

    Args:
        features: Feature store.
        detector: How normal is learned: pooled-gmm (takes seconds), autoencoder (the DCASE 2020 baseline), interpolation, id-classifier or ensemble; docs/detectors.md compares them.
        detector_score: How a clip is scored: mse or mahalanobis for autoencoder and interpolation, cosine or mahalanobis for id-classifier, mean or max for ensemble; empty takes the first.
        detector_members: Members of an ensemble, separated by commas.
        detector_epochs: Epochs of the id-classifier.
        detector_epoch_share: Share of the training windows that one epoch takes, drawn anew for every epoch.
        feature_frames: Frames per window.
        fit_compile_optimizer: Keras's name of the optimizer.
        fit_compile_loss: Keras's name of the loss.
        fit_epochs: Epochs of training.
        fit_batch_size: Windows per step.
        fit_shuffle: Draw windows in random order.
        fit_validation_split: Share of each machine's recordings held out from training; thresholds are made from them.
        fit_verbose: 0 silent, 1 a progress bar, 2 a line per epoch.
        seed: Seed of weights, shuffling and the choice of held-out recordings.
        fingerprint: What the recordings and the code are; part of the cache key.

    Returns:
        model: Fitted detector with the scores of normal clips.
        loss_plot: Loss over the epochs.
        training: Number of clips, duration and final losses.
    """
    from stethoscope.detection.detector import make_detector
    from stethoscope.detection.options import DetectorOptions, FitOptions
    from stethoscope.detection.train import train_detector
    from stethoscope.features.store import FeatureStore
    from stethoscope.report.training import write_loss_page

    options = DetectorOptions(
        name=detector,
        score=detector_score,
        members=detector_members,
        epochs=detector_epochs,
        frames=feature_frames,
    )
    fit = FitOptions(
        epoch_share=detector_epoch_share,
        compile_optimizer=fit_compile_optimizer,
        compile_loss=fit_compile_loss,
        epochs=fit_epochs,
        batch_size=fit_batch_size,
        shuffle=fit_shuffle,
        validation_split=fit_validation_split,
        verbose=fit_verbose,
        seed=seed,
    )
    trained = train_detector(
        FeatureStore.open(features.path),
        make_detector(options, fit),
        model.path,
        validation_split=fit_validation_split,
        seed=seed,
    )
    write_loss_page(loss_plot.path, trained.curves)
    model.metadata.update(fingerprint=fingerprint, detector=detector)
    for name, value in trained.metrics().items():
        training.log_metric(name, value)
