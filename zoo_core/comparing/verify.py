"""Whether a result set may be published: every record made by a protocol of the project, and by nothing else."""

from typing import NamedTuple

from zoo_core.comparing.results import Comparison
from zoo_core.comparing.summaries import source_of
from zoo_core.errors import UsageError
from zoo_core.evaluation.protocol import Protocol, differences, load_protocol, protocol_names
from zoo_core.evaluation.record import Record, Score


class _Named(NamedTuple):
    """What a protocol checks of a data set, as a record has it."""

    name: str
    content_hash: str


def problems(comparison: Comparison) -> list[str]:
    """Every reason not to publish it, each naming the run; none where it may be.

    Checked are the protocol (one of the package's, unchanged), what it fixes (data and weights by their hashes,
    training, seeds, numbers of images), that no seed counts twice, and that none is missing but those that failed. The
    schema is checked when the file is read.
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
    return [*_of_training(record, protocol), *_of_scores(record, protocol)]


def _of_training(record: Record, protocol: Protocol) -> list[str]:
    source = source_of(record)
    trained_on = _Named(source.trained_on["name"], source.trained_on["content_hash"])
    last = source.checkpoint
    if source.checkpoint_rule == "best" and record.other_checkpoint:
        last = record.other_checkpoint.checkpoint
    found = []
    try:
        protocol.check_training(trained_on, source.training, source.seed, last, source.cost.seconds)
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
    for key, score in record.metrics.items():
        found += [f"{key}: {problem}" for problem in _of_counts(score, protocol)]
    return found if record.metrics else [*found, "it has no scores"]


def _of_counts(score: Score, protocol: Protocol) -> list[str]:
    real, generated = protocol.data.real, protocol.scoring.generated
    found = []
    if score.n_reference not in (0, real):  # 0 where nothing is compared with
        found.append(f"expected {real:,} reference images, received {score.n_reference:,}")
    if score.n_generated not in (0, generated, score.n_reference):  # pairs are as many as the reference images
        found.append(f"expected {generated:,} generated images, received {score.n_generated:,}")
    return found


def _of_seeds(comparison: Comparison) -> list[str]:
    found = []
    for table in comparison.tables():
        assert table.protocol is not None  # else there was a problem before
        wanted = set(table.protocol.training.seeds)
        for summary in table.summaries:
            failed = {failure.seed for failure in comparison.failures if failure.model == summary.model}
            if len(set(summary.seeds)) < len(summary.seeds):
                found.append(f"{summary.label}: a seed counts twice, received {summary.seeds}")
            if missing := sorted(wanted - set(summary.seeds) - failed):
                found.append(f"{summary.label}: {table.protocol} needs seed {', '.join(map(str, missing))} too")
    return found
