"""A comparison while it runs, on stderr: a table that follows it on a terminal, elsewhere a line where something
happens."""

import time
from collections import Counter
from collections.abc import Sequence
from types import TracebackType

from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from zoo_core.cli.output import console
from zoo_core.comparing.compare import Seen
from zoo_core.training.selection import PREFIX

_MOST_ROWS = 16
_BAR = 12  # characters
_SECONDS_BETWEEN_LINES = 60


class LiveGrid:
    """A `zoo_core.comparing.compare.Watch`, and a context manager that leaves the table as it was last."""

    def __init__(self) -> None:
        self._console = console()
        self._live = Live(console=self._console, auto_refresh=False)
        self._began = time.monotonic()
        self._printed = self._began
        self._states: dict[int, str] = {}
        self._ended = 0

    def __enter__(self) -> "LiveGrid":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def __call__(self, seen: Sequence[Seen]) -> None:
        changed = [one for one in seen if self._states.get(one.cell.number, "waiting") != one.state]
        first = not self._states
        self._states = {one.cell.number: one.state for one in seen}
        if not first:
            self._ended += sum(one.state in ("finished", "failed") for one in changed)
            for one in changed:
                self._warn(one)
        if self._console.is_terminal:
            self._live.update(self._table(seen), refresh=True)
        else:
            self._print(seen, [] if first else changed)

    def _warn(self, one: Seen) -> None:
        if one.state in ("finished", "failed"):
            for line in dict.fromkeys(one.cell.said()):
                if line.startswith("Warning: "):
                    self._console.print(f"cell {one.cell.number}, {one.cell.label}: {line}")

    def _table(self, seen: Sequence[Seen]) -> Table:
        table = Table(box=None, pad_edge=False, title=self._summary(seen), title_justify="left", title_style="bold")
        table.add_column("cell", no_wrap=True)
        table.add_column()  # the only one that becomes narrower with the terminal
        table.add_column("progress", width=_BAR, no_wrap=True)
        table.add_column("images/s", justify="right", no_wrap=True)
        table.add_column("now", no_wrap=True)
        table.add_column("left", justify="right", no_wrap=True)
        shown = [one for one in seen if one.state == "running"] + [one for one in seen if one.state == "failed"]
        for one in shown[:_MOST_ROWS]:
            share = done(one)
            table.add_row(
                str(one.cell.number),
                one.cell.label,
                Text("failed", "red") if one.state == "failed" else ProgressBar(total=1, completed=share, width=_BAR),
                f"{one.line['images_per_second']:,.0f}" if one.line else "",
                doing(one),
                left(one),
            )
        if len(shown) > _MOST_ROWS:
            table.add_row("", f"and {len(shown) - _MOST_ROWS} more")
        return table

    def _print(self, seen: Sequence[Seen], changed: Sequence[Seen]) -> None:
        for one in changed:
            what = "starts" if one.state == "running" else one.state
            failed = one.cell.failure() if one.state == "failed" else None
            error = f": {failed.error}" if failed else ""
            self._console.print(f"cell {one.cell.number}, {one.cell.label}: {what}{error}")
        now = time.monotonic()
        if (changed and len(changed) < len(seen)) or now - self._printed >= _SECONDS_BETWEEN_LINES:
            self._printed = now
            running = [one for one in seen if one.state == "running" and one.line]
            facts = [f"{one.cell.label} {done(one):.0%} {doing(one)}".rstrip() for one in running[:_MOST_ROWS]]
            self._console.print("; ".join([self._summary(seen), *facts]))

    def _summary(self, seen: Sequence[Seen]) -> str:
        counts = Counter[str](one.state for one in seen)
        states = ("finished", "running", "failed", "waiting")
        # As if what is left took as long as what was done here.
        work = self._ended + sum(done(one) for one in seen if one.state == "running")
        rest = self._ended + counts["waiting"] + counts["running"] - work
        seconds = (time.monotonic() - self._began) * rest / work if work else 0
        return ", ".join(f"{counts[state]:,} {state}" for state in states if counts[state]) + (
            f"; {in_words(seconds)} left" if seconds else ""
        )


def done(one: Seen) -> float:
    """The share of its training, in [0, 1], that a running cell is known to have done."""
    training = one.cell.training
    if not one.line:
        return 0.0
    budgets = {name: training[name] for name in ("seconds", "images")}
    budgets["step"] = 0 if training["images"] else training["steps"]
    return min(1.0, max(one.line[name] / budget for name, budget in budgets.items() if budget))


def doing(one: Seen) -> str:
    """The newest score on held-out images, or else the first loss; or that the training is over."""
    if not one.line:
        return ""
    if done(one) >= 1:
        return "is scored"
    named = [name for name in one.line if name.startswith(PREFIX)] or [n for n in one.line if n.endswith("/loss")]
    return f"{named[0].removeprefix(PREFIX).removesuffix('/loss')} {one.line[named[0]]:.3f}" if named else ""


def left(one: Seen) -> str:
    share = done(one)
    return in_words(one.line["wall_seconds"] * (1 - share) / share) if 0 < share < 1 else ""


def in_words(seconds: float) -> str:
    """Such as "2 h 05 min", "3 min" or "40 s"."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"
