"""A run's folder: what is in it, created without overwriting, read and written atomically.

runs/<name>/  run.json  options.toml  metrics.jsonl  curves.svg  checkpoints/*.h5  samples/*.png  result.json
              exhibits/*.png
"""

import json
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from zoo_core.errors import UsageError, ZooError
from zoo_core.files import remove_temporaries, sync, write_text, writing
from zoo_core.specs import DataSpec


class RunDescription(BaseModel):
    """What `run.json` holds: enough to rebuild the networks and to say how they were trained.

    Attributes:
        distribution, version: the plugin's package.
        data_order: SHA-256 of the training images in their order, which batches follow and the data set's content hash
            leaves out; None for a prepared file, whose hash has it, and in runs that are older than this field.
        seed: of the initial weights, the data order and all noise.
        parameters: trainable weights of all networks.
        environment: backend, device, precision, python and package versions, git hash if any.
        command: as typed, or empty from Python.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    model: str
    distribution: str
    version: str
    data: DataSpec
    data_order: str | None = None
    data_dir: str | None
    seed: int
    parameters: int
    environment: dict[str, Any]
    command: str
    created: str

    @property
    def label(self) -> str:
        """For people: what is trained on what."""
        return f"{self.model} on {self.data.name}, seed {self.seed}"


def slug(text: str) -> str:
    """A name that is safe as a folder's: letters, digits, `.`, `_` and `-` stay, anything between becomes one `-`."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or "unnamed"


class RunFolder:
    """One run on disk."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.checkpoints = self.path / "checkpoints"
        self.samples = self.path / "samples"
        self.exhibits = self.path / "exhibits"
        self.profile = self.path / "profile"
        self.options_file = self.path / "options.toml"
        self.metrics_file = self.path / "metrics.jsonl"
        self.curves_file = self.path / "curves.svg"
        self.result_file = self.path / "result.json"
        self._lock_file = self.path / ".lock"

    @staticmethod
    def is_run(path: Path) -> bool:
        return (Path(path) / "run.json").is_file()

    @classmethod
    def check_free(cls, path: Path) -> None:
        """Raises UsageError if there is anything at `path` already, other than what a process left that died early."""
        if Path(path).exists() and not (Path(path).is_dir() and cls(path)._is_only_begun()):
            hint = f"Go on with it: zoo train --resume {path}. " if cls.is_run(path) else ""
            raise UsageError(f"'{path}' already exists.", f"{hint}Or name another folder: --out FOLDER.")

    @classmethod
    @contextmanager
    def creating(cls, path: Path, description: RunDescription, options_toml: str) -> Iterator["RunFolder"]:
        """Make the folder; in this scope it is locked, from before anything is written into it.

        Raises:
            UsageError: if there is anything at `path` already, which is left as it is, or another process begins there.
            ZooError: if the folder can't be made.
        """
        cls.check_free(path)
        run = cls(path)
        _make(run.path)
        with run.lock():
            cls.check_free(path)  # another process may have begun there, and ended, since
            for folder in (run.checkpoints, run.samples):
                _make(folder)
            write_text(run.options_file, options_toml)
            write_text(run.path / "run.json", description.model_dump_json(indent=2))
            yield run

    def _is_only_begun(self) -> bool:
        """Whether the folder holds nothing but its lock and what `creating` makes before `run.json`, in that order."""
        begun = (self.checkpoints, self.samples, self.options_file)
        found = {path for path in self.path.iterdir() if path != self._lock_file and not path.match(".*.tmp")}
        return found == set(begun[: len(found)]) and not any(any(path.iterdir()) for path in found if path.is_dir())

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """An existing run.

        Raises:
            UsageError: if there is none at `path`.
        """
        if not cls.is_run(path):
            raise UsageError(f"'{path}' is not a run: it has no run.json.", "zoo train makes one.")
        return cls(path)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """A scope in which no other process trains this run; the lock of a process that dies goes with it, and what it
        was writing is removed by the next one.

        Raises:
            UsageError: if another process does.
            ZooError: if the folder can't be written.
        """
        lock = FileLock(self._lock_file)
        try:
            lock.acquire(blocking=False)
        except Timeout as error:
            raise UsageError(
                f"'{self.path}' is in use: another process trains it.", "Wait until it is done, or stop it."
            ) from error
        except OSError as error:
            raise ZooError(
                f"Can't write to '{self.path}': {error.strerror or error}.", "Make the folder writable."
            ) from error
        try:
            for folder in (self.path, self.checkpoints, self.samples):
                remove_temporaries(folder)
            yield
        finally:
            lock.release()

    def description(self) -> RunDescription:
        """What `run.json` says.

        Raises:
            ZooError: if it is damaged or of another schema.
        """
        path = self.path / "run.json"
        try:
            return RunDescription.model_validate_json(path.read_bytes())
        except (ValidationError, OSError) as error:
            problem = str(error).replace("\n", " ")
            raise ZooError(f"'{path}' can't be read as a run of schema 1: {problem}.") from error

    def write_options(self, options_toml: str) -> None:
        write_text(self.options_file, options_toml)

    def append_metrics(self, line: dict[str, float]) -> None:
        """Add one line to `metrics.jsonl`.

        Raises:
            NotWritten: where the disk is full.
        """
        with self._logging(), self.metrics_file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def sync_metrics(self) -> None:
        """Wait until what was added is on the disk. Raises as `append_metrics`."""
        with self._logging():
            sync(self.metrics_file)

    def _logging(self) -> AbstractContextManager[None]:
        return writing(self.metrics_file, f"Free some space, then go on: zoo train --resume {self.path}")

    def metrics(self) -> list[dict[str, float]]:
        """The lines of `metrics.jsonl`; a last line cut short by a crash is left out.

        Raises:
            ZooError: if any other line is damaged.
        """
        if not self.metrics_file.exists():
            return []
        texts = self.metrics_file.read_text(encoding="utf-8", errors="replace").splitlines()
        lines = []
        for number, text in enumerate(texts, start=1):
            try:
                line, problem = json.loads(text), "has no numbers by name, with 'step' among them"
            except json.JSONDecodeError as error:
                if number == len(texts):
                    break
                line, problem = None, f"is not JSON: {error}"
            if not _is_logged(line):
                raise ZooError(f"Line {number} of '{self.metrics_file}' {problem}.", "Mend or remove that line.")
            lines.append(line)
        return lines

    def keep_metrics_until(self, step: int) -> None:
        """Drop what was logged after `step`: a resumed run logs it anew."""
        kept = [line for line in self.metrics() if line["step"] <= step]
        write_text(self.metrics_file, "".join(json.dumps(line) + "\n" for line in kept))


def _is_logged(line: object) -> bool:
    """Whether it is what `append_metrics` writes."""
    return isinstance(line, dict) and "step" in line and all(isinstance(value, int | float) for value in line.values())


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ZooError(f"Can't create '{folder}': {error.strerror}.", "Name another folder: --out.") from error
