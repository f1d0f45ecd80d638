"""Checkpoints: flat names and arrays in HDF5, checked against what the model expects before anything is read.

Nothing in the file is executed, and nothing in it decides what is built: the networks come from the plugin's name and
options in the run's folder, and the file must hold exactly their arrays.
"""

import hashlib
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from zoo_core.errors import UsageError, ZooError
from zoo_core.files import write_bytes
from zoo_core.runs import RunFolder

FORMAT = "zoo-checkpoint"
SCHEMA = 1


def path_of(run: RunFolder, step: int) -> Path:
    return run.checkpoints / f"step-{step:08d}.h5"


def steps_of(run: RunFolder) -> list[int]:
    """The steps of the checkpoints in the run's folder, in order."""
    names = [re.fullmatch(r"step-(\d{8})\.h5", path.name) for path in run.checkpoints.glob("*.h5")]
    return sorted(int(match[1]) for match in names if match)


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
    with h5py.File(buffer, "w") as file:
        file.attrs.update({"format": FORMAT, "schema": SCHEMA, "model": model})
        for group_name, arrays in groups.items():
            group = file.create_group(group_name)
            group.attrs["sha256"] = _digest(arrays)
            for name, array in arrays.items():
                group.create_dataset(name, data=array)
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
        with h5py.File(path, "r") as file:
            if file.attrs.get("format") != FORMAT or file.attrs.get("schema") != SCHEMA:
                raise ZooError(f"'{path}' is not a checkpoint of the zoo (format '{FORMAT}', schema {SCHEMA}).")
            if file.attrs.get("model") != model:
                raise UsageError(
                    f"'{path}' is a checkpoint of model '{file.attrs.get('model')}', expected one of '{model}'.",
                    "Use the run folder that it came with.",
                )
            arrays = {name: _read(file, path, f"{group}/{name}", array) for name, array in expected.items()}
            altered = file[group].attrs.get("sha256") != _digest(arrays)
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise _damaged(path, str(error)) from error
    if altered:
        raise _damaged(path, "its checksum does not fit its content")
    return arrays


def _read(file: h5py.File, path: Path, name: str, expected: Any) -> np.ndarray:
    """One array, reached through plain groups only: a link may point anywhere, also out of the file."""
    item = file
    for part in name.split("/"):
        link = item.get(part, getlink=True) if isinstance(item, h5py.Group) and part in item else None
        item = item[part] if type(link) is h5py.HardLink else None
    if not isinstance(item, h5py.Dataset) or item.external or item.is_virtual:
        raise UsageError(
            f"'{path}' has no array '{name}' of shape {tuple(expected.shape)}.",
            "It was saved by a model with other options, or by another version of its plugin.",
        )
    if item.shape != tuple(expected.shape) or item.dtype != expected.dtype:
        raise UsageError(
            f"'{name}' in '{path}' has shape {item.shape} and dtype {item.dtype}, "
            f"expected {tuple(expected.shape)} and {expected.dtype}.",
            "It was saved by a model with other options, or for images of another size.",
        )
    return item[()]


def _damaged(path: Path, problem: str) -> ZooError:
    return ZooError(
        f"The checkpoint '{path}' can't be read: {problem}.",
        "It is truncated or damaged. Remove it, and the run goes on from the one before.",
    )


def _digest(arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()
