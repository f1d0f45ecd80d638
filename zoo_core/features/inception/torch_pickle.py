"""The part of pickle that torch writes state dicts in: plain values and tensors, `zoo_core.pickles` says how."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from zoo_core.pickles import Broken, PickleReader


@dataclass(frozen=True)
class Storage:
    """So many values of one type, stored elsewhere in the file under this key."""

    dtype: np.dtype
    key: str
    count: int


@dataclass(frozen=True)
class Tensor:
    """A view of a storage; offset and strides in values."""

    storage: Storage
    offset: int
    size: tuple[int, ...]
    strides: tuple[int, ...]


def _empty_dict(arguments: Any) -> dict[str, Any]:
    if arguments != ():
        raise Broken("an OrderedDict should start empty")
    return {}


def _tensor(arguments: Any) -> Tensor:
    match arguments:
        case (Storage() as storage, int(offset), tuple(size), tuple(strides), *_) if all(
            type(number) is int for number in (*size, *strides)
        ):
            return Tensor(storage, offset, size, strides)
    raise Broken("a tensor should be a storage, an offset, a size and strides")


def _parameter(arguments: Any) -> Tensor:
    match arguments:
        case (Tensor() as tensor, *_):
            return tensor
    raise Broken("a parameter should hold a tensor")


@final
class Reader(PickleReader):
    """Reads a file of torch's from front to back."""

    kind = "state dict"
    names: ClassVar[Mapping[str, Any]] = {
        "collections.OrderedDict": _empty_dict,
        "torch._utils._rebuild_tensor_v2": _tensor,
        "torch._utils._rebuild_parameter": _parameter,
        "torch.FloatStorage": np.dtype("<f4"),
        "torch.DoubleStorage": np.dtype("<f8"),
        "torch.HalfStorage": np.dtype("<f2"),
        "torch.LongStorage": np.dtype("<i8"),
        "torch.IntStorage": np.dtype("<i4"),
    }

    def build(self, value: Any, state: Any) -> None:
        """Attributes of an OrderedDict, such as the version of each layer, do not matter."""

    def refer(self, description: Any) -> Storage:
        """A storage, by its description."""
        match description:
            case ("storage", np.dtype() as dtype, str(key), str(_location), int(count), *view) if view in ([], [None]):
                return Storage(dtype, key, count)
        raise Broken("a storage should be a type, a key, a location and a count")
