"""A classifier's weights file: HDF5, every byte of it checked before it is believed.

    /                     attributes, texts of fixed length: format "zoo-classifier", the fields of `ClassifierInfo`
                          as JSON, and sha256, of the weights; schema, integer
    /block1a_conv.kernel  one float32 data set for each weight of the network, named as in Keras, "/" written "."
    …

Keras' own files are not used: loading them runs more code, on less checked input, than numbers need. `zoo_core.hdf5`
says what is read at all.
"""

import hashlib
import io
import json
from pathlib import Path
from typing import Annotated, Literal

import keras
import numpy as np
from pydantic import Field

from zoo_core import hdf5
from zoo_core.errors import UsageError, ZooError
from zoo_core.features.network import LARGEST, SMALLEST, build_network
from zoo_core.files import write_bytes
from zoo_core.options import Options

FORMAT = "zoo-classifier"
SCHEMA = 1
MAX_BYTES = 2**26
"""Of a weights file: more than the largest network that `ClassifierInfo` allows."""

MOST_CLASSES = 1000

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
    classes: Annotated[tuple[str, ...], Field(min_length=2, max_length=MOST_CLASSES)]
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
    with hdf5.create(buffer, FORMAT, SCHEMA) as file:
        for field, value in info.model_dump(mode="json").items():
            hdf5.write_text(file, field, json.dumps(value))
        arrays = {name: keras.ops.convert_to_numpy(variable.value) for name, variable in _named(network).items()}
        hdf5.write_arrays(file, arrays)
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
        ZooError: for anything but a whole weights file of schema 1: float32 arrays of the names and shapes that the
            network has and no others, all finite, as they were saved.
    """
    try:
        with hdf5.reading(content, FORMAT, SCHEMA) as file:
            fields = {field: json.loads(hdf5.read_text(file, field)) for field in ClassifierInfo.model_fields}
            info = ClassifierInfo(**fields)
            network = build_network(info.image_shape, len(info.classes))
            variables = _named(network)
            if wrong := set(file) ^ set(variables):
                raise ValueError(f"missing or unknown weights: {', '.join(sorted(wrong))}")
            weights = hdf5.read_arrays(file, variables)
            for name, values in weights.items():
                if not np.isfinite(values).all():
                    raise ValueError(f"'{name}' should be finite")
    except hdf5.Broken as error:
        raise ZooError(
            f"'{where}' is not a classifier's weights file: {error}.",
            "Fetch it anew, or train another: zoo classifier train --data SET --out FILE",
        ) from error
    for name, variable in variables.items():
        variable.assign(weights[name])
    return network, info


def _named(network: keras.Model) -> dict[str, keras.Variable]:
    return {variable.path.replace("/", "."): variable for variable in network.weights}
