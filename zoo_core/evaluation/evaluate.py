"""From a run, or from images made elsewhere, to a result record."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from zoo_core.data import Dataset
from zoo_core.data.sources import without_splits
from zoo_core.errors import UsageError
from zoo_core.evaluation.exhibits import sampling_of, write_exhibits
from zoo_core.evaluation.extraction import FeatureStore
from zoo_core.evaluation.generation import generate, log_likelihoods, reconstruct, transform
from zoo_core.evaluation.images import Images, Taken, draw
from zoo_core.evaluation.metric import Evaluand, Likelihoods, Need
from zoo_core.evaluation.metrics import compute, select
from zoo_core.evaluation.protocol import Protocol
from zoo_core.evaluation.record import Cost, DataRecord, Features, OtherCheckpoint, Record, Source, TrainedOn
from zoo_core.evaluation.sample import Sample
from zoo_core.evaluation.sources import Opened, SplitImages, relabel, same_channels
from zoo_core.features import FeatureNetwork, plugin_of
from zoo_core.runs import RunFolder
from zoo_core.sampling.sampler import Sampler
from zoo_core.training import checkpoint
from zoo_core.training.selection import Rule, Selection, choose
from zoo_core.training.session import run_options

MOST = 10_000
"""Images at most where nobody says how many: generated ones, and pairs."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How to score.

    Args:
        network: the feature network.
        store: keeps features.
        metrics: names; None for the default ones, as far as they apply.
        count: images that a run generates, at least 2; by default `default_count`. A model that makes images from
            inputs gets those of so many reference images, by default of the first 10,000.
        seed: of their noise.
        checkpoint: which one of a run.
        strict: whether every named metric must apply, and not just one of them.
        protocol: what fixed all this; None for nothing.
    """

    network: FeatureNetwork
    store: FeatureStore
    metrics: Sequence[str] | None = None
    count: int | None = None
    seed: int = 0
    checkpoint: Rule = "final"
    strict: bool = True
    protocol: Protocol | None = None

    @classmethod
    def of(cls, protocol: Protocol, network: FeatureNetwork, store: FeatureStore) -> "Rules":
        """The rules of a protocol. Raises UsageError where the network is not the one that it demands."""
        protocol.check_network(network)
        scoring = protocol.scoring
        return cls(
            network=network,
            store=store,
            metrics=scoring.metrics,
            count=scoring.generated,
            seed=scoring.seed,
            checkpoint=protocol.training.checkpoint,
            strict=False,  # its metrics are for models of every kind
            protocol=protocol,
        )

    def needs(self) -> set[Need]:
        return {metric.needs for metric in select(self.metrics)}

    def sample(self, images: Images) -> Sample:
        return Sample(images, self.network, self.store)

    def score(self, evaluand: Evaluand) -> dict:
        return compute(self.metrics, evaluand, self.strict)


def default_count(data: Dataset) -> int:
    """How many images a model generates for its scores: as many as it was trained on, at most 10,000. As many real
    ones then give the floor, so that both suffer the same from their number."""
    return min(len(data.images("train")), MOST)


def evaluate_run(path: Path, data: Dataset, reference: Opened, rules: Rules) -> Record:
    """Score the averaged networks of a run's checkpoint against reference images.

    Labels for conditional models are those of the training images, in an order that the seed gives. A model that makes
    images from inputs gets those of the reference, whose images are then also what its outputs are paired with.

    The sheets of `zoo_core.evaluation.exhibits` are written into the run's folder.

    Args:
        data: the data set that the run was trained on.

    Raises:
        UsageError: for a metric that does not apply, images of another shape, or a run that breaks the protocol.
    """
    sampler = Sampler.load(path, rules.checkpoint)
    source = _source(path, rules.checkpoint)
    if sampler.data.content_hash != data.spec.content_hash:
        raise UsageError(
            f"The data set '{data.name}' is not the one that '{path}' was trained on: its content hash is "
            f"{data.spec.content_hash[:12]}, expected {sampler.data.content_hash[:12]}.",
            "Restore the images; labels to ask for and the memorization test come from them.",
        )
    if rules.protocol:
        run = RunFolder(path)
        last, seconds = checkpoint.steps_of(run)[-1], run.metrics()[-1]["seconds"]
        rules.protocol.check_training(sampler.data, source.training, source.seed, last, seconds)
    if sampler.data.image_shape[:2] != reference.images.shape[:2]:
        height, width, _ = sampler.data.image_shape
        raise UsageError(
            f"The run makes images of {height}x{width} pixels, those of '{reference.name}' have "
            f"{'x'.join(map(str, reference.images.shape[:2]))}.",
            f"Compare in the run's size: --against SET@{height}x{width}.",
        )
    evaluand = _evaluand_of(sampler, data, reference, rules)
    record = _record(str(path), source, reference, rules, evaluand)
    write_exhibits(RunFolder(path), sampler, evaluand, record.metrics)
    sampling = sampling_of(sampler, evaluand)
    other = _other_checkpoint(RunFolder(path), sampler, data, reference, rules)
    return record.model_copy(update={"sampling": sampling, "other_checkpoint": other})


def evaluate_images(name: str, judged: Opened, reference: Opened, rules: Rules) -> Record:
    """Score images from elsewhere against reference images.

    Args:
        name: of the judged images, as people typed it.

    Raises:
        UsageError: for images of another size than the reference's, or a metric that needs more than images.
    """
    training = SplitImages(reference.dataset, ["train"]) if reference.dataset else None
    evaluand = _evaluand(rules, reference, judged.images, training)
    return _record(name, None, reference, rules, evaluand, judged)


def _evaluand_of(sampler: Sampler, data: Dataset, reference: Opened, rules: Rules) -> Evaluand:
    """Everything that the rules ask of a run, made by its sampler's weights."""
    needs = rules.needs()
    count = default_count(data) if rules.count is None else rules.count
    generated = None
    if sampler.spec.generates and needs & {"samples", "labels"}:
        generated = generate(sampler, data, count, rules.seed)
    training = SplitImages(data, ["train"])
    real = _first(reference.images)
    takes = real.shape == sampler.data.image_shape  # not gray for colour, or colour for gray
    pairs = likelihoods = None
    if sampler.spec.translates:
        made = _translations(sampler, reference, rules)
        generated = made if generated is None else generated
        if takes:
            pairs = (_first(reference.images, len(made)), made)
    if sampler.spec.reconstructs and takes and "reconstructions" in needs:
        pairs = (real, reconstruct(sampler, real))
    if sampler.likelihood and takes and "likelihood" in needs:
        likelihoods = log_likelihoods(sampler, sampler.likelihood, real, rules.seed)
    return _evaluand(rules, reference, generated, training, pairs, likelihoods)


