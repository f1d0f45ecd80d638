"""What a run writes down of its steps: `metrics.jsonl`, one line for several steps."""

import resource
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from zoo_core.errors import ZooError
from zoo_core.runs import RunFolder
from zoo_core.training.backends import backend


class Sink(Protocol):
    """Whoever is told of a run's progress."""

    def begin(self, label: str, step: int, steps: int, seconds: float = 0.0) -> None:
        """A run, named by `label`, sets out from `step` for `steps`, or for so many `seconds` of training if any."""
        ...

    def log(self, line: dict[str, float]) -> None:
        """Each line of `metrics.jsonl`, as it is written."""
        ...


class Report(Sink, Protocol):
    """Whoever shows progress to people."""

    def warn(self, message: str) -> None:
        """Something that does not stop the run, but should be known."""
        ...


class NotFinite(ZooError):
    """A loss is NaN or infinite."""


class MetricsLog:
    """Collects what steps log, still on the device, and now and then fetches, checks and writes its mean.

    What is logged beside the losses may be NaN or infinite now and then; it is left out of the mean.

    A line's `seconds` are those of all training steps so far, without the dispatches that compile first; `wall_seconds`
    are those since the start, whatever they were spent on. Both go on where an interrupted run left off.

    Args:
        run: its folder, whose `metrics.jsonl` ends where the run goes on.
        images: seen in one step.
        every: of each phase of the model; a step in which none of them runs logs nothing.
    """

    def __init__(self, run: RunFolder, images: int, sinks: Sequence[Sink] = (), every: Sequence[int] = (1,)) -> None:
        lines = run.metrics()
        self._run = run
        self._images = images
        self._sinks = sinks
        self._every = every
        self._steps = 0  # since the last line
        self._pending: list[Mapping[str, Any]] = []
        self._rows: list[dict[str, float]] = []
        self._notes: dict[str, float] = {}
        self._seconds = lines[-1]["seconds"] if lines else 0.0
        self._wall_before = lines[-1]["wall_seconds"] if lines else 0.0
        self._started = time.perf_counter()
        self._since_line = (self._seconds, 0)  # seconds, and timed steps since

    def add(self, logs: Sequence[Mapping[str, Any]], count: int, began: float, compiles: bool = False) -> None:
        """What `count` steps logged, as `Engine.steps` gives it, which began at `time.perf_counter()` = `began`.

        Args:
            compiles: whether they were compiled first; their time does not count then.
        """
        self._pending += logs
        self._steps += count
        if compiles:
            self._collect()  # waits until they are done
        else:
            self._seconds += time.perf_counter() - began
            self._since_line = (self._since_line[0], self._since_line[1] + count)

    def fetch(self, step: int) -> None:
        """Wait for what was logged until `step`, and look at it.

        Raises:
            NotFinite: naming the phase and the step.
        """
        if self._pending:
            began = time.perf_counter()
            self._collect()
            self._seconds += time.perf_counter() - began  # the device's time, and so that of the steps
        logged = (n for n in range(step - self._steps, step) if any(n % every == 0 for every in self._every))
        for number, row in zip(logged, self._rows, strict=True):
            for name, value in row.items():
                if name.endswith("/loss") and not np.isfinite(value):
                    phase = name.removesuffix("/loss")
                    raise NotFinite(f"The loss of phase '{phase}' is {value} at step {number + 1:,}.")

    @property
    def seconds(self) -> float:
        """Of all training steps so far, as a line tells them; on a device that works ahead, of those that were
        fetched."""
        return round(self._seconds, 3)

    def note(self, name: str, value: float) -> None:
        """One more value for the next line."""
        self._notes[name] = value

    def write(self, step: int) -> None:
        """Write the line of `step`: the mean of what was fetched since the line before."""
        seconds_before, timed = self._since_line
        speed = timed * self._images / (self._seconds - seconds_before) if timed else 0.0
        line = {
            "step": step,
            "images": step * self._images,
            "seconds": self.seconds,
            "wall_seconds": round(self._wall_before + time.perf_counter() - self._started, 3),
            "images_per_second": round(speed, 1),
            "peak_memory_mib": round(peak_memory_mib(), 1),
        }
        logged: dict[str, list[float]] = {}
        for name, value in (item for row in self._rows for item in row.items() if np.isfinite(item[1])):
            logged.setdefault(name, []).append(value)
        line |= {name: float(np.mean(values)) for name, values in logged.items()} | self._notes
        self._run.append_metrics(line)
        self._rows.clear()
        self._steps = 0
        self._notes.clear()
        self._since_line = (self._seconds, 0)
        for sink in self._sinks:
            sink.log(line)

    def _collect(self) -> None:
        for logs in filter(None, self._pending):
            values = {name: np.atleast_1d(backend().to_numpy(value)) for name, value in logs.items()}
            steps = len(next(iter(values.values())))
            self._rows += [{name: float(value[i]) for name, value in values.items()} for i in range(steps)]
        self._pending.clear()


def peak_memory_mib() -> float:
    """Of the whole process, on the host."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
