"""CIFAR-10 and CIFAR-100 as they are published: the binary version, and the python version without running a pickle.

    binary   data_batch_1.bin … data_batch_5.bin and test_batch.bin, or train.bin and test.bin: records of a label (of
             CIFAR-100 the coarse one and the fine one), a byte each, and the pixels, 3 × 32 × 32
    python   data_batch_1 … data_batch_5 and test_batch, or train and test: a pickled dict each, of Python 2, with
             `data`, uint8 (N, 3072), and `labels` or `fine_labels`, a list of integers

https://www.cs.toronto.edu/~kriz/cifar.html, "Dataset layout".
"""

import gzip
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, final

import numpy as np

from zoo_core.data.tars import tar_members
from zoo_core.pickles import Broken, PickleReader

_PIXELS = 3 * 32 * 32
_LARGEST = 2**28
"""Bytes of a file; those of the largest, CIFAR-100's train, are 155 million."""


class _Version(NamedTuple):
    """One way in which a set is published.

    Args:
        places: the archive, and the folder that is in it; in this order they are looked for.
        files: of each split, in the order of the images.
        parse: from a file to its images (N, 3072) and their labels (N,), uint8.
    """

    places: tuple[str, str]
    files: Mapping[str, Sequence[str]]
    parse: Callable[[bytes], tuple[np.ndarray, np.ndarray]]


def find_cifar(name: str, folder: Path) -> Path | None:
    """The archive or the folder of a set's files, in a folder of local copies.

    Args:
        name: "cifar10" or "cifar100".
    """
    return next((folder / place for place in _versions(name) if (folder / place).exists()), None)


def read_cifar(name: str, path: Path) -> dict[str, np.ndarray]:
    """What `find_cifar` found, as keras.datasets lays it out: x_train, y_train, x_test, y_test.

    Raises:
        Exception: of several kinds, where they are damaged, missing or something else.
    """
    version, arrays = _versions(name)[path.name], {}
    wanted = {file: split for split, files in version.files.items() for file in files}
    parsed = {}
    for file, content in _contents(path, wanted):
        try:
            parsed[file] = version.parse(content)
        except Broken as error:
            raise Broken(f"in {file}, {error}") from error
    if missing := sorted(set(wanted) - set(parsed)):
        raise Broken(f"it holds no {' and no '.join(missing)}")
    for split, files in version.files.items():
        pixels = np.concatenate([parsed[file][0] for file in files])
        arrays[f"x_{split}"] = pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)  # (N, 32, 32, 3)
        arrays[f"y_{split}"] = np.concatenate([parsed[file][1] for file in files])[:, None]  # (N, 1)
    return arrays


def _versions(name: str) -> dict[str, _Version]:
    return {place: version for version in _VERSIONS[name] for place in version.places}


def _contents(path: Path, names: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """The files of these names, from a folder or, wherever they lie in it, from an archive."""
    if path.is_dir():
        for name in names:
            if (path / name).is_file():
                _check_size(name, (path / name).stat().st_size)
                yield name, (path / name).read_bytes()
        return
    with gzip.open(path) as stream:
        for member in tar_members(stream):
            name = member.name.rpartition("/")[2]
            if name in names and member.isreg() and not member.issparse():
                _check_size(name, member.size)
                stream.seek(member.offset_data)
                yield name, stream.read(member.size)


def _check_size(name: str, size: int) -> None:
    if size > _LARGEST:
        raise Broken(f"{name} has {size} bytes, more than {_LARGEST}")


def _parse_binary(content: bytes, labels: int) -> tuple[np.ndarray, np.ndarray]:
    record = labels + _PIXELS
    if not content or len(content) % record:
        raise Broken(f"{len(content)} bytes are not records of {record}")
    records = np.frombuffer(content, np.uint8).reshape(-1, record)
    return records[:, labels:], records[:, labels - 1]


def _parse_pickle(content: bytes, key: bytes) -> tuple[np.ndarray, np.ndarray]:
    batch = _Reader(content).unpickle()
    match batch:
        case {b"data": _Array(values=np.ndarray() as pixels)} if key in batch:
            labels = batch[key]
        case _:
            raise Broken(f"there should be an array 'data' and a list '{key.decode()}'")
    proper = type(labels) is list and all(type(label) is int and 0 <= label < 256 for label in labels)
    if not proper or pixels.shape != (len(labels), _PIXELS):
        raise Broken(f"there should be images of {_PIXELS} values, each with a label")
    return pixels, np.array(labels, np.uint8)


class _Array:
    """What NumPy's `_reconstruct` makes: an array that is yet to be filled.

    Attributes:
        values: uint8 (N, M), or None until then.
    """

    values: np.ndarray | None = None


_NDARRAY = "numpy.ndarray"  # stands for the class, which is only passed to `_reconstruct`


def _reconstruct(arguments: Any) -> _Array:
    if arguments != (_NDARRAY, (0,), b"b"):
        raise Broken("an array should start empty")
    return _Array()


def _dtype(arguments: Any) -> np.dtype:
    if arguments != (b"u1", 0, 1):
        raise Broken("an array should be of bytes")
    return np.dtype(np.uint8)


@final
class _Reader(PickleReader):
    kind = "CIFAR file"
    names: ClassVar[Mapping[str, Any]] = {
        "numpy.core.multiarray._reconstruct": _reconstruct,
        "numpy.ndarray": _NDARRAY,
        "numpy.dtype": _dtype,
    }

    def build(self, value: Any, state: Any) -> None:
        match value, state:
            case _Array(), (1, (int(rows), int(columns)), np.dtype(), False, bytes(raw)):
                if min(rows, columns) < 0 or rows * columns != len(raw):
                    raise Broken(f"an array ({rows}, {columns}) has {len(raw)} bytes")
                value.values = np.frombuffer(raw, np.uint8).reshape(rows, columns)
            case np.dtype(), tuple():  # its byte order, which single bytes do not have
                pass
            case _:
                raise Broken("its pickle should build arrays of bytes in rows, and nothing else")

    def refer(self, description: Any) -> Any:
        raise Broken("its pickle refers to something outside of it")


def _binary(labels: int) -> Callable[[bytes], tuple[np.ndarray, np.ndarray]]:
    return lambda content: _parse_binary(content, labels)


def _python(key: bytes) -> Callable[[bytes], tuple[np.ndarray, np.ndarray]]:
    return lambda content: _parse_pickle(content, key)


def _batches(suffix: str) -> dict[str, list[str]]:
    return {"train": [f"data_batch_{n}{suffix}" for n in range(1, 6)], "test": [f"test_batch{suffix}"]}


_VERSIONS: Mapping[str, Sequence[_Version]] = {
    "cifar10": (
        _Version(("cifar-10-binary.tar.gz", "cifar-10-batches-bin"), _batches(".bin"), _binary(1)),
        _Version(("cifar-10-python.tar.gz", "cifar-10-batches-py"), _batches(""), _python(b"labels")),
    ),
    "cifar100": (
        _Version(
            ("cifar-100-binary.tar.gz", "cifar-100-binary"), {"train": ["train.bin"], "test": ["test.bin"]}, _binary(2)
        ),
        _Version(
            ("cifar-100-python.tar.gz", "cifar-100-python"),
            {"train": ["train"], "test": ["test"]},
            _python(b"fine_labels"),
        ),
    ),
}
