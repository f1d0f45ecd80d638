"""From a run, or from images made elsewhere, to a result record."""

import datetime
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from zoo_core.data import SPLITS, Dataset, load_dataset
from zoo_core.errors import UsageError
from zoo_core.evaluation.metric import Evaluand
from zoo_core.evaluation.metrics import compute, select
from zoo_core.evaluation.record import Cost, DataRecord, Features, Record, Source
from zoo_core.features import FeatureNetwork
from zoo_core.runs import RunFolder
from zoo_core.sampling.sampler import Sampler
from zoo_core.training import checkpoint
from zoo_core.training.session import run_options

REFERENCE = "test"
MOST_GENERATED = 10_000


def default_count(data: Dataset) -> int:
    """How many images a model generates for its scores: as many as it was trained on, at most 10,000. As many real
    training images then give the floor, so that both suffer the same from their number."""
    return min(len(data.images("train")), MOST_GENERATED)


def evaluate_run(
    path: Path,
    data: Dataset,
    features: FeatureNetwork,
    *,
    metrics: Sequence[str] | None = None,
    count: int | None = None,
    seed: int = 0,
) -> Record:
    """Score the averaged networks of a run's last checkpoint against the data set's test split.

    Labels for conditional models are those of the training images, in an order that the seed gives.

    Args:
        metrics: names; by default all that apply.
        count: generated images, at least 2; by default `default_count`.
        seed: of their noise.

    Raises:
        UsageError: for an unknown metric, or one that does not apply; for a data set of another shape or other classes.
    """
    needs = {metric.needs for metric in select(metrics)}
    sampler = Sampler.load(path)
    if data.spec.image_shape != sampler.data.image_shape:
        raise UsageError(
            f"The run makes images of shape {sampler.data.image_shape}, those of '{data.name}' have "
            f"{data.spec.image_shape}.",
            "Compare in the run's size: --against SET@HEIGHTxWIDTH.",
        )
    count = default_count(data) if count is None else count
    if count < 2:
        raise UsageError(f"At least 2 images must be generated, received {count}.")
    generated = labels = pairs = None
    if "generate" in sampler.spec.tasks and needs & {"samples", "labels"}:
        labels = _labels(sampler, data, count, seed) if sampler.conditional else None
        generated = sampler.generate(count, seed, labels)
    if sampler.reconstructs and "reconstructions" in needs:
        originals = np.asarray(data.images(REFERENCE)[:MOST_GENERATED])
        pairs = (originals, sampler.reconstruct(originals))
    scores = compute(
        metrics,
        Evaluand(
            features=features,
            reference=data.images(REFERENCE),
            training=data.images("train"),
            classes=data.classes,
            generated=generated,
            labels=labels,
            pairs=pairs,
        ),
    )
    return Record(
        evaluated=str(path),
        source=_source(path),
        data=_data_record(data),
        features=_features_record(features),
        sampling_seed=seed,
        metrics=scores,
        created=_now(),
    )


def evaluate_images(
    source: str,
    data: Dataset,
    features: FeatureNetwork,
    *,
    metrics: Sequence[str] | None = None,
    data_dir: Path | None = None,
) -> Record:
    """Score images from elsewhere against the data set's test split.

    Args:
        source: a folder of images, an HDF5 file, or a data source; all images of all its splits count.
        data_dir: where local copies of built-in data sets are.

    Raises:
        UsageError: for images of another size than the data set's, or a metric that needs more than images.
    """
    images = _read_images(source, data_dir)
    evaluand = Evaluand(
        features=features,
        reference=data.images(REFERENCE),
        training=data.images("train"),
        classes=data.classes,
        generated=images,
    )
    return Record(
        evaluated=source,
        source=None,
        data=_data_record(data),
        features=_features_record(features),
        sampling_seed=None,
        metrics=compute(metrics, evaluand),
        created=_now(),
    )


def _read_images(source: str, data_dir: Path | None) -> np.ndarray:
    path = Path(source)
    if path.is_dir():
        source = f"folder:{source}/"
    elif path.is_file():
        source = f"h5:{source}"
    dataset = load_dataset(source, data_dir)
    return np.concatenate([dataset.images(split) for split in SPLITS])


def _labels(sampler: Sampler, data: Dataset, count: int, seed: int) -> np.ndarray:
    labels = data.labels("train")
    if labels is None or data.classes != sampler.data.classes:
        raise UsageError(
            f"The run is conditional on the classes {', '.join(sampler.data.classes)}; '{data.name}' has "
            f"{', '.join(data.classes) or 'none'}.",
            "Compare with a data set of the same classes.",
        )
    return np.resize(np.random.default_rng(seed).permutation(labels), count)


def _source(path: Path) -> Source:
    run = RunFolder.open(path)
    description = run.description()
    _, options, training = run_options(run, description)
    step = checkpoint.steps_of(run)[-1]
    line = [line for line in run.metrics() if line["step"] <= step][-1]
    return Source(
        run=str(path),
        model=description.model,
        distribution=description.distribution,
        version=description.version,
        trained_on={"name": description.data.name, "content_hash": description.data.content_hash},
        options=options.model_dump(),
        training=training.model_dump(),
        seed=description.seed,
        checkpoint=step,
        cost=Cost(
            steps=step,
            batch_size=training.batch_size,
            images_seen=int(line["images"]),
            seconds=line["seconds"],
            wall_seconds=line["wall_seconds"],
            parameters=description.parameters,
            peak_memory_mib=line["peak_memory_mib"],
        ),
        environment=description.environment,
    )


def _data_record(data: Dataset) -> DataRecord:
    spec = data.spec
    return DataRecord(name=spec.name, content_hash=spec.content_hash, shape=spec.image_shape, reference=REFERENCE)


def _features_record(features: FeatureNetwork) -> Features:
    return Features(name=features.name, weights_sha256=features.weights_sha256)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
