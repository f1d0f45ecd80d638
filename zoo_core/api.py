"""What the commands do, as functions. `zoo_core` exports them."""

import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from zoo_core.data import Dataset, load_dataset
from zoo_core.data.sources import without_splits
from zoo_core.errors import UsageError
from zoo_core.evaluation.evaluate import Rules, default_count, evaluate_images, evaluate_run
from zoo_core.evaluation.extraction import FeatureStore
from zoo_core.evaluation.generation import generate
from zoo_core.evaluation.judge import HeldOutScore
from zoo_core.evaluation.protocol import load_protocol, refuse_beside
from zoo_core.evaluation.record import Record
from zoo_core.evaluation.sources import Opened, number_classes, open_images
from zoo_core.features import load_features
from zoo_core.lists import as_list
from zoo_core.registry import registry
from zoo_core.runs import RunDescription, RunFolder
from zoo_core.sampling.callbacks import (
    ReconstructionSheet,
    SampleGrids,
    TranslationGrids,
    UserCallback,
    WithSampler,
)
from zoo_core.sampling.collapse import AccuracyWatch, VarietyWatch
from zoo_core.sampling.sampler import Sampler
from zoo_core.training import session
from zoo_core.training.backends import backend
from zoo_core.training.build import Built
from zoo_core.training.log import Report
from zoo_core.training.loop import Callback
from zoo_core.training.options import TrainingOptions
from zoo_core.training.processes import folder_of_this_process
from zoo_core.training.selection import Rule


def train(
    model: str,
    data: str | Dataset,
    out: str | Path,
    *,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    data_dir: str | Path | None = None,
    device: str = "auto",
    callbacks: Sequence[UserCallback] = (),
    report: Report | None = None,
    tensorboard: bool = False,
    profile: bool = False,
    devices: int = 1,
    command: str = "",
) -> RunFolder:
    """Train a model, with sample grids along the way.

    Args:
        model: a name of `zoo models list`.
        data: a source such as "digits", "mnist", "folder:photos@64", "h5:set.h5", or a loaded data set.
        out: the run's folder, which must not exist or be empty.
        seed: of the initial weights, the data order and all noise; the same seed gives the same weights, bit for bit,
            on the same machine.
        options: of the model, by name (`zoo models show MODEL`).
        training: fields of `TrainingOptions`, such as steps and batch_size.
        data_dir: where local copies of built-in data sets are.
        device: "auto" (a GPU where the backend sees one), "cpu" or "gpu".
        callbacks: your own: objects with an attribute `every`, called as `callback(step, sampler, last)` after each
            so many steps and after the last one, with the averaged networks as they are then in a `Sampler`.
        report: is told of the progress, and of signs of a collapse, which are Python's warnings otherwise.
        tensorboard: write what is logged for TensorBoard too, into the run's folder `tensorboard`.
        profile: trace a few steps into the run's folder `profile`.
        devices: that share each batch, on JAX; its size must be a multiple of their number.

    Returns:
        The finished run's folder.

    Raises:
        UsageError: for whatever was asked wrong; nothing has been written then.
        ZooError: where a loss is not finite or the disk is full; the last good checkpoint stays.
        Interrupted: on Ctrl-C, after a checkpoint.
    """
    directory = Path(data_dir) if data_dir else None
    dataset = load_dataset(data, directory) if isinstance(data, str) else data
    around = session.Surroundings(device, partial(_attach, own=callbacks), report, tensorboard, profile, devices)
    with folder_of_this_process(Path(out)) as folder:
        session.start(
            model,
            dataset,
            folder,
            seed=seed,
            options=options,
            training=training,
            data_dir=directory,
            surroundings=around,
            command=command,
        )
    return RunFolder(Path(out))


def resume(
    run: str | Path,
    *,
    data: Dataset | None = None,
    data_dir: str | Path | None = None,
    steps: int | None = None,
    device: str = "auto",
    callbacks: Sequence[UserCallback] = (),
    report: Report | None = None,
    tensorboard: bool = False,
    profile: bool = False,
    devices: int | None = None,
) -> RunFolder:
    """Go on with a run from its last checkpoint; the result is that of a run that was never interrupted.

    Args:
        data: the run's data set, where it is loaded already.
        data_dir: where local copies of built-in data sets are, if they have moved since.
        steps: a new total of training steps; by default what the run was started with.
        tensorboard: as for `train`; a run that was started with it goes on with it.
        devices: that share each batch; by default as many as the run was started on.

    Raises:
        UsageError: if it is no run, its data has changed, or it has more steps already or stopped early; nothing of it
            has changed then. Otherwise as `train`.
    """
    directory = Path(data_dir) if data_dir else None
    around = session.Surroundings(device, partial(_attach, own=callbacks), report, tensorboard, profile, devices)
    with folder_of_this_process(Path(run)) as folder:
        session.resume(folder, data=data, data_dir=directory, steps=steps, surroundings=around)
    return RunFolder(Path(run))


