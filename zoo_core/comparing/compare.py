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
from zoo_core.errors import Interrupted, UsageError, ZooError
from zoo_core.evaluation.evaluate import default_count, evaluate_run
from zoo_core.evaluation.record import Features, Record
from zoo_core.features import FeatureNetwork, load_features
from zoo_core.files import write_text
from zoo_core.runs import RunFolder
from zoo_core.training import checkpoint
from zoo_core.training.estimate import estimate
from zoo_core.training.log import Report

SAMPLING_SEED = 0


def compare(
    models: Sequence[str],
    data: Sequence[str],
    out: str | Path,
    *,
    seeds: int = 3,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    training: Mapping[str, Any] | None = None,
    features: str = "auto",
    weights: str | Path | None = None,
    count: int | None = None,
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
        data: sources such as "digits" or "folder:photos@64".
        seeds: how many training seeds, from 0; the error bars come from them.
        options: of each model, by model and name.
        training: fields of `TrainingOptions`, the same for all.
        features, weights, count, data_dir: as in `zoo_core.evaluate`.
        device, report: as in `zoo_core.train`.

    Raises:
        UsageError: for whatever was asked wrong, before anything is trained.
        Interrupted: on Ctrl-C; the same call goes on later.
    """
    directory = Path(data_dir) if data_dir else None
    cells = _cells(models, data, Path(out), seeds, options, training, directory)
    datasets = list({cell.data.name: cell.data for cell in cells}.values())
    networks = {d.name: load_features(features, d.spec, Path(weights) if weights else None) for d in datasets}
    records, failures = [], []
    for cell in cells:
        try:
            _train(cell, directory, device, report, command)
            records.append(_evaluate(cell, networks[cell.data.name], count))
        except Interrupted as error:
            raise Interrupted(error.message, f"Give the same command again to go on; runs are in '{out}'.") from error
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
    seeds: int = 3,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    training: Mapping[str, Any] | None = None,
    data_dir: str | Path | None = None,
    device: str = "auto",
) -> list[dict[str, Any]]:
    """What `compare` would do: one record for each run, with its state, `finished`, `begun` or `new`, and the seconds
    that its training is expected to take, found by a few steps of each model. Nothing is written.

    Raises:
        UsageError: for whatever was asked wrong.
    """
    cells = _cells(models, data, Path(out), seeds, options, training, Path(data_dir) if data_dir else None)
    seconds: dict[tuple[str, str], float] = {}
    records = []
    for cell in cells:
        state = "finished" if _finished(cell) else "begun" if RunFolder.is_run(cell.run) else "new"
        key = (cell.model, cell.data.name)
        if state != "finished" and key not in seconds:
            chosen = {"options": cell.options.model_dump(), "training": cell.training.model_dump()}
            seconds[key] = estimate(cell.model, cell.data, **chosen, device=device)["train_seconds"]
        expected = None if state == "finished" else seconds[key]
        record = {"model": cell.model, "data": cell.data.name, "seed": cell.seed, "state": state}
        records.append(record | {"train_seconds": expected, "run": str(cell.run)})
    return records


def _cells(
    models: Sequence[str],
    data: Sequence[str],
    out: Path,
    seeds: int,
    options: Mapping[str, Mapping[str, Any]] | None,
    training: Mapping[str, Any] | None,
    data_dir: Path | None,
) -> list[Cell]:
    if not models or not data or seeds < 1:
        raise UsageError(
            f"A comparison needs models, data sets and seeds, received {list(models)}, {list(data)} and {seeds}.",
            "For example: zoo compare dcgan vae --data digits --seeds 3",
        )
    datasets = [load_dataset(source, data_dir) for source in dict.fromkeys(data)]
    return plan(models, datasets, range(seeds), out, options or {}, training or {})


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
    return cell.training.steps in checkpoint.steps_of(RunFolder(cell.run))


def _evaluate(cell: Cell, network: FeatureNetwork, count: int | None) -> Record:
    run = RunFolder(cell.run)
    if run.result_file.is_file():
        record = read_record(run)
        if _same_evaluation(record, cell, network, count):
            return _at(record, cell.run)
    record = evaluate_run(cell.run, cell.data, network, count=count, seed=SAMPLING_SEED)
    write_text(run.result_file, record.model_dump_json(indent=2) + "\n")
    return record


def _at(record: Record, run: Path) -> Record:
    """The record of a run whose folder has been moved since."""
    source = source_of(record).model_copy(update={"run": str(run)})
    return record.model_copy(update={"source": source, "evaluated": str(run)})


def _same_evaluation(record: Record, cell: Cell, network: FeatureNetwork, count: int | None) -> bool:
    """Whether a record says what an evaluation would now."""
    expected = default_count(cell.data) if count is None else count
    return (
        record.features == Features(name=network.name, weights_sha256=network.weights_sha256)
        and record.data.content_hash == cell.data.spec.content_hash
        and record.sampling_seed == SAMPLING_SEED
        and any(score.n_generated == expected for score in record.metrics.values())
    )
