"""Starting a run and taking one up again: names in, a trained run folder out."""

import datetime
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from zoo_core.data import Dataset, load_dataset
from zoo_core.data.feeding import Feeder
from zoo_core.errors import UsageError
from zoo_core.options import Options, read_tables, resolve, write_toml
from zoo_core.registry import RegisteredModel, registry
from zoo_core.runs import RunDescription, RunFolder
from zoo_core.training import checkpoint
from zoo_core.training.backends import backend
from zoo_core.training.budget import images_per_step, in_steps
from zoo_core.training.build import Built, build
from zoo_core.training.device_memory import telling_what_to_lower
from zoo_core.training.engine import Engine
from zoo_core.training.environment import describe_environment
from zoo_core.training.feeding import Feed, fits_on_device, usual_dispatch
from zoo_core.training.log import Report, Sink
from zoo_core.training.loop import Callback, Loop
from zoo_core.training.options import TrainingOptions, training_options
from zoo_core.training.precision import computing_in
from zoo_core.training.selection import Judge, Selection
from zoo_core.training.signals import Stop, interrupt_and_note
from zoo_core.training.tensorboard import TensorBoard


class Attached(NamedTuple):
    """What later stations bring to a run: callbacks, who scores its weights on held-out images, who reads its log."""

    callbacks: Sequence[Callback] = ()
    judge: Judge | None = None
    sinks: Sequence[Sink] = ()


Attach = Callable[[RunFolder, RunDescription, Built, Dataset, TrainingOptions, Report | None], Attached]
"""Called once a run's networks stand; nothing of a new run has been written then."""


@dataclass(frozen=True)
class Surroundings:
    """What a run's result does not depend on.

    Args:
        device: "auto", "cpu" or "gpu".
        attach: brings callbacks and the judge.
        report: is told of the progress.
        tensorboard: write what is logged for it too, into the run's folder; a run that has done so goes on with it.
        profile: trace a few steps into the run's folder.
        devices: that share the work; by default one, or as many as the run was started on.
    """

    device: str = "auto"
    attach: Attach | None = None
    report: Report | None = None
    tensorboard: bool = False
    profile: bool = False
    devices: int | None = None


