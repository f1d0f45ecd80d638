"""`zoo datasets`: which sets there are, what is in one, preparing one as a file, checking that file."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo_core.cli.options import data_dir_option
from zoo_core.cli.output import console, emit, json_option
from zoo_core.cli.prepare import prepare
from zoo_core.registry import NO_CORE, registry

if TYPE_CHECKING:
    from zoo_core.data import Dataset

Counts = dict[str, dict[str, int]]
_IN_A_ROW = 10  # images of a contact sheet


@click.group()
def datasets() -> None:
    """List, show and prepare data sets.

    A SOURCE is a NAME of the list, folder:PATH (sub-folders are classes) or h5:PATH (a prepared file), with @SIZE or
    @HEIGHTxWIDTH after it to resize the images.

    \b
    For example:
      zoo datasets list
      zoo datasets prepare folder:photos@64 photos.h5
    """


datasets.add_command(prepare)


@datasets.command("list")
@data_dir_option
@json_option
def list_(data_dir: Path | None, as_json: bool) -> None:
    """List the data sets of all installed plugins: which are at hand, and what it takes to fetch the others.

    \b
    For example:
      zoo datasets list --data-dir ~/datasets
    """
    from zoo_core.data.named import at_hand
    from zoo_core.errors import ZooError

    known = registry().datasets
    found = {}
    for name, dataset in known.items():
        try:
            found[name] = at_hand(dataset, data_dir)
        except ZooError as error:  # one broken plugin leaves the others listed
            found[name] = None
            console().print(f"zoo: {error}", markup=False)
    if as_json:
        emit(
            [
                asdict(dataset.spec) | {"at_hand": found[name], "distribution": dataset.plugin.distribution}
                for name, dataset in known.items()
            ],
            as_json,
        )
        return
    specs = [dataset.spec for dataset in known.values()]
    lines = [
        {"name": r.name, "shape": _by(r.shape), "classes": len(r.classes), **r.splits, "summary": r.summary}
        | {"at hand": found[r.name] or f"no: {r.download}{f', {r.megabytes} MB' if r.megabytes else ''}"}
        for r in specs
    ]
    emit(lines, as_json)
    if not known:
        console().print(NO_CORE)


@datasets.command()
@click.argument("source")
@click.option(
    "--sheet", metavar="FILE.png", type=click.Path(path_type=Path), help="Draw a contact sheet: a row a class."
)
@data_dir_option
@json_option
def show(source: str, sheet: Path | None, data_dir: Path | None, as_json: bool) -> None:
    """Load SOURCE and show its shape, its content hash, and the images of each class and split.

    \b
    For example:
      zoo datasets show folder:photos@64 --sheet sheet.png
    """
    from zoo_core.data import load_dataset

    dataset = load_dataset(source, data_dir)
    by_class, unlabelled = _count_labels(source, dataset)
    more: dict[str, Any] = {"unlabelled": unlabelled} if by_class and unlabelled else {}
    if sheet:
        _draw(dataset, sheet)
        more["sheet"] = str(sheet)
    _emit(dataset, by_class, as_json, **more)
    if by_class and not as_json:
        click.echo()
        emit([{"class": label} | counts for label, counts in by_class.items()], as_json)


@datasets.command()
@click.argument("file")
@json_option
def verify(file: str, as_json: bool) -> None:
    """Compare all that is in a prepared FILE with the hashes and statistics that it states.

    \b
    For example:
      zoo datasets verify photos.h5
    """
    from zoo_core.data import Prepared

    prepared = Prepared(Path(os.path.expanduser(file.removeprefix("h5:"))))
    prepared.verify()
    _emit(prepared.dataset(), prepared.count_labels()[0], as_json, file=file, verified=True)


def _emit(dataset: "Dataset", by_class: Counts, as_json: bool, **more: Any) -> None:
    """Print a data set's description: nested as JSON, a line for each number and each note for people."""
    spec, notes = dataset.spec, dataset.provenance
    if as_json:
        nested = {"classes": spec.classes, "splits": dict(spec.splits), "counts": by_class, "provenance": notes}
        emit({"name": spec.name, "shape": spec.image_shape, "content_hash": spec.content_hash} | nested | more, True)
        return
    flat = {"classes": len(spec.classes), **spec.splits} | {f"provenance: {key}": notes[key] for key in notes}
    emit({"name": spec.name, "shape": _by(spec.image_shape), "content_hash": spec.content_hash} | flat | more, False)


def _draw(dataset: "Dataset", path: Path) -> None:
    """Train images, evenly spaced in their order: ten of each class in its row, or a hundred."""
    import numpy as np

    from zoo_core.sampling.grids import grid, write_png

    images, labels = dataset.images("train"), dataset.labels("train")
    rows = [np.arange(len(images))] if labels is None else [np.flatnonzero(labels == c) for c in np.unique(labels)]
    most = _IN_A_ROW if labels is not None else _IN_A_ROW**2
    chosen = [row[np.linspace(0, len(row) - 1, most).astype(int)] for row in rows]  # repeated where there are fewer
    write_png(path, grid(images[np.concatenate(chosen)], _IN_A_ROW))


def _count_labels(source: str, dataset: "Dataset") -> tuple[Counts, int]:
    """Images of each class in each split, and all those without a label, where others in the file have one."""
    import numpy as np

    from zoo_core.data import Prepared
    from zoo_core.data.sources import parse_source

    if not dataset.classes:
        parsed = parse_source(source)
        return Prepared(Path(parsed.target).expanduser()).count_labels() if parsed.kind == "h5" else ({}, 0)
    labels = {split: dataset.labels(split) for split in dataset.spec.splits}
    found = {
        split: np.bincount(numbers, minlength=len(dataset.classes))
        for split, numbers in labels.items()
        if numbers is not None
    }
    counts = {
        label: {split: int(of_split[number]) for split, of_split in found.items()}
        for number, label in enumerate(dataset.classes)
    }
    return counts, 0


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
