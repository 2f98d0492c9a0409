"""The formats of networks in a bundle."""

from stethoscope.options import Parameter, Range

EXPORT_FORMATS = Parameter(
    "export_formats",
    str,
    "keras,tflite",
    "Formats of the exported networks, separated by commas: tflite (always there), keras, h5.",
    Range(choices=("tflite", "keras", "h5")),
    is_list=True,
)
