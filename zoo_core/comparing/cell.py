"""One cell of a comparison: what it is to do, and what has become of it, as its folders say.

OUT/runs/NAME/    the run, as `zoo train` makes it
OUT/cells/NAME/   cell.log, all that its processes said; result.json, its record, or failure.json
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeVar

from filelock import FileLock, Timeout
from pydantic import BaseModel, ValidationError

from zoo_core.errors import UsageError
from zoo_core.evaluation.protocol import Protocol
from zoo_core.evaluation.record import Frozen, Record, Source
from zoo_core.files import write_text
from zoo_core.runs import RunFolder
from zoo_core.training.selection import PREFIX, Rule

State = Literal["new", "begun", "failed", "finished"]
Kind = TypeVar("Kind", bound=BaseModel)

_SECONDS_FOR_ANOTHER = 60
_TAIL = 2**16  # bytes at the end of a log in which its last lines are looked for


class CellInUse(UsageError):
    """Another process works on the cell."""

    exit_code = 75  # EX_TEMPFAIL: neither done nor failed, and not what Python ends with by itself


class Scoring(Frozen):
    """How a cell is scored; the fields are those of `zoo_core.evaluate`."""

    features: str
    weights: Path | None
    metrics: tuple[str, ...] | None
    count: int | None
    checkpoint: Rule
    protocol: Protocol | None
    seed: int

    @property
    def measured(self) -> tuple[str, ...] | None:
        """The names of the metrics, whether the plan or its protocol has them; None for the usual ones."""
        return self.protocol.scoring.metrics if self.protocol else self.metrics


class Failed(Frozen):
    """What `failure.json` says: the digest of what the cell was asked for, why it failed, and the last lines of
    `cell.log`."""

    asked: str
    error: str
    log: list[str]


class _Scored(Frozen):
    """A record, and the digest of what it was asked for."""

    asked: str
    record: Record


class Cell(Frozen):
    """One run of a comparison, and its score.

    Attributes:
        number: its place in the plan, from 0.
        options, training: all of them, resolved.
        swept: of these options those that the plan gives several values.
        asked: a digest of whatever could move the score but for the run.
        out: the comparison's folder.
        name: of the cell's folders.
        data_dir, device, command: as in `zoo_core.train`.
    """

    number: int
    model: str
    data: str
    seed: int
    options: dict[str, Any]
    swept: dict[str, Any]
    training: dict[str, Any]
    scoring: Scoring
    asked: str
    out: Path
    name: str
    data_dir: Path | None
    device: str
    command: str

    @property
    def label(self) -> str:
        """For people."""
        swept = ", ".join(f"{name}={value}" for name, value in self.swept.items())
        return f"{self.model}{f' ({swept})' if swept else ''} on {self.data}, seed {self.seed}"

    @property
    def setting(self) -> str:
        """The same for cells that differ in nothing but the seed."""
        return json.dumps([self.model, self.data, self.swept])

    @property
    def run(self) -> Path:
        return self.out / "runs" / self.name

    @property
    def folder(self) -> Path:
        return self.out / "cells" / self.name

    @property
    def log_file(self) -> Path:
        return self.folder / "cell.log"

    @property
    def _result_file(self) -> Path:
        return self.folder / "result.json"

    @property
    def _failure_file(self) -> Path:
        return self.folder / "failure.json"

    @property
    def _lock_file(self) -> Path:
        return self.folder / ".lock"

    def state(self) -> State:
        if self.record() is not None:
            return "finished"
        if self.failure() is not None:
            return "failed"
        return "begun" if RunFolder.is_run(self.run) else "new"

    def record(self) -> Record | None:
        """Its result, if it has the one that is asked for."""
        found = _read(_Scored, self._result_file)
        if found is None or found.asked != self.asked or not RunFolder.is_run(self.run):
            return None
        assert found.record.source is not None  # it is of a run, which may have been moved since
        source: Source = found.record.source.model_copy(update={"run": str(self.run)})
        return found.record.model_copy(update={"source": source, "evaluated": str(self.run)})

    def finish(self, record: Record) -> None:
        """Note what it scored."""
        write_text(self._result_file, _Scored(asked=self.asked, record=record).model_dump_json(indent=2) + "\n")
        self.forget_failure()

    def failure(self) -> Failed | None:
        """Why it failed, if it did at what is asked for."""
        found = _read(Failed, self._failure_file)
        return found if found is not None and found.asked == self.asked else None

    def said(self) -> list[str]:
        """The lines of its log."""
        there = self.log_file.is_file()
        return self.log_file.read_text(encoding="utf-8", errors="replace").splitlines() if there else []

    def fail(self, error: str) -> None:
        """Note why it has no score."""
        failed = Failed(asked=self.asked, error=error, log=self.said()[-20:])
        write_text(self._failure_file, failed.model_dump_json(indent=2) + "\n")

    def forget_failure(self) -> None:
        self._failure_file.unlink(missing_ok=True)

    def started_after(self, time: float) -> bool:
        """Whether a process has said anything of it since, in seconds of `time.time()`."""
        try:
            return self.log_file.stat().st_mtime >= time
        except OSError:
            return False

    def progress(self) -> dict[str, float]:
        """The last line of the run's `metrics.jsonl`, which is how a running cell tells how far it is, with the newest
        score on held-out images, which few lines have; else nothing."""
        try:
            with RunFolder(self.run).metrics_file.open("rb") as file:
                start = max(0, os.fstat(file.fileno()).st_size - _TAIL)
                file.seek(start)
                # What follows the last newline is being written, and of the first line the beginning may be missing.
                lines = [json.loads(line) for line in file.read().split(b"\n")[bool(start) : -1]]
        except (OSError, ValueError):
            return {}
        scores = {name: value for line in lines for name, value in line.items() if name.startswith(PREFIX)}
        return scores | lines[-1] if lines else {}

    @contextmanager
    def lock(self) -> Iterator[None]:
        """A scope in which no other process works on the cell. One that is about to end is waited for.

        Raises:
            CellInUse: if another goes on.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._lock_file)
        try:
            lock.acquire(timeout=_SECONDS_FOR_ANOTHER)
        except Timeout as error:
            raise CellInUse(
                f"'{self.folder}' is in use: another process works on this cell.", "Wait until it is done, or stop it."
            ) from error
        try:
            yield
        finally:
            lock.release()

    def in_use(self) -> bool:
        """Whether a process works on it at this moment."""
        try:
            with FileLock(self._lock_file, timeout=0):
                return False
        except Timeout:
            return True


def _read(kind: type[Kind], path: Path) -> Kind | None:
    """What is there and can be read; anything else is made anew."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
