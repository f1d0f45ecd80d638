"""Checkpoints: flat names and arrays in HDF5, checked against what the model expects before anything is read.

    /                 attributes: format "zoo-checkpoint" and model, texts of fixed length; schema 1, integer
    /state, …         groups of arrays, their names with "/" for groups in them; attribute sha256, of the arrays

Nothing in the file is executed, and nothing in it decides what is built: the networks come from the plugin's name and
options in the run's folder, and only arrays of their names and shapes are read. `zoo_core.hdf5` says how.
"""

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from zoo_core import hdf5
from zoo_core.errors import UsageError, ZooError
from zoo_core.files import write_bytes
from zoo_core.runs import RunFolder

FORMAT = "zoo-checkpoint"
SCHEMA = 1


def path_of(run: RunFolder, step: int) -> Path:
    return run.checkpoints / f"step-{step:08d}.h5"


def steps_of(run: RunFolder) -> list[int]:
    """The steps of the checkpoints in the run's folder, in order."""
    return _steps(run, "step")


def best_path_of(run: RunFolder, step: int) -> Path:
    return run.checkpoints / f"best-{step:08d}.h5"


def best_steps_of(run: RunFolder) -> list[int]:
    """The steps of the best checkpoints, in order: of the best at each checkpoint that stays, and of those since."""
    return _steps(run, "best")


def latest(run: RunFolder) -> Path:
    """The last checkpoint.

    Raises:
        ZooError: if there is none yet.
    """
    steps = steps_of(run)
    if not steps:
        raise ZooError(
            f"'{run.path}' has no checkpoint.", f"Train it first: zoo train --resume {run.path}, or start it anew."
        )
    return path_of(run, steps[-1])


def kept(run: RunFolder) -> str:
    """For messages: what there is to go on from."""
    steps = steps_of(run)
    return f"The last good checkpoint, of step {steps[-1]:,}, is kept." if steps else "There is no checkpoint yet."


def _steps(run: RunFolder, kind: str) -> list[int]:
    names = [re.fullmatch(rf"{kind}-(\d{{8}})\.h5", path.name) for path in run.checkpoints.glob("*.h5")]
    return sorted(int(match[1]) for match in names if match)


def save(path: Path, model: str, **groups: Mapping[str, np.ndarray]) -> None:
    """Write groups of arrays, such as `state` and `inference`, whole or not at all.

    Raises:
        ZooError: where the disk is full, or an array of floats is not finite: what is no longer a model is not kept.
    """
    for name, array in (item for arrays in groups.values() for item in arrays.items()):
        if np.issubdtype(array.dtype, np.inexact) and not np.isfinite(array).all():
            raise ZooError(
                f"The weights '{name}' are no longer finite, so '{path.name}' was not written.",
                "The checkpoint before it is still there. Train anew with a lower learning rate.",
            )
    # In memory first: HDF5 itself leaves a file that it can't finish in an undefined state.
    buffer = io.BytesIO()
    with hdf5.create(buffer, FORMAT, SCHEMA) as file:
        hdf5.write_text(file, "model", model)
        for name, arrays in groups.items():
            hdf5.write_arrays(file.create_group(name), arrays)
    write_bytes(path, buffer.getvalue())


def load(path: Path, model: str, group: str, expected: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Read the arrays of one group that are expected, and nothing else.

    Args:
        model: that the checkpoint must be of.
        expected: by name, anything with the `shape` and `dtype` that the array must have.

    Raises:
        UsageError: for a checkpoint of another model, or of the same with other options.
        ZooError: for a file that is missing, truncated, altered or not a checkpoint.
    """
    try:
        with hdf5.reading(path, FORMAT, SCHEMA) as file:
            if (found := hdf5.read_text(file, "model")) != model:
                raise UsageError(
                    f"'{path}' is a checkpoint of model '{found}', expected one of '{model}'.",
                    "Use the run folder that it came with.",
                )
            return hdf5.read_arrays(hdf5.child(file, group, h5py.Group), expected)
    except hdf5.Unexpected as error:
        raise UsageError(
            f"'{path}' does not fit the model: {error}.",
            "It was saved by a model with other options, for images of another size, or by another version of its "
            "plugin.",
        ) from error
    except hdf5.Broken as error:
        if path.name.startswith("best-"):
            way = "Take the last one: --checkpoint final"
        else:
            way = "Remove it, and the run goes on from the one before."
        raise ZooError(
            f"The checkpoint '{path}' can't be read: {error}.",
            f"It is truncated or damaged, or not a checkpoint of the zoo. {way}",
        ) from error