def start(
    model: str,
    data: Dataset,
    out: Path,
    *,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    data_dir: Path | None = None,
    surroundings: Surroundings = Surroundings(),
    command: str = "",
) -> RunFolder:
    """Train a model from its beginning.

    Args:
        out: the run's folder, which must not exist or be empty.
        seed: of the initial weights, the data order and all noise.
        options: of the model, by name.
        training: of `TrainingOptions`, by name.
        data_dir: where local copies of built-in data sets are, kept for `resume`.

    Raises:
        UsageError: for whatever was asked wrong. Nothing has been written then.
        ZooError, Interrupted: as `Loop.run`.
    """
    with interrupt_and_note() as stop:
        RunFolder.check_free(out)
        registered = registry().model(model)
        model_options = resolve(registered.load()[1], options or {}, f"model '{model}'")
        settings = training_options(training or {})
        on = backend()
        chosen, devices = on.select_device(surroundings.device), surroundings.devices or 1
        on.set_deterministic(settings.deterministic)
        sharing = on.distribute(chosen, devices, settings.batch_size // settings.accumulate)
        fitting = telling_what_to_lower(model, settings)
        with computing_in(settings.precision), on.use_device(chosen), sharing, fitting:
            built = build(registered, model_options, data.spec, seed)
            settings = in_steps(settings, built.model)
            description = RunDescription(
                model=model,
                distribution=registered.plugin.distribution,
                version=registered.plugin.version,
                data=data.spec,
                data_order=data.order(),
                data_dir=str(data_dir) if data_dir else None,
                seed=seed,
                parameters=built.parameters,
                environment=describe_environment(on.describe_device(chosen), devices, settings.precision),
                command=command,
                created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            )
            loop = _loop(RunFolder(out), description, built, data, settings, chosen, surroundings)
            text = write_toml({"model": model_options, "training": settings})
            with RunFolder.creating(out, description, text) as run:
                loop.run(stop.requested)
    return run


def resume(
    path: Path,
    *,
    data: Dataset | None = None,
    data_dir: Path | None = None,
    steps: int | None = None,
    surroundings: Surroundings = Surroundings(),
) -> RunFolder:
    """Go on with a run from its last checkpoint; the result is that of a run that was never interrupted.

    Args:
        data: the run's data set where it is loaded already.
        data_dir: where local copies of built-in data sets are, if they have moved since.
        steps: a new total of training steps, to train on; by default what the run was started with.

    Warns where the model's code is of another version than the one that the run was started with.

    Raises:
        UsageError: if it is no run, its data has changed since, or it has more steps already or stopped early. Nothing
            of it has changed then.
        ZooError, Interrupted: as `Loop.run`.
    """
    run = RunFolder.open(path)
    with interrupt_and_note() as stop, run.lock():
        _resume(run, data, data_dir, steps, surroundings, stop)
    return run


def _resume(
    run: RunFolder,
    data: Dataset | None,
    data_dir: Path | None,
    steps: int | None,
    surroundings: Surroundings,
    stop: Stop,
) -> None:
    description = run.description()
    on = backend()
    if (used := description.environment.get("backend", on.name)) != on.name:
        raise UsageError(
            f"'{run.path}' was trained on the backend {used}, and Keras runs on {on.name}.",
            f"Go on where it began: zoo train --resume {run.path} --backend {used}",
        )
    registered, model_options, settings = run_options(run, description)
    if data is None:
        before = Path(description.data_dir) if description.data_dir else None
        data = load_dataset(description.data.name, data_dir or before)
    if data.spec.content_hash != description.data.content_hash:
        raise UsageError(
            f"The data set '{data.spec.name}' is not the one that '{run.path}' was started with: its content hash is "
            f"{data.spec.content_hash[:12]}, expected {description.data.content_hash[:12]}.",
            "Restore the images, or start a new run.",
        )
    data.verify()  # a prepared file says what it held when it was written
    if description.data_order not in (None, data.order()):
        raise UsageError(
            f"'{data.spec.name}' has the images that '{run.path}' was started with in another order.",
            "Batches follow it: give the files their names back, or the arrays their order; or start a new run.",
        )
    changed = steps is not None and steps != settings.steps
    if steps is not None:
        _check_goal(steps, run, settings)
    if changed:
        settings = resolve(TrainingOptions, settings.model_dump() | {"steps": steps, "images": 0}, "training")
    plugin = registered.plugin
    if on.leads and (plugin.distribution, plugin.version) != (description.distribution, description.version):
        warnings.warn(
            f"'{run.path}' was started with {description.distribution} {description.version} and goes on with "
            f"{plugin}: its weights will not be, bit for bit, those of a run that was never interrupted",
            stacklevel=2,
        )
    chosen = on.select_device(surroundings.device)
    devices = surroundings.devices or description.environment.get("devices", 1)
    on.set_deterministic(settings.deterministic)
    sharing = on.distribute(chosen, devices, settings.batch_size // settings.accumulate)
    fitting = telling_what_to_lower(description.model, settings, run)
    with computing_in(settings.precision), on.use_device(chosen), sharing, fitting:
        built = build(registered, model_options, data.spec, description.seed)
        loop = _loop(run, description, built, data, settings, chosen, surroundings)
        loop.restore()
        if changed:  # only now: nothing of the run changes until it is known that it can go on
            run.write_options(write_toml({"model": model_options, "training": settings}))
        loop.run(stop.requested)


def _check_goal(steps: int, run: RunFolder, options: TrainingOptions) -> None:
    """Raises UsageError where a run can't be trained on to so many steps."""
    if options.seconds:
        raise UsageError(
            f"'{run.path}' has a budget of {options.seconds:g} seconds, not of steps.",
            "Go on without --steps, or start a new run.",
        )
    done = max(checkpoint.steps_of(run), default=0)
    if steps < done:
        raise UsageError(
            f"'{run.path}' has {done:,} steps already, more than the {steps:,} asked for; nothing was changed.",
            f"Go on to more than {done:,}, or start a new run.",
        )
    if Selection(run.metrics(), options.patience).exhausted:
        raise UsageError(
            f"'{run.path}' stopped early: its score had not become better {options.patience} times in a row.",
            "Start a new run with more patience (-t patience=N), or with none (0).",
        )


def run_options(run: RunFolder, description: RunDescription) -> tuple[RegisteredModel, Options, TrainingOptions]:
    """The model of a run and the options that it was trained with."""
    registered = registry().model_of(description)
    tables = read_tables(run.options_file, ("model", "training"))
    model_options = resolve(registered.load()[1], tables["model"], f"model '{description.model}'")
    return registered, model_options, resolve(TrainingOptions, tables["training"], "training")


def _loop(
    run: RunFolder,
    description: RunDescription,
    built: Built,
    data: Dataset,
    options: TrainingOptions,
    device: Any,
    around: Surroundings,
) -> Loop:
    on = backend()
    feeder = Feeder(data, "train", images_per_step(options, built.model), description.seed)
    resident = fits_on_device(feeder, on, device)
    engine = Engine(built.model, built.networks, description.seed, options, feeder.arrays if resident else None)
    attached = Attached()
    if around.attach:
        attached = around.attach(run, description, built, data, options, around.report)
    dispatch = options.steps_per_dispatch or usual_dispatch(on, device)
    told: list[Sink] = [*([around.report] if around.report else []), *attached.sinks]
    folder = run.path / "tensorboard"
    if around.tensorboard or folder.exists():  # what was begun is gone on with
        told.append(TensorBoard(folder))
    feed = Feed(feeder, resident)
    return Loop(
        run,
        engine,
        feed,
        description.model,
        options,
        attached.callbacks,
        attached.judge,
        told,
        dispatch,
        around.profile,
        [phase.every for phase in built.model.phases()],
    )
