"""The parameters of the conversion of networks; no TensorFlow is loaded to know them."""

from stethoscope.options import Parameter, Range

MAX_DROP = Parameter(
    "export_max_drop",
    float,
    0.02,
    "Largest accepted fall of the test AUC from float to int8.",
    Range(least=0, most=1),
)