def evaluate(
    evaluated: str | Path,
    against: str | Path | None = None,
    *,
    metrics: Sequence[str] | None = None,
    features: str = "auto",
    weights: str | Path | None = None,
    count: int | None = None,
    seed: int = 0,
    checkpoint: Rule | None = None,
    protocol: str | None = None,
    skip_bad: bool = False,
    data_dir: str | Path | None = None,
    report: Report | None = None,
) -> Record:
    """Score a run, or images from elsewhere, against real images, or whatever else is named. Nothing is written but
    the sheets of images in a run's folder `exhibits`, for reports.

    Either side is a run, whose averaged networks generate images; a folder of images, an .npz, .npy or HDF5 file, of
    which all images count; or a data set ("mnist", "folder:PATH@64", "h5:PATH"), of which the test split counts, unless
    others are named, such as "mnist#train" or "cifar10#train+validation".

    Args:
        against: by default the data set that the run was trained on.
        metrics: names of metrics, or ["all"]; by default the usual ones, as far as they apply.
        features: "auto" or a name of `zoo features list`.
        weights: a file for these features, in place of their own.
        count: how many images a run generates; by default as many as there are training images, at most 10,000.
        seed: of the noise that they are generated from.
        checkpoint: of the run, the "final" one, which is the default, or the "best" by its score on held-out images.
        protocol: of `zoo protocols list`, or the path of a TOML file; it then fixes all of the above but `weights`.
        skip_bad: leave out images of a folder that can't be read, and list them in the record.
        data_dir: where local copies of built-in data sets are.
        report: is told of the progress where features take long.

    Raises:
        UsageError: for an unknown metric, one that does not apply, images of several shapes, or what breaks the
            protocol.
    """
    rule = load_protocol(protocol) if protocol else None
    if rule:
        given = {"metrics": metrics, "features": features != "auto", "count": count, "seed": seed}
        refuse_beside(rule, against=against, checkpoint=checkpoint, **given)
    directory = Path(data_dir) if data_dir else None
    run = Path(evaluated) if RunFolder.is_run(Path(evaluated)) else None
    if run is None and checkpoint:
        raise UsageError(f"'{evaluated}' is not a run, so it has no checkpoints.", "Leave --checkpoint out.")
    if (count is not None or seed) and run is None and not (against and RunFolder.is_run(Path(against))):
        raise UsageError("Neither side is a run, so no images are generated.", "Leave --count and --seed out.")
    if rule is not None:
        against, features = rule.data.compared, rule.features.network
    if against is None:
        if run is None:
            raise UsageError(f"'{evaluated}' is not a run, so say what to compare it with.", "Add: --against SET")
        against = without_splits(RunFolder.open(run).description().data.name)
    reference = _open(str(against), count, seed, directory, skip_bad)
    network = load_features(features, reference.spec, Path(weights) if weights else None)
    with FeatureStore(report=report) as store:
        rules = (
            Rules.of(rule, network, store)
            if rule
            else Rules(
                network=network,
                store=store,
                metrics=metrics if metrics is None else as_list(metrics),
                count=count,
                seed=seed,
                checkpoint=checkpoint or "final",
            )
        )
        if run is None:
            if rule:
                rule.check_data(load_dataset(rule.data.fitted, directory).spec)
            judged = _open(str(evaluated), count, seed, directory, skip_bad)
            judged, reference = number_classes(judged, reference)
            return evaluate_images(str(evaluated), judged, reference, rules)
        return evaluate_run(run, _trained_on(run, directory), reference, rules)


def _open(source: str, count: int | None, seed: int, data_dir: Path | None, skip_bad: bool) -> Opened:
    """The images of one side."""
    if not RunFolder.is_run(Path(source)):
        return open_images(source, data_dir=data_dir, skip_bad=skip_bad)
    sampler, data = Sampler.load(Path(source)), _trained_on(Path(source), data_dir)
    images = generate(sampler, data, default_count(data) if count is None else count, seed)
    return Opened.generated(source, images, sampler.data)


def _trained_on(run: Path, data_dir: Path | None) -> Dataset:
    description = RunFolder.open(run).description()
    before = Path(description.data_dir) if description.data_dir else None
    return load_dataset(description.data.name, data_dir or before)


def _attach(
    run: RunFolder,
    description: RunDescription,
    built: Built,
    data: Dataset,
    options: TrainingOptions,
    report: Report | None,
    own: Sequence[UserCallback],
) -> session.Attached:
    """Sample sheets, the judge of held-out images, signs of a collapse, and the caller's own callbacks."""
    spec = registry().model_of(description).spec
    sampler = Sampler(built, spec, data.spec, weights={})
    callbacks: list[Callback] = []
    judge = None
    warn = report.warn if report else _warn
    if spec.generates:
        callbacks.append(SampleGrids(run, sampler, options.sample_every, VarietyWatch(data, warn)))
    elif (inputs := data.inputs("test")) is not None and sampler.spec.translates:
        callbacks.append(TranslationGrids(run, sampler, options.sample_every, inputs, data.images("test")))
    if options.select_every:
        if not (spec.generates or sampler.spec.translates):
            raise UsageError(
                f"Model '{spec.name}' makes no images that could be held against held-out ones.",
                "Leave select_every out of the training options.",
            )
        weights = Path(options.select_weights) if options.select_weights else None
        judge = HeldOutScore(sampler, data, options.select_every, options.select_features, weights)
    if spec.reconstructs:
        callbacks.append(ReconstructionSheet(run, sampler, data.images("test")))
    callbacks += [WithSampler(callback, sampler) for callback in own]
    return session.Attached(callbacks, judge, [AccuracyWatch(warn)])


def _warn(message: str) -> None:
    """Where nobody asked for a report. Of processes that train together one says it."""
    if backend().leads:
        warnings.warn(message, stacklevel=2)
