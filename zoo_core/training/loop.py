"""The training loop: feed, step, look every so often, save."""

import resource
import time
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from zoo_core.data.feeding import Feeder
from zoo_core.errors import Interrupted, ZooError
from zoo_core.runs import RunFolder
from zoo_core.training import checkpoint
from zoo_core.training.jax_backend import Arrays, Engine
from zoo_core.training.options import TrainingOptions
from zoo_core.training.signals import stop_between_steps

STATISTICS_BATCHES = 16  # batch statistics of the averaged weights are a mean over so many batches


class Callback(Protocol):
    """What a later station does during training, such as sample grids."""

    every: int
    """Steps between calls; 0 for none but the last, after the final step."""

    def __call__(self, step: int, weights: Arrays) -> None:
        """Receives the averaged weights of the networks that are used after training."""
        ...


class Report(Protocol):
    """Whoever shows progress."""

    def begin(self, label: str, step: int, steps: int) -> None:
        """A run, named by `label`, sets out from `step` for `steps`."""
        ...

    def log(self, line: dict[str, float]) -> None:
        """Each line of `metrics.jsonl`, as it is written."""
        ...


class Loop:
    """Trains one run to its end, from wherever its last checkpoint stands.

    Args:
        engine: with the initial state.
        feeder: of the training split, its batch size multiplied by the engine's `batches_per_step`.
        model: the model's name, which checkpoints carry.
    """

    def __init__(
        self,
        run: RunFolder,
        engine: Engine,
        feeder: Feeder,
        model: str,
        options: TrainingOptions,
        callbacks: Sequence[Callback] = (),
        report: Report | None = None,
    ) -> None:
        self._run = run
        self._engine = engine
        self._feeder = feeder
        self._model = model
        self._options = options
        self._callbacks = callbacks
        self._report = report
        self._pending: list[dict[str, Any]] = []
        self._seconds = 0.0
        self._logged_seconds = 0.0
        self._wall_before = 0.0
        self._started = time.perf_counter()

    def restore(self) -> int:
        """Take up the last checkpoint, if there is one, and return its step."""
        if not checkpoint.steps_of(self._run):
            self._run.keep_metrics_until(0)
            return 0
        path = checkpoint.latest(self._run)
        self._engine.state = checkpoint.load(path, self._model, "state", self._engine.state)
        step = self._engine.step_count
        self._run.keep_metrics_until(step)
        lines = self._run.metrics()
        if lines:
            self._seconds = self._logged_seconds = lines[-1]["seconds"]
            self._wall_before = lines[-1]["wall_seconds"]
        return step

    def run(self) -> None:
        """Train until the last step.

        Raises:
            ZooError: where a loss or a weight is not finite, or the disk is full; the last good checkpoint stays.
            Interrupted: on Ctrl-C or SIGTERM, with a checkpoint of the last whole step saved.
        """
        options = self._options
        with stop_between_steps() as stop:
            step = self._engine.step_count
            if self._report:
                self._report.begin(self._run.description().label, step, options.steps)
            while step < options.steps:
                began = time.perf_counter()
                self._pending.append(self._engine.step(step, self._feeder.batch(step)))
                step += 1
                last = step == options.steps
                saves = last or stop.requested or step % options.checkpoint_every == 0
                due = [c for c in self._callbacks if last or (c.every and step % c.every == 0)]
                if saves or due or step % options.log_every == 0:
                    self._log(step, began)  # also finds losses that are not finite, before anything is saved
                else:
                    self._seconds += time.perf_counter() - began
                if saves or due:
                    weights = self._engine.average([self._feeder.batch(i) for i in range(STATISTICS_BATCHES)])
                if saves:
                    self._save(step, weights)
                for callback in due:
                    callback(step, weights)
                if stop.requested and not last:
                    raise Interrupted(
                        f"Stopped after step {step:,} of {options.steps:,}; a checkpoint is saved.",
                        f"Go on with: zoo train --resume {self._run.path}",
                    )

    def _log(self, step: int, began: float) -> None:
        """Fetch what the steps since the last look have logged, check it, and write its mean."""
        names = list(self._pending[-1])
        columns = {name: np.array([float(logs[name]) for logs in self._pending if name in logs]) for name in names}
        self._seconds += time.perf_counter() - began
        first = step - len(self._pending) + 1
        for offset, logs in enumerate(self._pending):
            for name, value in logs.items():
                if name.endswith("/loss") and not np.isfinite(float(value)):
                    raise self._not_finite(name.removesuffix("/loss"), first + offset, float(value))
        size = self._options.batch_size * self._engine.batches_per_step
        line = {
            "step": step,
            "images": step * size,
            "seconds": round(self._seconds, 3),
            "wall_seconds": round(self._wall_before + time.perf_counter() - self._started, 3),
            "images_per_second": round(len(self._pending) * size / max(self._seconds - self._logged_seconds, 1e-9), 1),
            "peak_memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        } | {name: float(values.mean()) for name, values in columns.items()}
        self._run.append_metrics(line)
        self._pending.clear()
        self._logged_seconds = self._seconds
        if self._report:
            self._report.log(line)

    def _save(self, step: int, weights: Arrays) -> None:
        state = {name: np.asarray(array) for name, array in self._engine.state.items()}
        inference = {name: np.asarray(array) for name, array in weights.items()}
        checkpoint.save(checkpoint.path_of(self._run, step), self._model, state=state, inference=inference)
        for old in checkpoint.steps_of(self._run)[: -self._options.keep]:
            checkpoint.path_of(self._run, old).unlink()

    def _not_finite(self, phase: str, step: int, loss: float) -> ZooError:
        steps = checkpoint.steps_of(self._run)
        kept = f"The last good checkpoint, of step {steps[-1]:,}, is kept" if steps else "There is no checkpoint yet"
        return ZooError(
            f"The loss of phase '{phase}' is {loss} at step {step:,}.",
            f"{kept}; train anew with a lower learning rate (zoo models show {self._model}).",
        )
