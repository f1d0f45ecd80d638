"""Running the code of others so that nothing of it is left behind: what it prints, and what it changes for everyone."""

import os
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

SLOW_SECONDS = 2.0
"""All that a plugin does at every start takes milliseconds, unless it imports Keras or the like."""


@contextmanager
def fresh_random_state() -> Iterator[None]:
    """A scope in which the global random states of Python, and of NumPy where it is imported, are new ones that no
    seed gives: in a process that has called `random.seed(0)`, code that calls it again would change nothing that can be
    seen. Afterwards they are what they were before."""
    python_state, numpy_state = random.getstate(), _numpy_state()
    random.seed()
    if numpy_state:
        sys.modules["numpy"].random.seed()
    try:
        yield
    finally:
        random.setstate(python_state)
        if numpy_state:
            sys.modules["numpy"].random.set_state(numpy_state)


@contextmanager
def isolated() -> Iterator[list[str]]:
    """Within this scope what is printed goes to stderr, so that stdout stays data. After it `KERAS_BACKEND` and the
    random state of Python and of NumPy are what they were before.

    Yields:
        A list, which holds, after the scope, what the code did that it should not.
    """
    notes: list[str] = []
    printed: Any = _Stderr()
    with fresh_random_state():
        keras_backend, python_state, numpy_state = os.environ.get("KERAS_BACKEND"), random.getstate(), _numpy_state()
        began = time.perf_counter()
        try:
            with redirect_stdout(printed):
                yield notes
        finally:
            seconds = time.perf_counter() - began
            if seconds > SLOW_SECONDS:
                notes.append(f"takes {seconds:.1f} s to import, at every start")
            if printed.used:
                notes.append("prints while it is imported")
            if (changed := os.environ.get("KERAS_BACKEND")) != keras_backend:
                notes.append(f"sets KERAS_BACKEND to {changed!r}, which was undone")
                os.environ.pop("KERAS_BACKEND", None)
                if keras_backend is not None:
                    os.environ["KERAS_BACKEND"] = keras_backend
            if random.getstate() != python_state:
                notes.append("changes the random state of Python, which was undone")
            if numpy_state and _comparable(_numpy_state()) != _comparable(numpy_state):
                notes.append("changes the random state of NumPy, which was undone")


class _Stderr:
    """stderr, and whether anything was written to it in this way."""

    used = False

    def write(self, text: str) -> int:
        self.used = True
        return sys.stderr.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stderr, name)


def _numpy_state() -> tuple[Any, ...] | None:
    """None where NumPy is not imported: then there is no state that anybody relies on."""
    numpy = sys.modules.get("numpy")
    return numpy.random.get_state() if numpy else None


def _comparable(state: tuple[Any, ...] | None) -> tuple[Any, ...]:
    """A state of NumPy is a name, an array, and three numbers."""
    return (state[1].tobytes(), *state[2:]) if state else ()
