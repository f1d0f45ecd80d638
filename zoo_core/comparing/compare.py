"""Train and evaluate every cell of a comparison alike, reusing what is there."""

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo_core import api
from zoo_core.comparing.plan import Cell, plan
from zoo_core.comparing.results import Comparison, Failure, read_record
from zoo_core.comparing.tables import source_of
from zoo_core.data import load_dataset
from zoo_core.data.sources import without_splits
from zoo_core.errors import Interrupted, UsageError, ZooError
from zoo_core.evaluation.evaluate import Rules, default_count, evaluate_run
from zoo_core.evaluation.extraction import FeatureStore
from zoo_core.evaluation.protocol import Protocol, load_protocol, refuse_beside
from zoo_core.evaluation.record import Record
from zoo_core.evaluation.sources import Opened, open_images
from zoo_core.features import load_features
from zoo_core.files import write_text
from zoo_core.runs import RunFolder
from zoo_core.training.estimate import estimate
from zoo_core.training.log import Report
from zoo_core.training.selection import Rule, is_finished

SAMPLING_SEED = 0
SEEDS = 3
"""Where nobody says how many."""


def compare(
    models: Sequence[str],
    data: Sequence[str],
    out: str | Path,
    *,
    seeds: int | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    training: Mapping[str, Any] | None = None,
    features: str = "auto",
    weights: str | Path | None = None,
    metrics: Sequence[str] | None = None,
    count: int | None = None,
    checkpoint: Rule | None = None,
    protocol: str | None = None,
    data_dir: str | Path | None = None,
    device: str = "auto",
    report: Report | None = None,
    command: str = "",
) -> Comparison:
    """Train each model on each data set from each seed, and score all of them by the same rules.

    Runs are kept in `out/runs/`. Those that the same call has finished before are reused, those that it began are
    gone on with. A run that fails is noted, and the others go on.

    Args:
        models: names of `zoo models list`.
        data: sources such as "digits" or "folder:photos@64"; each model's score is against its test split.
        seeds: how many training seeds, from 0, by default 3; the error bars come from them.
        options: of each model, by model and name.
        training: fields of `TrainingOptions`, the same for all.
        features, weights, metrics, count, checkpoint, data_dir: as in `zoo_core.evaluate`.
        protocol: of `zoo protocols list`, or the path of a TOML file; it then fixes all of these but `options`,
            `weights` and `data_dir`, and `data` must be empty.
        device, report: as in `zoo_core.train`.

    Raises:
        UsageError: for whatever was asked wrong, before anything is trained.
        Interrupted: on Ctrl-C; the same call goes on later.
    """
    directory = Path(data_dir) if data_dir else None
    rule = load_protocol(protocol) if protocol else None
    if rule:
        refuse_beside(rule, features=features != "auto", metrics=metrics, count=count, checkpoint=checkpoint)
        features = rule.features.network
    cells = _cells(models, data, Path(out), seeds, options, training, rule, directory)
    datasets = list({cell.data.name: cell.data for cell in cells}.values())
    networks = {d.name: load_features(features, d.spec, Path(weights) if weights else None) for d in datasets}
    references = {
        d.name: open_images(rule.data.compared if rule else without_splits(d.name), data_dir=directory)
        for d in datasets
    }
    records, failures = [], []
    with FeatureStore(report=report) as store:
        rules = {
            name: Rules.of(rule, network, store)
            if rule
            else Rules(
                network=network,
                store=store,
                metrics=metrics,
                count=count,
                seed=SAMPLING_SEED,
                checkpoint=checkpoint or "final",
            )
            for name, network in networks.items()
        }
        for cell in cells:
            try:
                _train(cell, directory, device, report, command)
                records.append(_evaluate(cell, references[cell.data.name], rules[cell.data.name]))
            except Interrupted as error:
                hint = f"Give the same command again to go on; runs are in '{out}'."
                raise Interrupted(error.message, hint) from error
            except Exception as error:  # one failed run must not take the others with it, whatever its plugin raises
                message = str(error) if isinstance(error, ZooError) else f"{type(error).__name__}: {error}"
                failures.append(
                    Failure(model=cell.model, data=cell.data.name, seed=cell.seed, error=message, run=str(cell.run))
                )
    return Comparison(
        title=f"{', '.join(models)} on {', '.join(d.name for d in datasets)}",
        command=command,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        records=records,
        failures=failures,
    )