def _other_checkpoint(
    run: RunFolder, sampler: Sampler, data: Dataset, reference: Opened, rules: Rules
) -> OtherCheckpoint | None:
    """The scores of the best where the rules ask for the final one, and of the final one where they ask for the best;
    None where the run was not scored while it trained, or has lost the best one. The sampler has its weights
    afterwards."""
    best = Selection(run.metrics(), 0).best
    if best is None or not checkpoint.best_path_of(run, best[0]).is_file():
        return None
    rule: Rule = "best" if rules.checkpoint == "final" else "final"
    sampler.weights = Sampler.load(run.path, rule).weights
    metrics = rules.score(_evaluand_of(sampler, data, reference, rules))
    return OtherCheckpoint(rule=rule, checkpoint=choose(run, rule)[0], metrics=metrics)


def _evaluand(
    rules: Rules,
    reference: Opened,
    generated: Images | None,
    training: Images | None,
    pairs: tuple[Images, Images] | None = None,
    likelihoods: Likelihoods | None = None,
) -> Evaluand:
    """Everything brought to the same number of channels and order of classes, and the images for the floor drawn."""
    real, floor_reference = _floor_images(reference, len(generated) if generated is not None else 2)
    if rules.protocol:
        rules.protocol.check_count("reference", rules.protocol.data.real, len(reference.images))
        if generated is not None:
            rules.protocol.check_count("generated", rules.protocol.scoring.generated, len(generated))
    if generated is not None and reference.images.classes:
        generated = relabel(generated, reference.images.classes)
    wanted = (reference.images, generated, real, floor_reference, training)
    there = iter(same_channels(*(images for images in wanted if images is not None)))
    samples = [None if images is None else rules.sample(next(there)) for images in wanted]
    against = samples[0]
    assert against is not None  # there always is a reference
    return Evaluand(
        network=rules.network,
        reference=against,
        generated=samples[1],
        real=samples[2],
        floor_reference=samples[3],
        training=samples[4] if samples[4] and samples[4].images.shape == against.images.shape else None,
        pairs=pairs,
        likelihoods=likelihoods,
        report=rules.store.report,
    )


