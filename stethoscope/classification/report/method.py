"""How the figures were measured, and how the delivered model was trained."""

from stethoscope.classification.report.inputs import ClassInputs
from stethoscope.counts import count
from stethoscope.report.blocks import table
from stethoscope.report.common import settings_section
from stethoscope.report.html import tag
from stethoscope.report.page import Section, section
from stethoscope.report.training import training_charts
from stethoscope.report.words import percent
from stethoscope.sound.planes import planes_of


def training_section(inputs: ClassInputs) -> Section:
    """Return the training curves of the delivered model."""
    training, best = inputs.training, inputs.training["best_epoch"]
    text = (
        f"The delivered model was trained on {count(training['clips'], 'clip')} in "
        f"{training['seconds']:.0f} s. Before the first epoch it recognised "
        f"{percent(training['accuracy_before'])} of them."
    )
    if "val_loss" in training["curves"]:
        text += (
            f" It was validated on {count(training['held_out'], 'clip')}; the weights of epoch "
            f"{best}, which has the lowest validation loss, are kept."
        )
    hint = (
        "Mixed and masked clips are more difficult than the recorded clips. The accuracy during "
        "training is therefore lower than the accuracy on the recorded clips."
    )
    harder = inputs.fit["mixup"] or inputs.fit["mask"]
    return section(
        "learning",
        "Training curves",
        tag("p", text),
        training_charts(training["curves"], best if "val_loss" in training["curves"] else 0),
        tag("p", hint, class_="fine") if harder else "",
        folded=True,
    )


def method_section(inputs: ClassInputs) -> Section:
    """Return how the figures were measured, with the accuracy of each fold."""
    folds, seconds = inputs.evaluation["folds"], inputs.evaluation["seconds"]
    whole = "A recording, with all its slices and altered versions,"
    text = (
        f"{len(folds)} networks were trained, each on all folds except one, and tested on that "
        f"fold; this took {seconds:.0f} s. {whole} is in one fold only."
        if len(folds) > 1
        else f"{count(folds[0]['clips'], 'clip')} of recordings drawn at random from every class "
        f"were kept for the test. A network was trained on the others; this took {seconds:.0f} s. "
        f"{whole} is in one part only. More folds (class_folds) test every clip and take longer."
    )
    text += (
        " The delivered model was then trained in the same way, with the same seed, on all clips. "
        "It was not tested itself, because no clips are left for a test: the figures are those of "
        "networks that were trained on fewer clips."
    )
    rows = [[str(one["fold"]), f"{one['clips']:,}", percent(one["accuracy"])] for one in folds]
    head = ("Fold", "Clips tested", "Accuracy")
    results = table(head, rows, caption="Results per fold", fit=True)
    return section("method", "Method of measurement", tag("p", text), results, folded=True)


def class_settings_section(inputs: ClassInputs) -> Section:
    """Return the settings of the feature and the network, and the versions."""
    feature = inputs.store.feature
    seconds = inputs.window * feature.hop_length / feature.sample_rate
    settings = {
        "sample rate": f"{feature.sample_rate / 1000:g} kHz",
        "channels": planes_of(feature),
        "window": f"{inputs.window} frames ({seconds:.2f} s)",
        "fit": {
            name: value for name, value in inputs.fit.items() if name not in ("verbose", "window")
        },
        "feature": feature.to_json(),
    }
    return settings_section(settings, inputs.model.get("versions", {}))
