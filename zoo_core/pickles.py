"""Pickles from strangers, read without executing anything: protocols 0 to 2, plain values, and what a subclass adds.

Python's own unpickler calls what a file tells it to, and ends the process where a file nests tuples deeply enough. This
one knows the opcodes of plain values and makes nothing else, but for the few names that a subclass of `PickleReader`
lists. All other opcodes and names are an error.
"""

import codecs
import pickle
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from zoo_core.errors import counted

MAX_BYTES = 2**20
"""Of one pickle, apart from the content of byte strings. It bounds the memory that a hostile one can ask for."""


class Broken(Exception):
    """What is wrong with a file, as the end of a sentence."""


class PickleReader(ABC):
    """Reads a file from front to back.

    Attributes:
        position: of the next byte.
    """

    kind: ClassVar[str]
    """What the pickles are of, for messages: "state dict"."""

    names: ClassVar[Mapping[str, Any]]
    """What the names in a file stand for: a function of one argument, the tuple of what is passed, or a value that is
    no function. They are not looked up anywhere else, and nothing else in a file can be called."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.position = 0

    @abstractmethod
    def build(self, value: Any, state: Any) -> None:
        """Give a value that a function made its state. Raises Broken where it has none."""

    @abstractmethod
    def refer(self, description: Any) -> Any:
        """What is stored outside of the pickle, under a persistent id. Raises Broken where nothing is."""

    def take(self, count: int) -> bytes:
        """The next `count` bytes.

        Raises:
            Broken: where there are fewer.
        """
        taken = self.content[self.position : self.position + count]
        if len(taken) < count:
            least = counted(self.position + count, "byte")
            raise Broken(f"it is cut short: expected at least {least}, received {len(self.content):,}")
        self.position += count
        return taken

    def line(self, what: str, longest: int = 100) -> bytes:
        end = self.content.find(b"\n", self.position, self.position + longest)
        if end < 0:
            raise Broken(f"a {what} at byte {self.position} does not end")
        line = self.take(end - self.position)
        self.position = end + 1
        return line

    def integer(self, size: int, signed: bool = False) -> int:
        return int.from_bytes(self.take(size), "little", signed=signed)

    def unpickle(self) -> Any:
        """The value of the pickle that starts here: None, numbers, texts, bytes, tuples, lists, dicts, and what the
        names stand for.

        Raises:
            Broken: for anything else.
        """
        start, machine = self.position, _Machine(self)
        while (code := self.take(1)) != pickle.STOP:
            try:
                machine.execute(code)
            except (IndexError, KeyError) as error:  # of the stack and the memo
                raise Broken(f"its pickle refers to nothing at byte {self.position}") from error
            if self.position - start - machine.in_strings > MAX_BYTES:
                raise Broken(f"a pickle in it has more than {MAX_BYTES} bytes")
        if len(machine.stack) != 1 or machine.marks:
            raise Broken("a pickle in it is not one value")
        return machine.stack[0]


class _Machine:
    """Pickle's stack, marks and memo.

    Attributes:
        in_strings: bytes that were the content of byte strings.
    """

    def __init__(self, reader: PickleReader) -> None:
        self.reader = reader
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.in_strings = 0

    def execute(self, code: bytes) -> None:
        stack, reader = self.stack, self.reader
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
            case pickle.INT:
                stack.append(_number(reader.line("number")))
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
            case pickle.STRING:
                stack.append(self._string(_unquoted(reader.line("string", len(reader.content)))))
            case pickle.BINSTRING:
                stack.append(self._string(reader.take(reader.integer(4))))
            case pickle.SHORT_BINSTRING:
                stack.append(self._string(reader.take(reader.integer(1))))
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
            case pickle.LIST:
                stack.append(self._pop_to_mark())
            case pickle.DICT:
                items = self._pop_to_mark()
                stack.append({})
                self._update(items)
            case pickle.APPEND:
                self._extend([stack.pop()])
            case pickle.APPENDS:
                self._extend(self._pop_to_mark())
            case pickle.SETITEM:
                self._update(self._pop(2))
            case pickle.SETITEMS:
                self._update(self._pop_to_mark())
            case pickle.PUT:
                self.memo[_number(reader.line("number"))] = stack[-1]
            case pickle.BINPUT:
                self.memo[reader.integer(1)] = stack[-1]
            case pickle.LONG_BINPUT:
                self.memo[reader.integer(4)] = stack[-1]
            case pickle.GET:
                stack.append(self.memo[_number(reader.line("number"))])
            case pickle.BINGET:
                stack.append(self.memo[reader.integer(1)])
            case pickle.LONG_BINGET:
                stack.append(self.memo[reader.integer(4)])
            case pickle.GLOBAL:
                stack.append(self._global())
            case pickle.REDUCE:
                function, arguments = self._pop(2)
                stack.append(_call(function, arguments))
            case pickle.BUILD:
                state = stack.pop()
                reader.build(stack[-1], state)
            case pickle.BINPERSID:
                stack.append(reader.refer(stack.pop()))
            case _:
                raise Broken(f"its pickle has an opcode that no {reader.kind} needs, {code!r}")

    def _global(self) -> Any:
        module, name = (self.reader.line("name").decode("ascii", "replace") for _ in range(2))
        if (full := f"{module}.{name}") not in self.reader.names:
            raise Broken(f"it asks for {full!r}, which no {self.reader.kind} needs; it was not looked up")
        return self.reader.names[full]

    def _string(self, content: bytes) -> bytes:
        self.in_strings += len(content)
        return content

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
        if type(self.stack[-1]) is not dict or len(values) % 2 or not all(type(key) in (str, bytes) for key in keys):
            raise Broken("its pickle should set items of a dict by texts")
        self.stack[-1].update(zip(keys, values[1::2], strict=True))


def _number(line: bytes) -> int:
    """Of protocol 0, where 00 and 01 are the truth values."""
    if line in (b"00", b"01"):
        return line == b"01"
    try:
        return int(line)
    except ValueError:
        raise Broken(f"its pickle has the number {line!r}") from None


def _unquoted(line: bytes) -> bytes:
    """The bytes that a string of protocol 0 stands for: a literal of Python 2."""
    if len(line) < 2 or line[0] != line[-1] or line[:1] not in (b"'", b'"'):
        raise Broken("a string in its pickle has no quotes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python grumbles about escapes that it does not know
            return codecs.escape_decode(line[1:-1])[0]
    except ValueError as error:
        raise Broken(f"a string in its pickle can't be read ({error})") from None


def _call(function: Any, arguments: Any) -> Any:
    if not callable(function):  # and there is nothing callable on the stack but what `names` has
        raise Broken("its pickle calls what is no function")
    return function(arguments)
