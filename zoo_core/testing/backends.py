"""Checks that a model is the same on every backend that is installed."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from zoo_core.registry import registry
from zoo_core.testing.results import CheckFailed, CheckSkipped
from zoo_core.testing.sampling import allowed
from zoo_core.testing.subject import Subject, needs
from zoo_core.testing.worker import IMAGES, first_look
from zoo_core.training.backends import backend

TOLERANCE = 1e-3
"""Relative, in float32: the second phase of a step follows the first one's update, which Adam amplifies."""

DIFFERENCES = "look for code that asks which backend it is on, and for defaults that differ between backends"


def runs_on_jax(subject: Subject) -> None:
    """On JAX it trains and samples, and its first losses and images are those of the backend in use."""
    _compare(subject, "jax")


def runs_on_torch(subject: Subject) -> None:
    """On torch it trains and samples, and its first losses and images are those of the backend in use."""
    _compare(subject, "torch")


def runs_on_tensorflow(subject: Subject) -> None:
    """On TensorFlow it trains and samples, and its first losses and images are those of the backend in use."""
    _compare(subject, "tensorflow")


def _compare(subject: Subject, name: str) -> None:
    """In a process of its own, from the same weights, images and noise."""
    here = backend().name
    if name not in subject.spec.runs_on:
        raise CheckSkipped(f"the model runs on {' and '.join(sorted(subject.spec.runs_on))} alone")
    if name == here:
        raise CheckSkipped(f"Keras runs on {name}, and so do all other checks")
    if find_spec(name) is None:
        raise CheckSkipped(f"{name} is not installed")
    needs(subject.run)
    files = os.pathsep.join(map(str, registry().files.values()))
    environment = {**os.environ, "KERAS_BACKEND": name, "TF_CPP_MIN_LOG_LEVEL": "3", "ZOO_MODEL_FILES": files}
    with TemporaryDirectory(prefix="zoo-") as folder:
        expected = first_look(subject, Path(folder))
        command = [sys.executable, "-m", "zoo_core.testing.worker", subject.name, json.dumps(subject.given), folder]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if line.strip()]
            raise CheckFailed(
                f"the model to train and to sample on {name}",
                said[-1] if said else f"exit code {done.returncode}",
                f"use keras.ops alone; see: zoo train {subject.name} --data digits@8 --steps 2 --backend {name}",
            )
        with np.load(Path(folder) / f"{name}.npz") as file:
            found = dict(file)
    if IMAGES in expected:
        one, other = expected.pop(IMAGES), found.pop(IMAGES)
        # The mean, because a sampler that chooses among levels may choose another one for what float32 rounds off
        difference = np.abs(one - other).mean() if one.shape == other.shape else np.inf
        if not difference <= allowed(one):
            raise CheckFailed(
                f"the first images on {name} to be those on {here}",
                f"a mean difference of {difference:.2g} in [-1, 1]",
                f"draw all noise from `tools`; {DIFFERENCES}",
            )
    for loss, value in expected.items():
        if loss not in found or not np.isclose(found[loss], value, rtol=TOLERANCE, atol=1e-5):
            raise CheckFailed(
                f"the first '{loss}' on {name} to be that on {here}, {value:.6g}", f"{found.get(loss)}", DIFFERENCES
            )


CHECKS = (runs_on_jax, runs_on_torch, runs_on_tensorflow)
