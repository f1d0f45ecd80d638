"""The training loop: feed, step, look every so often, judge, save."""

import math
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from numbers import Integral
from pathlib import Path
from typing import Protocol

from zoo_core.errors import Interrupted, UsageError, ZooError
from zoo_core.files import NotWritten, writing
from zoo_core.runs import RunFolder
from zoo_core.training import checkpoint
from zoo_core.training.backends import Arrays, backend
from zoo_core.training.device_memory import telling_what_to_lower
from zoo_core.training.engine import Engine
from zoo_core.training.feeding import Feed
from zoo_core.training.log import MetricsLog, NotFinite, Sink
from zoo_core.training.options import TrainingOptions
from zoo_core.training.plots import write_curves
from zoo_core.training.selection import Judge, Selection
from zoo_core.training.signals import Stop, stop_between_steps

STATISTICS_BATCHES = 16  # batch statistics of the averaged weights are a mean over so many batches
PROFILED = range(5, 10)  # looks of the loop: the first ones compile


class Callback(Protocol):
    """What a later station, or a user, does during training, such as sample grids."""

    every: int
    """Steps between calls; 0 for none but the last, after the final step."""

    def __call__(self, step: int, weights: Arrays, last: bool) -> None:
        """Receives the averaged weights of the networks that are used after training."""
        ...


