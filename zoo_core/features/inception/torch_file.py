"""A state dict in a file of torch's, as NumPy arrays: both of its containers, none of its code.

    legacy, before torch 1.6   pickles of a magic number, the protocol 1001, the system, the state dict and the list of
                               the storages' keys, then each storage: its count, int64, and its values
    zip, since                 NAME/data.pkl, NAME/data/KEY for each storage, NAME/byteorder

All is little-endian. torch's `serialization.py` (2.13, `_legacy_save` and `_save`) is the source.
"""

import io
import math
import pickle
import zipfile
from collections.abc import Callable

import numpy as np

from zoo_core.errors import ZooError
from zoo_core.features.inception.torch_pickle import Reader, Storage, Tensor
from zoo_core.pickles import MAX_BYTES, Broken

MAGIC_NUMBER, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
MAX_MEMBERS = 10_000
MAX_DIMENSIONS = 8


def read_tensors(content: bytes, where: str) -> dict[str, np.ndarray]:
    """The tensors of a state dict.

    Args:
        content: of the file.
        where: its name, for messages.

    Returns:
        Read-only arrays, by name.

    Raises:
        ZooError: for anything but a state dict of whole tensors, each within its storage, in one of the containers.
    """
    try:
        state, storages = _reader_of(content)(content)
        return {name: _view(name, tensor, storages) for name, tensor in state.items()}
    except Broken as error:
        raise ZooError(
            f"'{where}' is not a torch file of weights: {error}.",
            "Fetch it anew, or give another by --weights FILE.",
        ) from error


State = dict[str, Tensor]
Storages = dict[str, np.ndarray]


def _reader_of(content: bytes) -> Callable[[bytes], tuple[State, Storages]]:
    if content.startswith(b"PK"):
        return _read_zip
    if content.startswith(pickle.PROTO):
        return _read_legacy
    raise Broken("it starts as neither of torch's containers does" if content else "it is empty")


def _read_legacy(content: bytes) -> tuple[State, Storages]:
    reader = Reader(content)
    if reader.unpickle() != MAGIC_NUMBER:
        raise Broken("it starts with neither of torch's magic numbers")
    if reader.unpickle() != PROTOCOL:
        raise Broken(f"it should be of torch's protocol {PROTOCOL}")
    reader.unpickle()  # sizes of the system's types, which torch itself ignores
    state = _check_state(reader.unpickle())
    described = _described(state)
    storages = {}
    keys = reader.unpickle()
    if type(keys) is not list or not all(type(key) is str for key in keys) or sorted(keys) != sorted(described):
        raise Broken("the storages that it lists are not those of its tensors")
    for key in keys:
        storage = described[key]
        if (count := reader.integer(8, signed=True)) != storage.count:
            raise Broken(f"storage {key!r} should have {storage.count} values, received {count}")
        storages[key] = np.frombuffer(reader.take(count * storage.dtype.itemsize), storage.dtype)
    if reader.position != len(content):
        raise Broken(f"{len(content) - reader.position} bytes follow its last storage")
    return state, storages


def _read_zip(content: bytes) -> tuple[State, Storages]:
    if content.count(b"PK\x01\x02") > MAX_MEMBERS:
        raise Broken(f"it has more than {MAX_MEMBERS} members")
    try:
        if not zipfile.is_zipfile(io.BytesIO(content)):
            raise Broken(f"it is cut short: its zip archive should go on after {len(content):,} bytes")
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _read_members(archive, len(content))
    # What the standard library raises on damaged archives, apart from its own error; `Broken` is none of them.
    except (zipfile.BadZipFile, ValueError, LookupError, RuntimeError, EOFError, OSError, OverflowError) as error:
        raise Broken(f"its zip archive is damaged ({error})") from error


def _read_members(archive: zipfile.ZipFile, size: int) -> tuple[State, Storages]:
    members = {member.filename: member for member in archive.infolist()}
    pickles = [name for name in members if name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise Broken(f"it should have one data.pkl, received {len(pickles)}")
    folder = pickles[0].removesuffix("data.pkl")

    def read(name: str, count: int) -> bytes:
        member = members.get(folder + name)
        if member is None:
            raise Broken(f"{name!r} is missing")
        if member.file_size != count or member.compress_type != zipfile.ZIP_STORED:
            raise Broken(f"{name!r} should have {count} bytes, uncompressed")
        return archive.read(member)

    if folder + "byteorder" in members and read("byteorder", len(b"little")) != b"little":
        raise Broken("its values should be little-endian")
    state = _check_state(Reader(read("data.pkl", min(members[pickles[0]].file_size, MAX_BYTES))).unpickle())
    described = _described(state)
    if sum(storage.count * storage.dtype.itemsize for storage in described.values()) > size:
        raise Broken("its storages would be larger than the file")
    return state, {
        key: np.frombuffer(read(f"data/{key}", storage.count * storage.dtype.itemsize), storage.dtype)
        for key, storage in described.items()
    }


def _check_state(value: object) -> State:
    if type(value) is not dict or not all(type(k) is str and isinstance(v, Tensor) for k, v in value.items()):
        raise Broken("it should hold a dict of tensors and nothing else")
    return value


def _described(state: State) -> dict[str, Storage]:
    """The storages of all tensors, by key."""
    described: dict[str, Storage] = {}
    for tensor in state.values():
        storage = tensor.storage
        if storage.count < 0 or described.setdefault(storage.key, storage) != storage:
            raise Broken(f"its pickle describes storage {storage.key!r} in two ways, or of less than no values")
    return described


def _view(name: str, tensor: Tensor, storages: Storages) -> np.ndarray:
    values, size, strides = storages[tensor.storage.key], tensor.size, tensor.strides
    proper = len(size) == len(strides) <= MAX_DIMENSIONS and min(size, default=1) > 0 and min(strides, default=0) >= 0
    if not proper:
        raise Broken(f"{name!r} has no proper size and strides")
    last = tensor.offset + sum((count - 1) * stride for count, stride in zip(size, strides, strict=True))
    if tensor.offset < 0 or last >= len(values) or math.prod(size) > len(values):
        raise Broken(f"{name!r} reaches beyond its storage")
    steps = [stride * values.itemsize if count > 1 else 0 for count, stride in zip(size, strides, strict=True)]
    return np.lib.stride_tricks.as_strided(values[tensor.offset :], size, steps, writeable=False)
