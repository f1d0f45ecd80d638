"""Starting a run and taking one up again: names in, a trained run folder out."""

import datetime
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo_core.data import Dataset, load_dataset
from zoo_core.data.feeding import Feeder
from zoo_core.errors import UsageError
from zoo_core.options import Options, read_tables, resolve, write_toml
from zoo_core.registry import RegisteredModel, registry
from zoo_core.runs import RunDescription, RunFolder
from zoo_core.training.build import Built, build
from zoo_core.training.environment import describe_environment
from zoo_core.training.jax_backend import Engine, select_device, use_device
from zoo_core.training.log import Report
from zoo_core.training.loop import Callback, Loop
from zoo_core.training.options import TrainingOptions

CallbackFactory = Callable[[RunFolder, Built, Dataset, TrainingOptions], Sequence[Callback]]
"""Makes the callbacks of a run once its networks stand."""


def start(
    model: str,
    data: Dataset,
    out: Path,
    *,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    data_dir: Path | None = None,
    device: str = "auto",
    callbacks: CallbackFactory | None = None,
    report: Report | None = None,
    command: str = "",
) -> RunFolder:
    """Train a model from its beginning.

    Args:
        out: the run's folder, which must not exist or be empty.
        seed: of the initial weights, the data order and all noise.
        options: of the model, by name.
        training: of `TrainingOptions`, by name.
        data_dir: where local copies of built-in data sets are, kept for `resume`.
        device: "auto", "cpu" or "gpu".

    Raises:
        UsageError: for whatever was asked wrong. Nothing has been written then.
        ZooError, Interrupted: as `Loop.run`.
    """
    registered = registry().model(model)
    model_options = resolve(registered.load()[1], options or {}, f"model '{model}'")
    training_options = resolve(TrainingOptions, training or {}, "training")
    with use_device(select_device(device)):
        built = build(registered, model_options, data.spec, seed)
        description = RunDescription(
            model=model,
            distribution=registered.plugin.distribution,
            version=registered.plugin.version,
            data=data.spec,
            data_dir=str(data_dir) if data_dir else None,
            seed=seed,
            parameters=built.parameters,
            environment=describe_environment(select_device(device)),
            command=command,
            created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        )
        tables = {"model": model_options, "training": training_options}
        run = RunFolder.create(out, description, write_toml(tables))
        _loop(run, built, data, training_options, callbacks, report).run()
    return run


def resume(
    path: Path,
    *,
    data: Dataset | None = None,
    data_dir: Path | None = None,
    steps: int | None = None,
    device: str = "auto",
    callbacks: CallbackFactory | None = None,
    report: Report | None = None,
) -> RunFolder:
    """Go on with a run from its last checkpoint; the result is that of a run that was never interrupted.

    Args:
        data: the run's data set where it is loaded already.
        data_dir: where local copies of built-in data sets are, if they have moved since.
        steps: a new total of training steps, to train on; by default what the run was started with.

    Raises:
        UsageError: if it is no run, or its data has changed since.
        ZooError, Interrupted: as `Loop.run`.
    """
    run = RunFolder.open(path)
    description = run.description()
    registered, model_options, training_options = run_options(run, description)
    if data is None:
        before = Path(description.data_dir) if description.data_dir else None
        data = load_dataset(description.data.name, data_dir or before)
    if data.spec.content_hash != description.data.content_hash:
        raise UsageError(
            f"The data set '{data.spec.name}' is not the one that '{path}' was started with: its content hash is "
            f"{data.spec.content_hash[:12]}, expected {description.data.content_hash[:12]}.",
            "Restore the images, or start a new run.",
        )
    if steps is not None and steps != training_options.steps:
        training_options = resolve(TrainingOptions, training_options.model_dump() | {"steps": steps}, "training")
        run.write_options(write_toml({"model": model_options, "training": training_options}))
    with use_device(select_device(device)):
        built = build(registered, model_options, data.spec, description.seed)
        loop = _loop(run, built, data, training_options, callbacks, report)
        loop.restore()
        loop.run()
    return run


def run_options(run: RunFolder, description: RunDescription) -> tuple[RegisteredModel, Options, TrainingOptions]:
    """The model of a run and the options that it was trained with."""
    registered = registry().model(description.model)
    tables = read_tables(run.options_file, ("model", "training"))
    model_options = resolve(registered.load()[1], tables["model"], f"model '{description.model}'")
    return registered, model_options, resolve(TrainingOptions, tables["training"], "training")


def _loop(
    run: RunFolder,
    built: Built,
    data: Dataset,
    options: TrainingOptions,
    callbacks: CallbackFactory | None,
    report: Report | None,
) -> Loop:
    description = run.description()
    engine = Engine(built.model, built.networks, description.seed, options.ema)
    feeder = Feeder(data, "train", options.batch_size * engine.batches_per_step, description.seed)
    made = callbacks(run, built, data, options) if callbacks else ()
    return Loop(run, engine, feeder, description.model, options, made, report)
