"""The part of pickle that torch writes state dicts in, read without executing anything.

Python's own unpickler calls what a file tells it to, and ends the process where a file nests tuples deeply enough. This
one knows the opcodes and names that state dicts need and makes plain values of them. All else is an error.
"""

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

MAX_BYTES = 2**20
"""Of one pickle: that of the network takes less than a tenth. It bounds the memory that a hostile one can ask for."""


class Broken(Exception):
    """What is wrong with a file, as the end of a sentence."""


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


class Reader:
    """Reads a file from front to back.

    Attributes:
        position: of the next byte.
    """

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.position = 0

    def take(self, count: int) -> bytes:
        """The next `count` bytes.

        Raises:
            Broken: where there are fewer.
        """
        taken = self.content[self.position : self.position + count]
        if len(taken) < count:
            raise Broken(f"it ends within {count} bytes at {self.position}")
        self.position += count
        return taken

    def line(self) -> str:
        end = self.content.find(b"\n", self.position, self.position + 100)
        if end < 0:
            raise Broken(f"a name at byte {self.position} does not end")
        text = self.take(end - self.position).decode("ascii", "replace")
        self.position = end + 1
        return text

    def integer(self, size: int, signed: bool = False) -> int:
        return int.from_bytes(self.take(size), "little", signed=signed)

    def unpickle(self) -> Any:
        """The value of the pickle that starts here: None, numbers, texts, tuples, lists, dicts and tensors.

        Raises:
            Broken: for anything else.
        """
        start, machine = self.position, _Machine()
        while (code := self.take(1)) != pickle.STOP:
            try:
                machine.execute(code, self)
            except (IndexError, KeyError) as error:  # of the stack and the memo
                raise Broken(f"its pickle refers to nothing at byte {self.position}") from error
            if self.position - start > MAX_BYTES:
                raise Broken(f"a pickle in it has more than {MAX_BYTES} bytes")
        if len(machine.stack) != 1 or machine.marks:
            raise Broken("a pickle in it is not one value")
        return machine.stack[0]


class _Machine:
    """Pickle's stack, marks and memo."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def execute(self, code: bytes, reader: Reader) -> None:
        stack = self.stack
        match code:
            case pickle.PROTO:
                if (protocol := reader.integer(1)) != 2:
                    raise Broken(f"it should be of pickle protocol 2, received {protocol}")
            case pickle.NONE:
                stack.append(None)
            case pickle.NEWTRUE:
                stack.append(True)
            case pickle.NEWFALSE:
                stack.append(False)
            case pickle.BININT:
                stack.append(reader.integer(4, signed=True))
            case pickle.BININT1:
                stack.append(reader.integer(1))
            case pickle.BININT2:
                stack.append(reader.integer(2))
            case pickle.LONG1:
                stack.append(reader.integer(reader.integer(1), signed=True))
            case pickle.BINUNICODE:
                stack.append(reader.take(reader.integer(4)).decode("utf-8", "replace"))
            case pickle.EMPTY_TUPLE:
                stack.append(())
            case pickle.EMPTY_LIST:
                stack.append([])
            case pickle.EMPTY_DICT:
                stack.append({})
            case pickle.TUPLE1:
                stack.append((stack.pop(),))
            case pickle.TUPLE2:
                stack.append(tuple(self._pop(2)))
            case pickle.TUPLE3:
                stack.append(tuple(self._pop(3)))
            case pickle.MARK:
                self.marks.append(len(stack))
            case pickle.TUPLE:
                stack.append(tuple(self._pop_to_mark()))
            case pickle.APPEND:
                self._extend([stack.pop()])
            case pickle.APPENDS:
                self._extend(self._pop_to_mark())
            case pickle.SETITEM:
                self._update(self._pop(2))
            case pickle.SETITEMS:
                self._update(self._pop_to_mark())
            case pickle.BINPUT:
                self.memo[reader.integer(1)] = stack[-1]
            case pickle.LONG_BINPUT:
                self.memo[reader.integer(4)] = stack[-1]
            case pickle.BINGET:
                stack.append(self.memo[reader.integer(1)])
            case pickle.LONG_BINGET:
                stack.append(self.memo[reader.integer(4)])
            case pickle.GLOBAL:
                stack.append(_global(f"{reader.line()}.{reader.line()}"))
            case pickle.REDUCE:
                function, arguments = self._pop(2)
                stack.append(_call(function, arguments))
            case pickle.BUILD:
                stack.pop()  # attributes of an OrderedDict, such as the version of each layer
            case pickle.BINPERSID:
                stack.append(_storage(stack.pop()))
            case _:
                raise Broken(f"its pickle has an opcode that no state dict needs, {code!r}")

    def _pop(self, count: int) -> list[Any]:
        return [self.stack.pop() for _ in range(count)][::-1]

    def _pop_to_mark(self) -> list[Any]:
        mark = self.marks.pop()
        values = self.stack[mark:]
        del self.stack[mark:]
        return values

    def _extend(self, values: list[Any]) -> None:
        if type(self.stack[-1]) is not list:
            raise Broken("its pickle appends to what is no list")
        self.stack[-1].extend(values)

    def _update(self, values: list[Any]) -> None:
        keys = values[::2]
        # Texts alone: to hash a tuple that is nested deeply enough ends the process.
        if type(self.stack[-1]) is not dict or len(values) % 2 or not all(type(key) is str for key in keys):
            raise Broken("its pickle should set items of a dict by texts")
        self.stack[-1].update(zip(keys, values[1::2], strict=True))


def _global(name: str) -> Any:
    if name not in GLOBALS:
        raise Broken(f"it asks for {name!r}, which no state dict needs; it was not looked up")
    return GLOBALS[name]


def _call(function: Any, arguments: Any) -> Any:
    if not callable(function):  # and there is nothing callable on the stack but what `GLOBALS` has
        raise Broken("its pickle calls what is no function")
    return function(arguments)


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


def _storage(description: Any) -> Storage:
    match description:
        case ("storage", np.dtype() as dtype, str(key), str(_location), int(count), *view) if view in ([], [None]):
            return Storage(dtype, key, count)
    raise Broken("a storage should be a type, a key, a location and a count")


GLOBALS: dict[str, Callable[[Any], Any] | np.dtype] = {
    "collections.OrderedDict": _empty_dict,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch.FloatStorage": np.dtype("<f4"),
    "torch.DoubleStorage": np.dtype("<f8"),
    "torch.HalfStorage": np.dtype("<f2"),
    "torch.LongStorage": np.dtype("<i8"),
    "torch.IntStorage": np.dtype("<i4"),
}
"""What the names in a file stand for. They are not looked up anywhere else."""
