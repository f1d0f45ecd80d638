"""Progress on stderr: a bar on a terminal, a line every ten seconds elsewhere."""

import time
from types import TracebackType

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from zoo_core.cli.output import console

SECONDS_BETWEEN_LINES = 10


class StderrReport:
    """A `zoo_core.training.log.Report`, and a context manager that takes the bar away again."""

    def __init__(self) -> None:
        self._console = console()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[done]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[facts]}"),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task: TaskID | None = None
        self._label = ""
        self._steps, self._seconds = 0, 0.0
        self._printed = 0.0

    def __enter__(self) -> "StderrReport":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def begin(self, label: str, step: int, steps: int, seconds: float = 0.0) -> None:
        self._label, self._steps, self._seconds = label, steps, seconds
        if self._task is not None:
            self._bar.remove_task(self._task)
        # Of seconds it is not known yet how many a run that goes on has behind it.
        done, total = (0, seconds) if seconds else (step, steps)
        self._task = self._bar.add_task(label, completed=done, total=total, done="", facts="")

    def log(self, line: dict[str, float]) -> None:
        assert self._task is not None
        losses = "  ".join(f"{name.removesuffix('/loss')} {line[name]:.3f}" for name in line if name.endswith("/loss"))
        facts = f"{losses}  {line['images_per_second']:,.0f} images/s".lstrip()
        if self._seconds:
            done, total = line["seconds"], self._seconds
            told, left = f"{done:.1f} of {total:g} s", max(0, total - done)
        else:
            done, total = line["step"], self._steps
            told, left = f"{done:,} of {total:,}", (total - done) * line["seconds"] / done
        self._bar.update(self._task, completed=done, done=told, facts=facts)
        now, last = time.monotonic(), done >= total
        if not self._console.is_terminal and (last or now - self._printed >= SECONDS_BETWEEN_LINES):
            self._printed = now
            self.say(f"{self._label}: {told}  {facts}  {left:.0f} s left")

    def warn(self, message: str) -> None:
        self.say(f"Warning: {message}")

    def say(self, message: str) -> None:
        """One line on its own, above the bar where there is one."""
        self._console.print(message)


class Counting:
    """Told how many of how many things are done, on a terminal as a bar; a context manager that takes it away again."""

    def __init__(self) -> None:
        self._console = console()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=self._console, disable=not self._console.is_terminal)
        self._tasks: dict[str, TaskID] = {}
        self._printed = time.monotonic()

    def __enter__(self) -> "Counting":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def __call__(self, what: str, done: int, total: int) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._bar.add_task(what, total=total or None)
        self._bar.update(self._tasks[what], completed=done, total=total or None)
        now = time.monotonic()
        if not self._console.is_terminal and total and now - self._printed >= SECONDS_BETWEEN_LINES:
            self._printed = now
            self._console.print(f"{what}: {done:,} of {total:,}")
