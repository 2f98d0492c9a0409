"""The command that makes a bundle of a classifier."""

import argparse
from pathlib import Path

from stethoscope.commands import Add
from stethoscope.errors import ParameterError
from stethoscope.options import split_list


def register(add: Add) -> None:
    """Add the commands to the parser."""
    one = add("wrap", _wrap, "make a bundle of a classifier alone, also of one from elsewhere")
    one.add_argument(
        "model",
        type=Path,
        metavar="MODEL",
        help="a .h5 or .keras classifier on MFCC; or the folder `model` of a classifier of sounds",
    )
    one.add_argument(
        "--output", type=Path, required=True, metavar="BUNDLE", help="the folder to write"
    )
    one.add_argument("--name", default="", help="name of the bundle (default: that of the file)")
    one.add_argument(
        "--normal", default="", metavar="LABEL", help="class of normal sound (default: normal)"
    )
    group = one.add_argument_group("for a .h5 or .keras file")
    group.add_argument(
        "--labels", default="", metavar="A,B,...", help="classes in the order of the outputs"
    )
    for name, default, text in (
        ("sample-rate", 22_050, "rate to which recordings are resampled, in Hz"),
        ("n-mfcc", 40, "number of cepstral coefficients"),
        ("n-mels", 128, "number of mel bands"),
        ("n-fft", 2048, "length of a frame, in samples"),
        ("hop-length", 512, "step from frame to frame, in samples"),
    ):
        group.add_argument(
            f"--{name}", type=int, default=default, metavar="N", help=f"{text} (default: {default})"
        )
    group.add_argument(
        "--seconds",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="length of the clips, for a network that takes the mean over a clip",
    )


def _wrap(options: argparse.Namespace) -> int:
    from stethoscope.bundle.wrap import wrap_keras, wrap_model_folder

    if options.output.exists():
        raise ParameterError(f"--output {options.output} exists; choose another folder")
    if options.model.is_dir():
        bundle = wrap_model_folder(
            options.model, options.output, name=options.name, normal=options.normal
        )
    else:
        if not options.labels:
            raise ParameterError("--labels is missing; name the classes in order of the outputs")
        names = ("sample_rate", "n_mfcc", "n_mels", "n_fft", "hop_length")
        bundle = wrap_keras(
            options.model,
            options.output,
            labels=split_list(options.labels),
            feature={name: getattr(options, name) for name in names},
            seconds=options.seconds,
            name=options.name,
            normal=options.normal,
        )
    print(f"{options.output} written; its classes: {', '.join(bundle.manifest['labels'])}")
    print(f"Serve it: stethoscope serve {options.output}")
    return 0
