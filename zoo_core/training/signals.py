"""Ctrl-C and SIGTERM end a run between two steps, never inside one."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

NUMBERS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Whether the process was asked to stop."""

    requested = False


@contextmanager
def stop_between_steps() -> Iterator[Stop]:
    """The first signal sets `requested`; a second one interrupts at once. Outside the main thread nothing is caught."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def request(number: int, frame: FrameType | None) -> None:
        stop.requested = True
        for each in NUMBERS:
            signal.signal(each, signal.default_int_handler)

    before = {number: signal.signal(number, request) for number in NUMBERS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
