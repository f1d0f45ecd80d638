"""Which checkpoint is the best by a held-out score, and when to stop looking for a better one."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, get_args

from zoo_core.errors import UsageError, ZooError, unknown
from zoo_core.runs import RunFolder
from zoo_core.training import checkpoint
from zoo_core.training.options import TrainingOptions

if TYPE_CHECKING:
    from zoo_core.training.backends import Arrays  # which imports Keras

PREFIX = "select/"
"""Of a judge's name, and so of the key under which `metrics.jsonl` holds its scores."""

Rule = Literal["final", "best"]
"""Which checkpoint of a run is used: that of its last step, or the best by held-out scores."""


class Judge(Protocol):
    """Scores weights during training; lower is better. A later station provides it."""

    name: str
    """Beginning with `PREFIX`, such as "select/fd_classifier"."""

    every: int
    """Steps between scores, at least 1."""

    def __call__(self, weights: "Arrays") -> float:
        """Receives the averaged weights of the networks that are used after training."""
        ...


class Selection:
    """The best score so far, those that were the best before it, and how many have come since.

    Args:
        lines: of `metrics.jsonl` up to where the run goes on.
        patience: scores in a row without a better one before training stops; 0 for no end.
    """

    def __init__(self, lines: Iterable[Mapping[str, float]], patience: int) -> None:
        self._records: list[tuple[int, float]] = []  # steps and scores, each better than those before
        self._patience = patience
        self._since = 0
        for line in lines:
            for name, value in line.items():
                if name.startswith(PREFIX):
                    self.add(int(line["step"]), value)

    def add(self, step: int, score: float) -> bool:
        """Take note of a score, and tell whether it is the best so far."""
        if self.best is None or score < self.best[1]:
            self._records.append((step, score))
            self._since = 0
            return True
        self._since += 1
        return False

    @property
    def best(self) -> tuple[int, float] | None:
        """The step and the score of the best so far."""
        return self._records[-1] if self._records else None

    def best_steps(self, looks: Iterable[int]) -> set[int]:
        """The steps of those that were, or are, the best at these steps."""
        until = [[step for step, _ in self._records if step <= look] for look in looks]
        return {steps[-1] for steps in until if steps}

    @property
    def exhausted(self) -> bool:
        return bool(self._patience) and self._since >= self._patience


def choose(run: RunFolder, rule: Rule) -> tuple[int, Path]:
    """The step and the file of the checkpoint that a rule picks.

    Raises:
        UsageError: for the best one of a run without scores, or a rule that there is not.
        ZooError: if there is no checkpoint yet, or the file of the best one is missing.
    """
    if rule not in get_args(Rule):
        raise unknown("checkpoint", rule, get_args(Rule))
    if rule == "final":
        path = checkpoint.latest(run)
        return checkpoint.steps_of(run)[-1], path
    best = Selection(run.metrics(), 0).best
    if best is None:
        raise UsageError(
            f"'{run.path}' has no best checkpoint: it was not scored on held-out images while it trained.",
            "Take the last one, --checkpoint final, or train with -t select_every=N.",
        )
    path = checkpoint.best_path_of(run, best[0])
    if not path.is_file():
        raise ZooError(
            f"'{path}' is missing: its weights, of step {best[0]:,}, had the best score on held-out images.",
            "Restore the file, or take the last checkpoint: --checkpoint final.",
        )
    return best[0], path


def is_finished(run: RunFolder, options: TrainingOptions) -> bool:
    """Whether a run has a checkpoint of its last step, or of where its seconds or its patience ended."""
    saved = checkpoint.steps_of(run)
    if options.steps in saved:
        return True
    lines = run.metrics()
    if not lines or lines[-1]["step"] not in saved:
        return False
    spent = 0 < options.seconds <= lines[-1]["seconds"]
    return spent or Selection(lines, options.patience).exhausted
