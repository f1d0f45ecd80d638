"""What the commands do, as functions. `zoo_core` exports them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo_core.data import Dataset, load_dataset
from zoo_core.errors import UsageError
from zoo_core.evaluation.evaluate import evaluate_images, evaluate_run
from zoo_core.evaluation.record import Record
from zoo_core.features import load_features
from zoo_core.registry import registry
from zoo_core.runs import RunFolder
from zoo_core.sampling.callbacks import ReconstructionSheet, SampleGrids
from zoo_core.sampling.sampler import Sampler
from zoo_core.training import session
from zoo_core.training.build import Built
from zoo_core.training.log import Report
from zoo_core.training.loop import Callback
from zoo_core.training.options import TrainingOptions


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
    report: Report | None = None,
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
        device: "auto" (a GPU where JAX sees one), "cpu" or "gpu".
        report: is told of the progress.

    Returns:
        The finished run's folder.

    Raises:
        UsageError: for whatever was asked wrong; nothing has been written then.
        ZooError: where a loss is not finite or the disk is full; the last good checkpoint stays.
        Interrupted: on Ctrl-C, after a checkpoint.
    """
    directory = Path(data_dir) if data_dir else None
    dataset = load_dataset(data, directory) if isinstance(data, str) else data
    return session.start(
        model,
        dataset,
        Path(out),
        seed=seed,
        options=options,
        training=training,
        data_dir=directory,
        device=device,
        callbacks=_sample_sheets,
        report=report,
        command=command,
    )


def resume(
    run: str | Path,
    *,
    data: Dataset | None = None,
    data_dir: str | Path | None = None,
    steps: int | None = None,
    device: str = "auto",
    report: Report | None = None,
) -> RunFolder:
    """Go on with a run from its last checkpoint; the result is that of a run that was never interrupted.

    Args:
        data: the run's data set, where it is loaded already.
        data_dir: where local copies of built-in data sets are, if they have moved since.
        steps: a new total of training steps; by default what the run was started with.

    Raises:
        UsageError: if it is no run, or its data has changed. Otherwise as `train`.
    """
    directory = Path(data_dir) if data_dir else None
    return session.resume(
        Path(run),
        data=data,
        data_dir=directory,
        steps=steps,
        device=device,
        callbacks=_sample_sheets,
        report=report,
    )


def evaluate(
    evaluated: str | Path,
    against: str | Dataset | None = None,
    *,
    metrics: Sequence[str] | None = None,
    features: str = "auto",
    weights: str | Path | None = None,
    count: int | None = None,
    seed: int = 0,
    data_dir: str | Path | None = None,
) -> Record:
    """Score a run, or images from elsewhere, against the test split of a data set. Nothing is written.

    Args:
        evaluated: a run's folder; or a folder of images, an HDF5 file of the zoo's layout, or any data source
            ("folder:PATH", "h5:PATH"), of which all images count.
        against: the data set; by default the one that the run was trained on.
        metrics: names of metrics; by default all that apply.
        features: "auto", "classifier" or "pixels".
        weights: a classifier from `zoo classifier train`, in place of the shipped one.
        count: how many images a run generates; by default as many as there are training images, at most 10,000.
        seed: of the noise that they are generated from.
        data_dir: where local copies of built-in data sets are.

    Raises:
        UsageError: for an unknown metric, one that does not apply, or images of another shape than the data set's.
    """
    directory = Path(data_dir) if data_dir else None
    is_run = RunFolder.is_run(Path(evaluated))
    if against is None:
        if not is_run:
            raise UsageError(f"'{evaluated}' is not a run, so say what to compare it with.", "Add: --against SET")
        against = RunFolder.open(Path(evaluated)).description().data.name
    dataset = load_dataset(against, directory) if isinstance(against, str) else against
    network = load_features(features, dataset.spec, Path(weights) if weights else None)
    if is_run:
        return evaluate_run(Path(evaluated), dataset, network, metrics=metrics, count=count, seed=seed)
    return evaluate_images(str(evaluated), dataset, network, metrics=metrics, data_dir=directory)


def _sample_sheets(run: RunFolder, built: Built, data: Dataset, options: TrainingOptions) -> Sequence[Callback]:
    spec = registry().model(run.description().model).spec
    sampler = Sampler(built, spec, data.spec, weights={})
    callbacks: list[Callback] = []
    if "generate" in spec.tasks:
        callbacks.append(SampleGrids(run, sampler, options.sample_every, options.steps))
    if "reconstruct" in spec.tasks:
        callbacks.append(ReconstructionSheet(run, sampler, data.images("test")))
    return callbacks
