"""A cell in a process of its own, which may die without taking anything else with it."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import IO

from zoo_core.comparing.cell import Cell, CellInUse

# -P: what lies in the current folder is no module of ours; faulthandler: a crash leaves a traceback in the log.
_COMMAND = [sys.executable, "-P", "-u", "-X", "faulthandler", "-m", "zoo_core.comparing.work"]


_ATTEMPTS = 2


def work_off(cell: Cell, begin: "Callable[[], CellProcess | None]") -> None:
    """In a process that `begin` gives; where that is killed, in another one, which goes on from the last checkpoint.
    Where the second is killed too, that is the cell's failure. Without a process nothing is done."""
    for attempt in range(1, 1 + _ATTEMPTS):
        process = begin()
        if process is None or not process.work_off(cell):
            return
        if attempt == _ATTEMPTS:
            cell.fail(process.death)


class CellProcess:
    """Starts at once, and imports what every cell needs while nobody waits for it. It works off one cell.

    Args:
        environment: variables to set beside those of this process.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._early = tempfile.TemporaryFile()  # noqa: SIM115  what it says before it has a cell, and so a log
        self._process = subprocess.Popen(
            _COMMAND,
            stdin=subprocess.PIPE,
            stdout=self._early,
            stderr=self._early,
            env={**os.environ, **environment},
            start_new_session=True,  # Ctrl-C reaches every process of the terminal; the first alone must act on it
        )

    def work_off(self, cell: Cell) -> bool:
        """Wait until it has ended. What became of the cell, its folder then says, unless the process was closed, or
        another process works on the cell.

        Returns:
            Whether it was killed, by the system or by a bug; then nothing is noted yet.
        """
        cell.forget_failure()
        with suppress(BrokenPipeError, ValueError):  # it is dead, or was closed already
            self._input.write(cell.model_dump_json().encode() + b"\n")
            self._input.flush()
        code = self._process.wait()
        with self._early:
            self._early.seek(0)
            said = self._early.read().decode(errors="replace").strip().splitlines()
        if self._input.closed:
            return False
        self.close()
        if code >= 0 and code != CellInUse.exit_code and cell.state() not in ("finished", "failed"):
            cell.fail(f"Its process ended with exit code {code}{f': {said[-1]}' if said else ''}.")
        return code < 0

    @property
    def death(self) -> str:
        """Why it was killed, in words."""
        number = -self._process.returncode
        hint = " The system does that where memory runs out." if number == signal.SIGKILL else ""
        return f"Its process was killed by signal {number} ({signal.Signals(number).name}).{hint}"

    def close(self) -> None:
        """Let it end: with a checkpoint where it trains, at once where it has no cell."""
        with suppress(BrokenPipeError):
            self._input.close()

    def discard(self) -> None:
        """End it where it has no cell, or none that anybody waits for."""
        self.close()
        self._process.wait()
        self._early.close()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    @property
    def _input(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin
