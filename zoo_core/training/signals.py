"""Ctrl-C and SIGTERM end a run between two steps, never inside one."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

NUMBERS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Whether the process was asked to stop."""

    def __init__(self, requested: bool = False) -> None:
        self.requested = requested


@contextmanager
def interrupt_and_note() -> Iterator[Stop]:
    """While a run starts, a signal interrupts at once. It is noted too, since Python drops what is raised where it
    happens to be in a callback of the garbage collector, and JAX has one. Outside the main thread nothing is caught."""
    stop = Stop()

    def interrupt(number: int, frame: FrameType | None) -> None:
        stop.requested = True
        raise KeyboardInterrupt

    with _handled_by(interrupt):
        yield stop


@contextmanager
def stop_between_steps(requested: bool = False) -> Iterator[Stop]:
    """The first signal sets `requested`, unless it is already; a second one interrupts at once. Outside the main thread
    nothing is caught."""
    stop = Stop(requested)

    def request(number: int, frame: FrameType | None) -> None:
        stop.requested = True
        for each in NUMBERS:
            signal.signal(each, signal.default_int_handler)

    with _handled_by(signal.default_int_handler if requested else request):
        yield stop


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in NUMBERS}
    try:
        yield
    finally:
        for number, handler_before in before.items():
            signal.signal(number, handler_before)
