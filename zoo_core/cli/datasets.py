"""`zoo datasets`: which sets there are, what is in one, preparing one as a file, checking that file."""

from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo_core.cli.options import data_dir_option
from zoo_core.cli.output import console, emit, json_option
from zoo_core.errors import UsageError

if TYPE_CHECKING:
    from zoo_core.data import Dataset


@click.group()
def datasets() -> None:
    """List, show and prepare data sets.

    A SOURCE is a built-in NAME, folder:PATH (sub-folders are classes) or h5:PATH (a prepared file), with @SIZE or
    @HEIGHTxWIDTH after it to resize the images.

    \b
    For example:
      zoo datasets list
      zoo datasets prepare folder:photos@64 photos.h5
    """


@datasets.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the built-in data sets.

    \b
    For example:
      zoo datasets list
    """
    from zoo_core.data import BUILTIN

    if as_json:
        emit([asdict(record) for record in BUILTIN.values()], as_json)
        return
    lines = [
        {"name": r.name, "shape": _by(r.shape), "classes": len(r.classes), **r.splits, "summary": r.summary}
        | {"origin": r.origin}
        for r in BUILTIN.values()
    ]
    emit(lines, as_json)


@datasets.command()
@click.argument("source")
@data_dir_option
@json_option
def show(source: str, data_dir: Path | None, as_json: bool) -> None:
    """Load SOURCE and show its shape, its content hash, and the images of each class and split.

    \b
    For example:
      zoo datasets show folder:photos@64
    """
    from zoo_core.data import load_dataset

    dataset = load_dataset(source, data_dir)
    _emit(dataset, as_json)
    if dataset.classes and not as_json:
        counts = _counts(dataset)
        click.echo()
        emit([{"class": c} | {split: counts[split][c] for split in counts} for c in dataset.classes], as_json)


@datasets.command()
@click.argument("source")
@click.argument("out", type=click.Path(path_type=Path), metavar="OUT.h5")
@data_dir_option
@json_option
def prepare(source: str, out: Path, data_dir: Path | None, as_json: bool) -> None:
    """Write SOURCE as one HDF5 file. As h5:OUT.h5 it is then opened at once, whatever its size.

    \b
    For example:
      zoo datasets prepare folder:photos@64 photos.h5
    """
    from zoo_core.data import load_dataset, write_h5

    if out.exists():
        raise UsageError(f"'{out}' already exists.", "Remove it, or name another file.")
    dataset = load_dataset(source, data_dir)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    provenance = {"source": source, "prepared": now, "zoo-core": version("zoo-core")}
    write_h5(dataset, out, provenance | ({"of": dataset.provenance} if dataset.provenance else {}))
    _emit(dataset, as_json, file=str(out), bytes=out.stat().st_size)
    console().print(f"Use it as h5:{out}")


@datasets.command()
@click.argument("file")
@json_option
def verify(file: str, as_json: bool) -> None:
    """Compare every image and label of a prepared FILE with the content hash that it states.

    \b
    For example:
      zoo datasets verify photos.h5
    """
    from zoo_core.data import read_h5

    dataset = read_h5(Path(file.removeprefix("h5:")))
    dataset.verify()
    _emit(dataset, as_json, file=file, verified=True)


def _emit(dataset: "Dataset", as_json: bool, **more: Any) -> None:
    """Print a data set's description: nested as JSON, a line for each number and each note for people."""
    spec, notes = dataset.spec, dataset.provenance
    if as_json:
        nested = {"classes": spec.classes, "splits": dict(spec.splits), "counts": _counts(dataset), "provenance": notes}
        emit({"name": spec.name, "shape": spec.image_shape, "content_hash": spec.content_hash} | nested | more, True)
        return
    flat = {"classes": len(spec.classes), **spec.splits} | {f"provenance: {key}": notes[key] for key in notes}
    emit({"name": spec.name, "shape": _by(spec.image_shape), "content_hash": spec.content_hash} | flat | more, False)


def _counts(dataset: "Dataset") -> dict[str, dict[str, int]]:
    """The number of images of each class in each split; empty for a set without labels."""
    import numpy as np

    labels = {split: dataset.labels(split) for split in dataset.spec.splits}
    return {
        split: dict(zip(dataset.classes, np.bincount(of_split, minlength=len(dataset.classes)).tolist(), strict=True))
        for split, of_split in labels.items()
        if of_split is not None
    }


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