class Loop:
    """Trains one run to its end, from wherever its last checkpoint stands.

    Args:
        engine: with the initial state.
        feed: of the training split, in batches of what a step sees (`images_per_step`).
        model: the model's name, which checkpoints carry.
        judge: scores the averaged weights on held-out images: the best are kept, and training may stop early.
        sinks: are told of every line of `metrics.jsonl`.
        dispatch: steps between looks at signals; the engine may run them at once.
        profile: write a trace of a few steps to the run's folder.
        every: of each phase of the model, for `MetricsLog`.

    Raises:
        UsageError: for a callback whose `every` is no number of steps.
    """

    def __init__(
        self,
        run: RunFolder,
        engine: Engine,
        feed: Feed,
        model: str,
        options: TrainingOptions,
        callbacks: Sequence[Callback] = (),
        judge: Judge | None = None,
        sinks: Sequence[Sink] = (),
        dispatch: int = 1,
        profile: bool = False,
        every: Sequence[int] = (1,),
    ) -> None:
        for callback in callbacks:
            if not isinstance(callback.every, Integral) or callback.every < 0:
                raise UsageError(
                    f"A callback's `every` must be a whole number of steps, received {callback.every!r}.",
                    "0 calls it after the last step alone.",
                )
        self._run = run
        self._engine = engine
        self._feed = feed
        self._model = model
        self._options = options
        self._callbacks = callbacks
        self._judge = judge
        self._sinks = sinks
        self._dispatch = dispatch
        self._profile = profile
        self._every = every

    def restore(self) -> int:
        """Take up the last checkpoint, if there is one, and return its step. What came after it is dropped.

        Raises:
            UsageError, ZooError: where the checkpoint can't be used, or `metrics.jsonl` does not reach it. Nothing has
                been dropped then.
        """
        if steps := checkpoint.steps_of(self._run):
            path = checkpoint.latest(self._run)
            state = checkpoint.load(path, self._model, "state", self._engine.snapshot())
            self._check_logged(steps[-1])
            self._engine.restore(state)
        self._run.keep_metrics_until(self._engine.step_count)
        self._remove_old(Selection(self._run.metrics(), patience=0))  # what the process before did not come to
        return self._engine.step_count

    def _check_logged(self, step: int) -> None:
        """Raises ZooError where the log lacks the line that was written before the checkpoint of this step."""
        if not any(line["step"] == step and {"seconds", "wall_seconds"} <= line.keys() for line in self._run.metrics()):
            raise ZooError(
                f"'{self._run.metrics_file}' lacks the line of step {step:,}, at which the last checkpoint was saved.",
                "Restore that file, or start a new run.",
            )

    def run(self, stopping: bool = False) -> None:
        """Train until the last step, or until the seconds or the judge's patience end.

        Args:
            stopping: the process was asked to stop before, and does so after the first step.

        Raises:
            ZooError: where a loss or a weight is not finite, the device's memory is too small, or the disk is full;
                the last good checkpoint stays.
            Interrupted: on Ctrl-C or SIGTERM, with a checkpoint of the last whole step saved; on a second one at once,
                without.
        """
        try:
            with telling_what_to_lower(self._model, self._options, self._run):
                self._train(stopping)
        except KeyboardInterrupt as error:
            raise Interrupted(f"Stopped at once. {checkpoint.kept(self._run)}", self._how_to_go_on()) from error
        except NotWritten as error:
            message = f"{error.message} {checkpoint.kept(self._run)}"
            raise ZooError(message, f"Free some space. {self._how_to_go_on()}") from error

    def _train(self, stopping: bool) -> None:
        options, step = self._options, self._engine.step_count
        log = MetricsLog(self._run, self._feed.images_per_step, self._sinks, self._every)
        selection = Selection(self._run.metrics(), options.patience)
        for sink in self._sinks:
            sink.begin(self._run.description().label, step, options.steps, options.seconds)
        looks = 0
        with stop_between_steps(stopping) as stop, ExitStack() as trace:
            while step < options.steps and not selection.exhausted and not self._spent(log):
                if self._profile and looks == PROFILED.start:
                    trace.enter_context(_traced(self._run.profile))
                began, count = time.perf_counter(), self._steps_until_a_look(step)
                batches = self._feed.batches(step, count, self._steps_until_a_look(step + count))
                compiles = self._engine.compiles(step, count)
                log.add(self._engine.steps(step, count, batches), count, began, compiles)
                step, looks = step + count, looks + 1
                if looks == PROFILED.stop:
                    trace.close()
                if options.seconds:
                    self._check(log, step)  # which waits for the device, so that its time is known
                last = step == options.steps or self._spent(log)
                stopping = self._is_to_stop(stop, step)
                saves = last or stopping or step % options.checkpoint_every == 0
                judges = self._judge is not None and (last or step % self._judge.every == 0)
                due = [c for c in self._callbacks if last or (c.every and step % c.every == 0)]
                if not (saves or judges or due or step % options.log_every == 0):
                    continue
                self._check(log, step)  # before anything is saved
                if saves or judges or due:
                    weights = self._engine.average(map(self._feed.single, range(STATISTICS_BATCHES)))
                if judges and self._judge is not None:
                    score = backend().agree(self._judge(weights))
                    log.note(self._judge.name, score)
                    if selection.add(step, score):
                        self._save_best(step, weights)
                    if selection.exhausted:
                        last, saves, due = True, True, list(self._callbacks)
                for callback in due:
                    callback(step, weights, last)
                log.write(step)
                if saves:
                    self._save(step, weights, selection)
                if stopping and not last:
                    write_curves(self._run)
                    done = f"step {step:,} of {options.steps:,}"
                    if options.seconds:
                        done = f"step {step:,}, {log.seconds:.1f} of {options.seconds:g} seconds"
                    raise Interrupted(f"Stopped after {done}; a checkpoint is saved.", self._how_to_go_on())
            write_curves(self._run)
        if self._profile and looks <= PROFILED.start:
            warnings.warn(
                f"Nothing was traced: the first {PROFILED.start} dispatches of steps compile and are left out, and "
                f"this run had {looks}. Train for more steps.",
                stacklevel=2,
            )

    def _steps_until_a_look(self, step: int) -> int:
        """At most `dispatch`, and none beyond the next step after which something is due; mostly the same number, where
        one that is not much smaller divides all periods, since each is a program to compile."""
        options = self._options
        periods = [options.log_every, options.checkpoint_every, *(c.every for c in self._callbacks if c.every)]
        periods += [self._judge.every] if self._judge else []
        common = math.gcd(*periods)
        dividing = max(count for count in range(1, self._dispatch + 1) if common % count == 0)
        most = self._dispatch
        if 2 * dividing > most:
            most, periods = dividing, [dividing, *periods]  # also from where it was interrupted
        return min(most, options.steps - step, *(period - step % period for period in periods))

    def _spent(self, log: MetricsLog) -> bool:
        budget = self._options.seconds
        return budget > 0 and backend().agree(log.seconds) >= budget

    def _is_to_stop(self, stop: Stop, step: int) -> bool:
        """Processes that train together stop after the same step. To agree takes time, so it is not done at each."""
        if backend().processes > 1 and step % self._options.log_every:
            return False
        return bool(backend().agree(stop.requested))

    def _check(self, log: MetricsLog, step: int) -> None:
        try:
            log.fetch(step)
        except NotFinite as error:
            write_curves(self._run)
            advice = f"Train anew with a lower learning rate: zoo models show {self._model}"
            raise ZooError(error.message, f"{checkpoint.kept(self._run)} {advice}") from error

    def _save(self, step: int, weights: Arrays, selection: Selection) -> None:
        self._run.sync_metrics()  # a checkpoint is of use only with the log up to it
        path = checkpoint.path_of(self._run, step)
        checkpoint.save(path, self._model, state=self._engine.snapshot(), inference=_on_host(weights))
        self._remove_old(selection)  # only now: until then the run may have to go on from any of them

    def _remove_old(self, selection: Selection) -> None:
        """Of the checkpoints the latest stay, and the best one at each of them: should the last one turn out to be
        damaged, the run goes on from the one before."""
        saved = checkpoint.steps_of(self._run)
        for old in saved[: -self._options.keep]:
            checkpoint.path_of(self._run, old).unlink()
        kept = saved[-self._options.keep :]
        for old in set(checkpoint.best_steps_of(self._run)) - selection.best_steps(kept):
            checkpoint.best_path_of(self._run, old).unlink()

    def _save_best(self, step: int, weights: Arrays) -> None:
        checkpoint.save(checkpoint.best_path_of(self._run, step), self._model, inference=_on_host(weights))

    def _how_to_go_on(self) -> str:
        return f"Go on with: zoo train --resume {self._run.path}"


@contextmanager
def _traced(folder: Path) -> Iterator[None]:
    """A scope that is traced. Raises NotWritten where the trace can't be written."""
    trace = backend().trace(folder)
    with writing(folder, "Free some space."):
        trace.__enter__()
    try:
        yield
    finally:
        try:
            trace.__exit__(None, None, None)
        except Exception as error:  # of a full disk each backend makes an error of its own
            raise NotWritten(f"Can't write '{folder}': {error}.", "Free some space.") from error


def _on_host(weights: Arrays) -> Arrays:
    return {name: backend().to_numpy(array) for name, array in weights.items()}
