"""What a comparison found, as `results.json` keeps it (schema 1). Documented key by key in `docs/records.md`."""

import datetime
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError, field_validator

from zoo_core.comparing.summaries import Summary, source_of
from zoo_core.comparing.tables import Table, tables_of
from zoo_core.data.sources import without_splits
from zoo_core.errors import UsageError, ZooError
from zoo_core.evaluation.record import Frozen, Record, Source
from zoo_core.files import write_text
from zoo_core.runs import RunFolder

RESULTS = "results.json"

AnyModel = TypeVar("AnyModel", bound=BaseModel)


class Failure(Frozen):
    """A run that could not be trained or evaluated, and why.

    Attributes:
        options: all of the model's, as a record's source has them; empty in files that are older than this field.
        protocol: its name and version, empty without one; None in files that are older than this field.
    """

    model: str
    options: dict[str, Any] = Field({})
    data: str
    protocol: str | None = None
    seed: int
    error: str
    run: str


class Comparison(Frozen):
    """The records of several runs, and the runs that failed.

    Attributes:
        command: as typed, or empty from Python.
        records: one for each run that was evaluated; each has a `source`.
    """

    schema_version: Literal[1] = 1
    title: str
    command: str
    created: str
    records: list[Record]
    failures: list[Failure]

    @field_validator("records")
    @classmethod
    def _of_runs(cls, records: list[Record]) -> list[Record]:
        if any(record.source is None for record in records):
            raise ValueError("a comparison is of runs: each record must have a source")
        return records

    def tables(self) -> list[Table]:
        """The records in as few tables as keep unlike ones apart."""
        return [_with_failures(table, self.failures) for table in tables_of(self.records)]

    def summaries(self) -> list[Summary]:
        """The rows of all tables: one for each data set and model."""
        return [summary for table in self.tables() for summary in table.summaries]

    def name_of(self, failure: Failure) -> str:
        """Which of its failures it is, such as "dcgan (width=64) on digits, seed 0": told are the options in which the
        runs of the model differ."""
        runs: list[Source | Failure] = [*map(source_of, self.records), *self.failures]
        others = [run.options for run in runs if run.model == failure.model and run.options]
        apart = [f"{key}={value}" for key, value in failure.options.items() if any(o.get(key) != value for o in others)]
        model = f"{failure.model} ({', '.join(apart)})" if apart else failure.model
        return f"{model} on {failure.data}, seed {failure.seed}"

    def failed_runs(self) -> list[str]:
        """What each of its failures was and why it failed, a line each."""
        return [" ".join(f"{self.name_of(failure)}: {failure.error}".split()) for failure in self.failures]


def _with_failures(table: Table, failures: list[Failure]) -> Table:
    """Averages over the seeds that came through flatter a model: beside them stands how many did not."""
    scored_by = (None, str(table.protocol or ""))
    failures = [failure for failure in failures if failure.protocol in scored_by]
    rows = [[summary.label for summary in table.summaries if _may_be_of(failure, summary)] for failure in failures]

    def failed(summary: Summary) -> tuple[int, ...]:
        return tuple(f.seed for f, labels in zip(failures, rows, strict=True) if labels == [summary.label])

    return table.model_copy(update={"summaries": [s.model_copy(update={"failed": failed(s)}) for s in table.summaries]})


def _may_be_of(failure: Failure, summary: Summary) -> bool:
    same = (failure.model, without_splits(failure.data)) == (summary.model, summary.data)
    return same and failure.options in ({}, summary.options)


def read_record(run: RunFolder) -> Record:
    """What a run's `result.json` says.

    Raises:
        UsageError: if the run was not evaluated yet.
        ZooError: if the file is damaged or of another schema.
    """
    if not run.result_file.is_file():
        data = run.description().data.name
        raise UsageError(
            f"'{run.path}' has no result.json.", f"Evaluate it first: zoo evaluate {run.path} --against {data}"
        )
    return _read(Record, run.result_file)


def gather(paths: Iterable[Path], title: str, command: str) -> tuple[Comparison, dict[str, Path]]:
    """Several results as one.

    Args:
        paths: of runs that were evaluated, of comparisons' folders, or of `results.json` files under any name.
        command: that gathers them; a comparison alone keeps its own.

    Returns:
        The comparison, in which a run's folder is called by where it is now, and the folders that are there, by
        `record.source.run`.

    Raises:
        UsageError: for anything else, a run without a result, one with several, or a seed that would count twice.
        ZooError: for a damaged file.
    """
    records: dict[tuple[Path | None, str], Record] = {}  # of what is here by its folder, of others by file and name
    folders: dict[str, Path] = {}
    failures: list[Failure] = []
    commands: set[str] = set()
    for path in {path.resolve(): path for path in paths}.values():
        if RunFolder.is_run(path):
            found: list[tuple[Record, Path | None]] = [(read_record(RunFolder(path)), path)]
            commands.add(command)
        else:
            file = path / RESULTS if path.is_dir() else path
            if not file.is_file():
                raise UsageError(
                    f"'{path}' is not a run, and no comparison: it has neither run.json nor {RESULTS}.",
                    "zoo train makes a run, zoo evaluate its result, and zoo compare a comparison.",
                )
            comparison = read_results(file)
            failures += comparison.failures
            commands.add(comparison.command or command)
            found = [(record, _folder_of(record, file.parent)) for record in comparison.records]
        for record, folder in found:
            name = source_of(record).run if folder is None else str(folder)
            key = (path if folder is None else None, name)
            if key in records and _scores_of(records[key]) != _scores_of(record):
                raise UsageError(
                    f"'{name}' was scored more than once, with different results.",
                    "Name only one of them; of several comparisons of the same runs, report each by itself.",
                )
            records[key] = record.model_copy(update={"source": source_of(record).model_copy(update={"run": name})})
            folders |= {name: folder} if folder else {}
    gathered = Comparison(
        title=title,
        command=commands.pop() if len(commands) == 1 else command,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        records=list(records.values()),
        failures=failures,
    )
    _check_seeds(gathered)
    return gathered, folders


def _scores_of(record: Record) -> tuple[Any, ...]:
    return record.data, record.features, record.protocol, source_of(record).checkpoint_rule, record.metrics


def _folder_of(record: Record, beside: Path) -> Path | None:
    """The run's folder: where it was when it was scored, or in `runs` beside the results, if they have been moved."""
    run = Path(source_of(record).run)
    return next((place for place in (run, beside / "runs" / run.name) if RunFolder.is_run(place)), None)


def _check_seeds(comparison: Comparison) -> None:
    for summary in comparison.summaries():
        if len(set(summary.seeds)) < len(summary.seeds):
            raise UsageError(
                f"Same model, options, data and seed more than once: {', '.join(summary.runs)}.",
                "They would count as several seeds and make the error bar too small; name only one of them.",
            )


def write_results(comparison: Comparison, out: Path) -> None:
    """Write `results.json`, whole or not at all. Raises as `zoo_core.files.atomic` does."""
    write_text(out, comparison.model_dump_json(indent=2) + "\n")


def read_results(path: Path) -> Comparison:
    """What `write_results` wrote.

    Raises:
        ZooError: if it is missing, damaged or of another schema.
    """
    return _read(Comparison, path)


def _read(kind: type[AnyModel], path: Path) -> AnyModel:
    try:
        return kind.model_validate_json(path.read_bytes())
    except (ValidationError, OSError) as error:
        problem = str(error).replace("\n", " ")
        raise ZooError(f"'{path}' can't be read as a {kind.__name__} of schema 1: {problem}.") from error
