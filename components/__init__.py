"""The steps of the pipelines, one file each: a typed interface and one call into the package.

A component runs in the image that holds the package, so that its body imports what it calls. The same image serves a
cluster; the local runner takes the environment that is there.
"""

import functools
import os

from kfp import dsl

from stethoscope import __version__

IMAGE = os.environ.get("STETHOSCOPE_IMAGE", f"stethoscope-python:{__version__}")
"""Image of every step; the environment variable STETHOSCOPE_IMAGE names another one when the pipeline is compiled."""

component = functools.partial(dsl.component, base_image=IMAGE, install_kfp_package=False)
