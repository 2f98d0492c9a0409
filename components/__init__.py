"""The steps of the pipelines, one file each: a typed interface and one call into the package.

A component runs in the image that holds the package, so that its body imports what it calls. The
same image serves a cluster; the local runner uses the environment that is there.

Only the steps that train need TensorFlow, the largest part of the image: they may have another one.
"""

import functools
import os

from stethoscope import __version__
from stethoscope.kubeflow import authoring
from stethoscope.kubeflow.settings import LOCAL_IMAGE

IMAGE = os.environ.get("STETHOSCOPE_IMAGE", f"{LOCAL_IMAGE}:{__version__}")
"""Image of every step; the environment variable STETHOSCOPE_IMAGE names another one when the
pipeline is compiled."""

TRAIN_IMAGE = os.environ.get("STETHOSCOPE_TRAIN_IMAGE", IMAGE)
"""Image of the steps that train, which need TensorFlow."""

component = functools.partial(authoring.component, image=IMAGE)
training_component = functools.partial(authoring.component, image=TRAIN_IMAGE)
