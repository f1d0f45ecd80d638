"""Random weights of the network, as NumPy arrays and as a torch file that torch can read."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from zoo_core.features.inception.weights import expected_shapes


def random_state() -> dict[str, np.ndarray]:
    """A state dict whose activations keep their scale through the layers, so that features vary between images."""
    random = np.random.default_rng(0)
    state = {}
    for name, shape in expected_shapes().items():
        values = random.standard_normal(shape, np.float32)
        if name.endswith((".conv.weight", "fc.weight")):
            values *= np.sqrt(2 / np.prod(shape[1:]))
        elif name.endswith((".bn.weight", ".running_var")):
            values = 1 + 0.2 * np.clip(values, -3, 3)
        else:
            values *= 0.1
        state[name] = values.astype(np.float32)
    return state


def random_images() -> np.ndarray:
    """(3, 32, 32, 3) uint8: coarse random mosaics."""
    tiles = np.random.default_rng(1).integers(0, 256, (3, 4, 4, 3), np.uint8)
    return tiles.repeat(8, axis=1).repeat(8, axis=2)  # (3, 4, 4, 3) → (3, 32, 32, 3)


def write_torch_file(state: dict[str, np.ndarray]) -> bytes:
    """A state dict of float32 arrays in torch's legacy container."""
    parts = [pickled(0x1950A86A20F9469CFC6C), pickled(1001), pickled({"little_endian": True}), b"\x80\x02}"]
    for key, (name, values) in enumerate(state.items()):
        strides = tuple(stride // 4 for stride in values.strides)
        storage = (
            b"(" + piece("storage") + b"ctorch\nFloatStorage\n" + piece(str(key), "cpu", values.size, None) + b"tQ"
        )
        tensor = b"(" + storage + piece(0, values.shape, strides, False, {}) + b"tR"
        parts.append(piece(name) + b"ctorch._utils\n_rebuild_tensor_v2\n" + tensor + b"s")
    parts += [b".", pickled([str(key) for key in range(len(state))])]
    for values in state.values():
        parts += [values.size.to_bytes(8, "little"), values.tobytes()]
    return b"".join(parts)


def pickled(value: object) -> bytes:
    return pickle.dumps(value, 2)


def piece(*values: object) -> bytes:
    """What puts the values on the stack of a pickle."""
    return b"".join(pickled(value)[2:-1] for value in values)  # without the protocol and the full stop


@pytest.fixture(scope="session", name="piece")
def piece_fixture() -> Callable[..., bytes]:
    return piece


@pytest.fixture(scope="session")
def torch_file() -> Callable[[dict[str, np.ndarray]], bytes]:
    return write_torch_file


@pytest.fixture(scope="session")
def state() -> dict[str, np.ndarray]:
    return random_state()


@pytest.fixture(scope="session")
def images() -> np.ndarray:
    return random_images()


@pytest.fixture(scope="session")
def weights_file(state: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A torch file of all the weights."""
    path = tmp_path_factory.mktemp("inception") / "random.pth"
    path.write_bytes(write_torch_file(state))
    return path
