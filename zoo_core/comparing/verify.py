"""Whether a result set may be published: every record made by a protocol of the project, and by nothing else."""

from pydantic import BaseModel, ValidationError, model_validator

from zoo_core.comparing.results import Comparison
from zoo_core.comparing.summaries import source_of
from zoo_core.errors import UsageError, ZooError
from zoo_core.evaluation.metric import Metric
from zoo_core.evaluation.metrics import metric_of, select
from zoo_core.evaluation.protocol import Protocol, differences, load_protocol, protocol_names
from zoo_core.evaluation.record import Record, Score, Source
from zoo_core.registry import registry


class _Environment(BaseModel):
    """What is published of a run's machine and software."""

    backend: str
    device: str
    cores: int | None
    packages: dict[str, str]

    @model_validator(mode="after")
    def _has_versions(self) -> "_Environment":
        if missing := {"keras", self.backend} - self.packages.keys():
            raise ValueError(f"packages lack {' and '.join(sorted(missing))}")
        return self


def problems(comparison: Comparison) -> list[str]:
    """Every reason not to publish it, each naming the run; none where it may be.

    Checked are the protocol (one of the package's, unchanged), what it fixes (data and weights by their hashes,
    training, seeds, metrics, numbers of images), that the model is of the protocol's kind (images from inputs, or from
    nothing), that no seed counts twice, and that none is missing but those that failed. The schema is checked when the
    file is read.
    """
    found = [f"{source_of(record).run}: {problem}" for record in comparison.records for problem in _of_record(record)]
    if not comparison.records:
        found.append("it has no records")
    return found or _of_seeds(comparison)


def _of_record(record: Record) -> list[str]:
    protocol = record.protocol
    if protocol is None:
        return ["it was not scored by a protocol (zoo evaluate RUN --protocol NAME)"]
    if protocol.name not in protocol_names():
        return [f"the protocol '{protocol.name}' is none of the project's: {', '.join(protocol_names())}"]
    if changed := differences(load_protocol(protocol.name), protocol):
        return [f"its protocol is not the project's '{protocol.name}' ({'; '.join(changed)})"]
    if lacking := _of_source(source_of(record)):
        return lacking
    return [*_of_model(record, protocol), *_of_training(record, protocol), *_of_scores(record, protocol)]


def _of_source(source: Source) -> list[str]:
    try:
        _Environment.model_validate(source.environment)
    except ValidationError as error:
        places = ((".".join(["source.environment", *map(str, e["loc"])]), e["msg"].lower()) for e in error.errors())
        return [f"{place}: {problem}" for place, problem in places]
    return []


def _of_model(record: Record, protocol: Protocol) -> list[str]:
    restores, name = _restores(record), source_of(record).model
    if restores is None or restores == _has_inputs(protocol):
        return []
    if restores:
        return [f"'{name}' makes images from inputs, and the data of {protocol} have none"]
    return [f"'{name}' makes images from nothing, and {protocol} is for models that make them from inputs"]


def _has_inputs(protocol: Protocol) -> bool:
    return "~" in protocol.data.source  # prepared files may have inputs too, but are in no protocol of the project


def _restores(record: Record) -> bool | None:
    """Whether the model makes images from inputs; None where nothing tells."""
    source = source_of(record)
    try:
        return registry().model(f"{source.distribution}:{source.model.rpartition(':')[2]}").spec.translates
    except ZooError:  # it is not installed here
        return record.sampling.variety is None if record.sampling else None


def _of_training(record: Record, protocol: Protocol) -> list[str]:
    source = source_of(record)
    last = source.checkpoint
    if source.checkpoint_rule == "best" and record.other_checkpoint:
        last = record.other_checkpoint.checkpoint
    found = []
    try:
        protocol.check_training(source.trained_on, source.training, source.seed, last, source.cost.seconds)
    except UsageError as error:
        found.append(error.message)
    if source.checkpoint_rule != protocol.training.checkpoint:
        found.append(f"it scores the {source.checkpoint_rule} checkpoint, not the {protocol.training.checkpoint} one")
    return found


def _of_scores(record: Record, protocol: Protocol) -> list[str]:
    compared = {
        "reference": (protocol.data.reference, record.data.reference),
        "sampling seed": (protocol.scoring.seed, record.sampling_seed),
        "features": (protocol.features.name, record.features.name),
        "features' weights": (protocol.features.weights_sha256, record.features.weights_sha256),
        "metrics": (list(protocol.scoring.metrics), record.requested),
    }
    found = [f"{key} should be {want}, received {got}" for key, (want, got) in compared.items() if want != got]
    if protocol.data.content_hash not in (None, record.data.content_hash):
        found.append(f"reference images should have the hash {protocol.data.content_hash}, {record.data.content_hash}")
    needed = {"samples", "reconstructions"} if _has_inputs(protocol) else {"samples"}  # which every model has
    measured = {key: metric_of(key, protocol.scoring.metrics) for key in record.metrics}
    for metric in select(protocol.scoring.metrics):
        scores = {key: record.metrics[key] for key, name in measured.items() if name == metric.name}
        if not scores and metric.needs in needed:
            found.append(f"it has no score of {metric.name}")
        found += [f"{key}: {wrong}" for key, score in scores.items() for wrong in _of_counts(metric, score, protocol)]
    return found + [f"{key}: it is of none of the protocol's metrics" for key, name in measured.items() if name is None]


def _of_counts(metric: Metric, score: Score, protocol: Protocol) -> list[str]:
    real = protocol.data.real
    generated = {"reconstructions": real, "likelihood": 0}.get(metric.needs, protocol.scoring.generated)
    compared = {
        "reference": (real if metric.compares else 0, score.n_reference),
        "generated": (generated, score.n_generated),
    }
    return [
        f"expected {want:,} {what} images, received {got:,}" for what, (want, got) in compared.items() if want != got
    ]


def _of_seeds(comparison: Comparison) -> list[str]:
    found = []
    for table in comparison.tables():
        assert table.protocol is not None  # else there was a problem before
        wanted = set(table.protocol.training.seeds)
        for summary in table.summaries:
            if len(set(summary.seeds)) < len(summary.seeds):
                found.append(f"{summary.label}: a seed counts twice, received {summary.seeds}")
            if missing := sorted(wanted - {*summary.seeds, *summary.failed}):
                found.append(f"{summary.label}: {table.protocol} needs seed {', '.join(map(str, missing))} too")
    return found
