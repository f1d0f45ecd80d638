"""A classifier's weights file: HDF5, every byte of it checked before it is believed.

    /                     attributes: format "zoo-classifier", schema 1, and the fields of `ClassifierInfo`,
                          those that are neither text nor numbers as JSON
    /block1a_conv.kernel  one float32 data set for each weight of the network, named as in Keras, "/" written "."
    …

Keras' own files are not used: loading them runs more code, on less checked input, than numbers need.
"""

import hashlib
import io
import json
from pathlib import Path
from typing import Annotated, Any, Literal

import h5py
import keras
import numpy as np
from pydantic import Field

from zoo_core.errors import UsageError, ZooError
from zoo_core.features.network import LARGEST, SMALLEST, build_network
from zoo_core.files import write_bytes
from zoo_core.options import Options

FORMAT = "zoo-classifier"
SCHEMA = 1
MAX_BYTES = 2**26
"""Of a weights file: more than the largest network that `ClassifierInfo` allows."""

Side = Annotated[int, Field(ge=SMALLEST, le=LARGEST)]
Share = Annotated[float, Field(ge=0, le=1)]


class Recipe(Options):
    """How a classifier was trained."""

    seed: int = Field(default=0, ge=0, description="of the initial weights, the data order and the augmentation")
    steps: int = Field(default=3000, ge=1, description="batches that it was trained on")
    batch_size: int = Field(default=128, ge=2, description="images in a batch")
    learning_rate: float = Field(default=2e-3, gt=0, description="Adam's, at the start; it falls to 0 along a cosine")
    shift: float = Field(default=0.08, ge=0, le=0.5, description="largest random shift, in sides")
    rotation: float = Field(default=12.0, ge=0, le=180, description="largest random rotation, in degrees")


class ClassifierInfo(Options):
    """What a weights file says of itself.

    Attributes:
        data, content_hash: the data set that it was trained on.
        classes: the class names, in the order of the labels.
        image_shape: (H, W, C) of the images that its network takes.
        validation_accuracy, test_accuracy: shares in [0, 1]. The validation split chose among the checkpoints of the
            training; the test split was only measured.
    """

    data: str
    content_hash: str
    classes: Annotated[tuple[str, ...], Field(min_length=2, max_length=1000)]
    image_shape: tuple[Side, Side, Literal[1, 3]]
    validation_accuracy: Share
    test_accuracy: Share
    recipe: Recipe


def save(path: Path, network: keras.Model, info: ClassifierInfo) -> str:
    """Write a weights file, whole or not at all; the same weights and info give the same bytes.

    Returns:
        The file's SHA-256.

    Raises:
        ZooError: where it can't be written.
    """
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs.update({"format": FORMAT, "schema": SCHEMA})
        for key, value in info.model_dump(mode="json").items():
            file.attrs[key] = value if isinstance(value, str | float) else json.dumps(value)
        for name, variable in _named(network).items():
            file.create_dataset(name, data=keras.ops.convert_to_numpy(variable.value))
    write_bytes(path, buffer.getvalue())
    return sha256(buffer.getvalue())


def read_bytes(path: Path) -> bytes:
    """The content of a weights file, for `load` and `sha256`.

    Raises:
        UsageError: where there is no such file.
        ZooError: where it can't be read, or is far too large to be one.
    """
    if not path.is_file():
        raise UsageError(f"There is no weights file '{path}'.", "Train one: zoo classifier train --data SET --out FILE")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ZooError(f"'{path}' is not a classifier's weights file: it has more than {MAX_BYTES >> 20} MiB.")
        return path.read_bytes()
    except OSError as error:
        raise ZooError(f"Can't read the weights file '{path}': {error.strerror}.") from error


def sha256(content: bytes) -> str:
    """As hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def load(content: bytes, where: str) -> tuple[keras.Model, ClassifierInfo]:
    """The network and the description in a weights file.

    Args:
        content: of the file.
        where: its name, for messages.

    Raises:
        ZooError: for anything but a whole weights file of schema 1: plain float32 data sets of the names and shapes
            that the network has and no others, all finite.
    """
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            info = _read_info(file)
            network = build_network(info.image_shape, len(info.classes))
            variables = _named(network)
            if wrong := set(file) ^ set(variables):
                raise ValueError(f"missing or unknown weights: {', '.join(sorted(wrong))}")
            weights = {name: _read_weight(file, name, tuple(variable.shape)) for name, variable in variables.items()}
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise ZooError(
            f"'{where}' is not a classifier's weights file: {' '.join(str(error).split())}.",
            "Fetch it anew, or train another: zoo classifier train --data SET --out FILE",
        ) from error
    for name, variable in variables.items():
        variable.assign(weights[name])
    return network, info


def _read_info(file: h5py.File) -> ClassifierInfo:
    if file.attrs.get("format") != FORMAT:
        raise ValueError(f"its attribute 'format' should be '{FORMAT}', received '{file.attrs.get('format')}'")
    if file.attrs.get("schema") != SCHEMA:
        raise ValueError(f"this version reads schema {SCHEMA}, received {file.attrs.get('schema')}")
    values: dict[str, Any] = {key: file.attrs[key] for key in ClassifierInfo.model_fields}
    for key in ("classes", "image_shape", "recipe"):
        values[key] = json.loads(values[key])
    return ClassifierInfo(**values)


def _read_weight(file: h5py.File, name: str, shape: tuple[int, ...]) -> np.ndarray:
    if type(file.get(name, getlink=True)) is not h5py.HardLink or not isinstance(file[name], h5py.Dataset):
        raise ValueError(f"'{name}' should be a data set within the file")
    weight = file[name]
    if weight.is_virtual or weight.external:
        raise ValueError(f"'{name}' should be stored within the file")
    if weight.dtype != np.float32 or weight.shape != shape:
        raise ValueError(f"'{name}' should be float32 {shape}, received {weight.dtype} {weight.shape}")
    values = weight[()]
    if not np.isfinite(values).all():
        raise ValueError(f"'{name}' should be finite")
    return values


def _named(network: keras.Model) -> dict[str, keras.Variable]:
    return {variable.path.replace("/", "."): variable for variable in network.weights}
