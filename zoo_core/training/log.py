"""What a run writes down of its steps: `metrics.jsonl`, one line for several steps."""

import resource
import sys
import time
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from zoo_core.errors import ZooError
from zoo_core.runs import RunFolder


class Report(Protocol):
    """Whoever shows progress."""

    def begin(self, label: str, step: int, steps: int) -> None:
        """A run, named by `label`, sets out from `step` for `steps`."""
        ...

    def log(self, line: dict[str, float]) -> None:
        """Each line of `metrics.jsonl`, as it is written."""
        ...


class NotFinite(ZooError):
    """A loss is NaN or infinite."""


class MetricsLog:
    """Collects what steps log, still on the device, and now and then fetches, checks and writes its mean.

    What is logged beside the losses may be NaN or infinite now and then; it is left out of the mean.

    A line's `seconds` are those of all training steps so far, without the first of each process, which compiles;
    `wall_seconds` are those since the start, whatever they were spent on. Both go on where an interrupted run left off.

    Args:
        run: its folder, whose `metrics.jsonl` ends where the run goes on.
        images: seen in one step.
    """

    def __init__(self, run: RunFolder, images: int, report: Report | None = None) -> None:
        lines = run.metrics()
        self._run = run
        self._images = images
        self._report = report
        self._pending: list[Mapping[str, Any]] = []
        self._compiled = False
        self._seconds = lines[-1]["seconds"] if lines else 0.0
        self._wall_before = lines[-1]["wall_seconds"] if lines else 0.0
        self._started = time.perf_counter()
        self._since_line = (self._seconds, 0)  # seconds, and timed steps since

    def add(self, logs: Mapping[str, Any], began: float) -> None:
        """What one step logged, which began at `time.perf_counter()` = `began`."""
        self._pending.append(logs)
        if self._compiled:
            self._seconds += time.perf_counter() - began
            self._since_line = (self._since_line[0], self._since_line[1] + 1)
        else:
            _fetch(logs)  # waits until it is done
            self._compiled = True

    def write(self, step: int) -> None:
        """Write the line of `step`: the mean of what was logged since the line before.

        Raises:
            NotFinite: naming the phase and the step; no line is written then.
        """
        began = time.perf_counter()
        rows = [_fetch(logs) for logs in self._pending]  # waits for the device, so this is time of the steps
        self._seconds += time.perf_counter() - began
        for number, row in enumerate(rows, start=step - len(rows) + 1):
            for name, value in row.items():
                if name.endswith("/loss") and not np.isfinite(value):
                    raise NotFinite(f"The loss of phase '{name.removesuffix('/loss')}' is {value} at step {number:,}.")
        seconds_before, timed = self._since_line
        speed = timed * self._images / (self._seconds - seconds_before) if timed else 0.0
        line = {
            "step": step,
            "images": step * self._images,
            "seconds": round(self._seconds, 3),
            "wall_seconds": round(self._wall_before + time.perf_counter() - self._started, 3),
            "images_per_second": round(speed, 1),
            "peak_memory_mib": round(peak_memory_mib(), 1),
        }
        logged: dict[str, list[float]] = {}
        for name, value in (item for row in rows for item in row.items() if np.isfinite(item[1])):
            logged.setdefault(name, []).append(value)
        line |= {name: float(np.mean(values)) for name, values in logged.items()}
        self._run.append_metrics(line)
        self._pending.clear()
        self._since_line = (self._seconds, 0)
        if self._report:
            self._report.log(line)


def _fetch(logs: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in logs.items()}


def peak_memory_mib() -> float:
    """Of the whole process, on the host."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
