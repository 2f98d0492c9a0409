"""How many test clips are unlike the recordings of the training."""

from stethoscope.counts import count
from stethoscope.detection.report.inputs import DetectionInputs
from stethoscope.report.blocks import table
from stethoscope.report.html import tag
from stethoscope.report.page import Section, section

_IN_WORDS = {
    "clipped": "samples are clipped",
    "dropouts": "samples were lost",
    "offset": "a large constant part",
    "missing_band": "bands are missing",
    "cut_off": "shorter than the header says",
    "other_rate": "recorded at another sample rate",
    "lossy": "coded with loss",
    "not_lossy": "coded without loss",
    "short": "shorter",
    "long": "longer",
    "quiet": "quieter",
    "loud": "louder",
    "other_floor": "quiet moments at another level",
}


def unlike_section(inputs: DetectionInputs) -> Section | None:
    """Return which test clips are unlike the training, by reason; None if all are like it."""
    unlike = inputs.unlike_training
    if not unlike or not unlike["reasons"]:
        return None
    total = count(unlike["clips"], "test clip")
    rows = [
        [
            _IN_WORDS.get(one["reason"], one["reason"]),
            "refused" if one["refuses"] else "warned about",
            str(one["normal"]),
            str(one["anomaly"]),
        ]
        for one in unlike["reasons"]
    ]
    return section(
        "unlike",
        "Recordings unlike the training",
        tag(
            "p",
            f"Of {total}, {unlike['warned']} would be judged with a warning and "
            f"{unlike['refused']} would be refused by predict and the service. "
            "All of them are part of the figures of this report.",
        ),
        table(
            ("Compared with the training recordings", "", "Normal clips", "Anomalous clips"),
            rows,
            caption="Test clips that are unlike the training recordings",
        ),
        folded=True,
        hint=f"{unlike['warned'] + unlike['refused']} of {total}",
    )
