"""What a comparison found, as `results.json` keeps it (schema 1). Documented key by key in `docs/records.md`."""

from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from zoo_core.comparing.tables import Summary, Table, tables_of
from zoo_core.errors import UsageError, ZooError
from zoo_core.evaluation.record import Record
from zoo_core.files import write_text
from zoo_core.runs import RunFolder

AnyModel = TypeVar("AnyModel", bound=BaseModel)


class _Frozen(BaseModel):
    # JSON has no NaN and no infinity: as strings they are valid JSON and come back as floats
    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")


class Failure(_Frozen):
    """A run that could not be trained or evaluated, and why."""

    model: str
    data: str
    seed: int
    error: str
    run: str


class Comparison(_Frozen):
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
        return tables_of(self.records)

    def summaries(self) -> list[Summary]:
        """The rows of all tables: one for each data set and model."""
        return [summary for table in self.tables() for summary in table.summaries]


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