def _floor_images(reference: Opened, count: int) -> tuple[Images | None, Images | None]:
    """Real images to judge as if they were generated, as many if there are, and what to judge them against where that
    is not the reference: where nothing is known but the reference, some of it, at most half, and the rest."""
    count = max(2, count)
    if reference.others is not None:
        return draw(reference.others, count), None
    count = min(count, len(reference.images) // 2)
    if count < 2:
        return None, None
    order = np.random.default_rng(0).permutation(len(reference.images))
    return Taken(reference.images, np.sort(order[:count])), Taken(reference.images, np.sort(order[count:]))


def _translations(sampler: Sampler, reference: Opened, rules: Rules) -> Images:
    if reference.dataset is None:
        raise UsageError(
            f"Model '{sampler.spec.name}' makes images from inputs, and '{reference.name}' has none.",
            f"Name a data set that has them: --against {without_splits(sampler.data.name)}",
        )
    return transform(
        sampler,
        reference.dataset,
        reference.splits.split("+"),
        MOST if rules.count is None else rules.count,
        rules.seed,
    )


def _first(images: Images, count: int = MOST) -> Images:
    return images if len(images) <= count else Taken(images, np.arange(count))


def _record(
    name: str,
    source: Source | None,
    reference: Opened,
    rules: Rules,
    evaluand: Evaluand,
    judged: Opened | None = None,
) -> Record:
    network = rules.network
    return Record(
        scored_by=version("zoo-core"),
        evaluated=name,
        evaluated_hash=judged.images.content_hash if judged else None,
        skipped=[f"{path}: {reason}" for opened in (judged, reference) if opened for path, reason in opened.skipped],
        source=source,
        data=DataRecord(
            name=reference.name,
            content_hash=reference.content_hash,
            shape=evaluand.reference.images.shape,
            reference=reference.splits,
            plugin=reference.spec.plugin,
        ),
        features=Features(
            name=network.name,
            weights_sha256=network.weights_sha256,
            runtime=network.runtime,
            plugin=plugin_of(network),
        ),
        protocol=rules.protocol,
        requested=None if rules.metrics is None else list(rules.metrics),
        sampling_seed=rules.seed if source else None,
        metrics=rules.score(evaluand),
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )


def _source(path: Path, rule: Rule) -> Source:
    run = RunFolder.open(path)
    description = run.description()
    _, options, training = run_options(run, description)
    step, _ = choose(run, rule)
    line = [line for line in run.metrics() if line["step"] <= step][-1]
    data = description.data
    return Source(
        run=str(path),
        model=description.model,
        distribution=description.distribution,
        version=description.version,
        trained_on=TrainedOn(name=data.name, content_hash=data.content_hash, plugin=data.plugin),
        options=options.model_dump(mode="json"),
        training=training.model_dump(mode="json"),
        seed=description.seed,
        checkpoint=step,
        checkpoint_rule=rule,
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