def preview(
    models: Sequence[str],
    data: Sequence[str],
    out: str | Path,
    *,
    seeds: int | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    training: Mapping[str, Any] | None = None,
    protocol: str | None = None,
    data_dir: str | Path | None = None,
    device: str = "auto",
) -> list[dict[str, Any]]:
    """What `compare` would do: one record for each run, with its state, `finished`, `begun` or `new`, and the seconds
    that its training is expected to take, found by a few steps of each model. Nothing is written.

    Raises:
        UsageError: for whatever was asked wrong.
    """
    rule = load_protocol(protocol) if protocol else None
    cells = _cells(models, data, Path(out), seeds, options, training, rule, Path(data_dir) if data_dir else None)
    seconds: dict[tuple[str, str], float] = {}
    records = []
    for cell in cells:
        state = "finished" if _finished(cell) else "begun" if RunFolder.is_run(cell.run) else "new"
        key = (cell.model, cell.data.name)
        if state != "finished" and key not in seconds:
            chosen: dict[str, Any] = {"options": cell.options.model_dump(), "training": cell.training.model_dump()}
            seconds[key] = estimate(cell.model, cell.data, **chosen, device=device)["train_seconds"]
        expected = None if state == "finished" else seconds[key]
        record = {"model": cell.model, "data": cell.data.name, "seed": cell.seed, "state": state}
        records.append(record | {"train_seconds": expected, "run": str(cell.run)})
    return records


def _cells(
    models: Sequence[str],
    data: Sequence[str],
    out: Path,
    seeds: int | None,
    options: Mapping[str, Mapping[str, Any]] | None,
    training: Mapping[str, Any] | None,
    protocol: Protocol | None,
    data_dir: Path | None,
) -> list[Cell]:
    numbers: Sequence[int] = range(SEEDS if seeds is None else seeds)
    if protocol:
        refuse_beside(protocol, data=data, seeds=seeds, training=training)
        rule = protocol.training
        data, numbers, training = [protocol.data.fitted], rule.seeds, rule.options
    if not models or not data or not numbers:
        raise UsageError(
            f"A comparison needs models, data sets and seeds, received {list(models)}, {list(data)}, {len(numbers)}.",
            "For example: zoo compare dcgan vae --data digits --seeds 3",
        )
    datasets = [load_dataset(source, data_dir) for source in dict.fromkeys(data)]
    if protocol:
        protocol.check_data(datasets[0].spec)
    return plan(models, datasets, numbers, out, options or {}, training or {})


def _train(cell: Cell, data_dir: Path | None, device: str, report: Report | None, command: str) -> None:
    if not RunFolder.is_run(cell.run):
        api.train(
            cell.model,
            cell.data,
            cell.run,
            seed=cell.seed,
            options=cell.options.model_dump(),
            training=cell.training.model_dump(),
            data_dir=data_dir,
            device=device,
            report=report,
            command=command,
        )
    elif not _finished(cell):
        api.resume(cell.run, data=cell.data, device=device, report=report)


def _finished(cell: Cell) -> bool:
    return is_finished(RunFolder(cell.run), cell.training.steps, cell.training.patience)


def _evaluate(cell: Cell, reference: Opened, rules: Rules) -> Record:
    run = RunFolder(cell.run)
    if run.result_file.is_file():
        record = read_record(run)
        if _same_evaluation(record, cell, reference, rules):
            return _at(record, cell.run)
    record = evaluate_run(cell.run, cell.data, reference, rules)
    write_text(run.result_file, record.model_dump_json(indent=2) + "\n")
    return record


def _at(record: Record, run: Path) -> Record:
    """The record of a run whose folder has been moved since."""
    source = source_of(record).model_copy(update={"run": str(run)})
    return record.model_copy(update={"source": source, "evaluated": str(run)})


def _same_evaluation(record: Record, cell: Cell, reference: Opened, rules: Rules) -> bool:
    """Whether a record says what an evaluation would now."""
    network = rules.network
    count = default_count(cell.data) if rules.count is None else rules.count
    said = (record.features.name, record.features.weights_sha256, record.data.content_hash, record.data.reference)
    return (
        said == (network.name, network.weights_sha256, reference.content_hash, reference.splits)
        and record.protocol == rules.protocol
        and record.requested == (None if rules.metrics is None else list(rules.metrics))
        and record.sampling_seed == rules.seed
        and source_of(record).checkpoint_rule == rules.checkpoint
        and any(score.n_generated == count for score in record.metrics.values())
    )
