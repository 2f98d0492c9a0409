"""The parameters of the main pipeline, and of the one with a short form."""

from stethoscope.bundle.formats import EXPORT_FORMATS
from stethoscope.datasets.options import CLIP_SECONDS, DATASET
from stethoscope.detection.keras_names import check_keras_names
from stethoscope.detection.options import DETECTOR, FIT, LOG_MEL, MAX_FPR, THRESHOLDS
from stethoscope.diagnosis.options import DIAGNOSIS
from stethoscope.monitoring.publish import PUBLISH
from stethoscope.options import ParameterSet

MONITORING = ParameterSet(
    DATASET,
    CLIP_SECONDS,
    MAX_FPR,
    LOG_MEL,
    DETECTOR,
    THRESHOLDS,
    FIT,
    *DIAGNOSIS,
    EXPORT_FORMATS,
    PUBLISH,
    checks=[check_keras_names],
)

DETECT = MONITORING.only(
    "dataset_url",
    "dataset_layout",
    "dataset_md5",
    "detector",
    "detector_false_alarm_rate",
    "fault_groups",
    "feature_channel",
    "fit_epochs",
    "max_fpr",
    "seed",
)
