"""The training loop: feed, step, look every so often, save."""

import time
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from zoo_core.data import Feeder
from zoo_core.errors import Interrupted, ZooError
from zoo_core.runs import RunFolder
from zoo_core.training import checkpoint
from zoo_core.training.jax_backend import Arrays, Engine
from zoo_core.training.log import MetricsLog, NotFinite, Report
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

    def restore(self) -> int:
        """Take up the last checkpoint, if there is one, and return its step. What was logged after it is dropped."""
        if checkpoint.steps_of(self._run):
            path = checkpoint.latest(self._run)
            self._engine.state = checkpoint.load(path, self._model, "state", self._engine.state)
        self._run.keep_metrics_until(self._engine.step_count)
        return self._engine.step_count

    def run(self) -> None:
        """Train until the last step.

        Raises:
            ZooError: where a loss or a weight is not finite, or the disk is full; the last good checkpoint stays.
            Interrupted: on Ctrl-C or SIGTERM, with a checkpoint of the last whole step saved.
        """
        options, step = self._options, self._engine.step_count
        log = MetricsLog(self._run, self._feeder.batch_size, self._report)
        if self._report:
            self._report.begin(self._run.description().label, step, options.steps)
        with stop_between_steps() as stop:
            while step < options.steps:
                began = time.perf_counter()
                log.add(self._engine.step(step, self._feeder.batch(step)), began)
                step += 1
                last, stopping = step == options.steps, stop.requested
                saves = last or stopping or step % options.checkpoint_every == 0
                due = [c for c in self._callbacks if last or (c.every and step % c.every == 0)]
                if saves or due or step % options.log_every == 0:
                    self._write(log, step)  # before anything is saved: it finds losses that are not finite
                if saves or due:
                    weights = self._engine.average([self._feeder.batch(i) for i in range(STATISTICS_BATCHES)])
                if saves:
                    self._save(step, weights)
                for callback in due:
                    callback(step, weights)
                if stopping and not last:
                    raise Interrupted(
                        f"Stopped after step {step:,} of {options.steps:,}; a checkpoint is saved.",
                        f"Go on with: zoo train --resume {self._run.path}",
                    )

    def _write(self, log: MetricsLog, step: int) -> None:
        try:
            log.write(step)
        except NotFinite as error:
            steps = checkpoint.steps_of(self._run)
            kept = f"The last good checkpoint, of step {steps[-1]:,}, is kept." if steps else "There is no checkpoint."
            advice = f"Train anew with a lower learning rate: zoo models show {self._model}"
            raise ZooError(error.message, f"{kept} {advice}") from error

    def _save(self, step: int, weights: Arrays) -> None:
        state = {name: np.asarray(array) for name, array in self._engine.state.items()}
        inference = {name: np.asarray(array) for name, array in weights.items()}
        checkpoint.save(checkpoint.path_of(self._run, step), self._model, state=state, inference=inference)
        for old in checkpoint.steps_of(self._run)[: -self._options.keep]:
            checkpoint.path_of(self._run, old).unlink()
