"""`zoo datasets prepare`: from what people have to one checked file."""

import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo_core.cli.options import data_dir_option
from zoo_core.cli.output import console, emit, json_option
from zoo_core.errors import UsageError

if TYPE_CHECKING:
    from zoo_core.data.preparing import PreparationReport

_CHOICES = {
    "fit": ("crop", "pad", "stretch"),
    "filter": ("lanczos", "bicubic", "hamming", "bilinear", "box", "nearest"),
    "colour": ("auto", "gray", "rgb"),
    "duplicates": ("remove", "report"),
    "unlabelled": ("keep", "drop"),
}


class _Command(click.Command):
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """`--labels from-classifier FILE` is `--labels from-classifier:FILE`: otherwise FILE would pass for OUT.h5."""
        joined: list[str] = []
        for word in args:
            if joined[-2:] == ["--labels", "from-classifier"]:
                joined[-1] += f":{word}"
            else:
                joined.append(word)
        return super().parse_args(ctx, joined)


@click.command(cls=_Command)
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.argument("out", type=click.Path(path_type=Path), metavar="OUT.h5")
@click.option("--size", metavar="S|HxW", help="Bring every image to it [as they are; they must have one size].")
@click.option("--fit", type=click.Choice(_CHOICES["fit"]), help="Where the aspect ratio differs [crop].")
@click.option("--filter", "filter_", type=click.Choice(_CHOICES["filter"]), help="For resizing [lanczos].")
@click.option("--colour", type=click.Choice(_CHOICES["colour"]), help="[auto: gray if all images are]")
@click.option("--min-side", type=int, help="Pixels; smaller images are set aside [half of --size, or 8].")
@click.option("--min-deviation", type=float, help="Levels; flatter images are set aside [2].")
@click.option("--near", metavar="BITS|off", help="Up to which two images are alike [20 of 256].")
@click.option("--duplicates", type=click.Choice(_CHOICES["duplicates"]), help="[remove; report for built-in sets]")
@click.option("--labels", metavar="HOW", help="source, none, auto[:K], from-classifier FILE [source].")
@click.option("--features", metavar="NAME", help="For --labels auto, of zoo features list [auto].")
@click.option("--weights", metavar="FILE", type=click.Path(path_type=Path), help="For these features.")
@click.option("--confidence", type=click.FloatRange(0, 1), help="For --labels from-classifier, at least [0.9].")
@click.option("--pattern", metavar="REGEX", help="Labels are its first group, found in each path.")
@click.option("--unlabelled", type=click.Choice(_CHOICES["unlabelled"]), help="What becomes of them [keep].")
@click.option("--split", metavar="source|A/B/C", help="Or shares of train, validation, test: 80/10/10 [source].")
@click.option("--inputs", metavar="SOURCE", help="What images are to be made from, matched by name: pairs.")
@click.option("--input-size", metavar="S|HxW", help="Of the inputs [--size].")
@click.option("--workers", type=click.IntRange(1), help="Processes [one for each core].")
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True, help="Who works.")
@data_dir_option
@json_option
def prepare(
    sources: tuple[str, ...],
    out: Path,
    labels: str | None,
    features: str | None,
    weights: Path | None,
    confidence: float | None,
    inputs: str | None,
    workers: int | None,
    engine: str,
    data_dir: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Make one checked HDF5 file of images, OUT.h5, and OUT.report.json, which lists what was left out and why.

    A SOURCE is a folder, a tar or zip archive, an npz, npy, idx or HDF5 file, a CSV with the columns path and label, or
    a built-in NAME. Interrupted, the same command goes on where it was.

    \b
    For example:
      zoo datasets prepare photos photos.h5 --size 64
      zoo datasets prepare crawl.tar more.zip set.h5 --size 48x64 --split 80/10/10
    """
    from zoo_core.cli.progress import Counting
    from zoo_core.labelling.prepare import Labelling, prepare_dataset

    rules = _rules(options)
    named: dict[str, Any] = {"how": labels, "features": features, "weights": weights, "confidence": confidence}
    labelling = Labelling(**{name: value for name, value in named.items() if value is not None})
    command = shlex.join(["zoo", *sys.argv[1:]])
    with Counting() as progress:
        report = prepare_dataset(
            sources,
            out,
            rules,
            labelling=labelling,
            inputs=inputs,
            workers=workers,
            engine=engine,
            data_dir=data_dir,
            command=command,
            progress=progress,
        )
    _warn(report)
    if as_json:
        emit(report.model_dump(mode="json"), True)
        return
    emit(_summary(report), False)
    console().print(f"What was left out, and why: {out.with_suffix('.report.json')}\nUse it as h5:{out}")


def _size(text: str) -> tuple[int, int]:
    from zoo_core.data.sources import cut_size

    size = cut_size(f"@{text}")[1]
    if size is None:
        raise UsageError(f"A size should be a number of pixels, or HxW, received '{text}'.", "For example: --size 64")
    return size


def _rules(options: dict[str, Any]) -> dict[str, Any]:
    """The fields of `Rules` that were given."""
    rules = {name.rstrip("_"): value for name, value in options.items() if value is not None}
    if "near" in rules:
        rules["near"] = None if rules["near"] == "off" else _bits(rules["near"])
    if "pattern" in rules:
        _check_pattern(rules["pattern"])
    rules |= {name: _size(rules[name]) for name in ("size", "input_size") if name in rules}
    split = rules.pop("split", "source")
    if split != "source":
        rules |= {"split": "ratio", "ratio": _ratio(split)}
    return rules


def _bits(text: str) -> int:
    if not text.isdecimal():
        raise UsageError(f"--near should be a number of bits or off, received '{text}'.", "For example: --near 4")
    return int(text)


def _check_pattern(pattern: str) -> None:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise UsageError(
            f"--pattern is no regular expression: {error}.", r"For example: --pattern '^([a-z]+)_'"
        ) from None
    if not groups:
        raise UsageError("--pattern should have a group, which is the label.", r"For example: --pattern '^([a-z]+)_'")


def _ratio(text: str) -> tuple[float, ...]:
    shares = text.split("/")
    try:
        numbers = [float(share) for share in shares]
    except ValueError:
        numbers = []
    if len(numbers) != 3 or not all(0 < number < float("inf") for number in numbers):
        raise UsageError(
            f"--split should be source, or three shares above 0, received '{text}'.",
            "For example, of train, validation and test: --split 80/10/10",
        )
    return tuple(number / sum(numbers) for number in numbers)


def _warn(report: "PreparationReport") -> None:
    if report.overlap:
        console().print(
            f"Warning: images in two splits of the source, such as train and test: {report.overlap:,}. Scores against "
            "such a test split flatter a model that copies. "
            + ("Those of test were kept." if report.rules.duplicates == "remove" else "All were kept."),
            style="bold red",
        )
    if report.conflicts:
        console().print(
            f"Warning: duplicates with another label than the image that they repeat: {report.conflicts:,}."
        )


def _summary(report: "PreparationReport") -> dict[str, Any]:
    named = sum(source.images for source in report.sources)
    inputs = [report.inputs] if report.inputs else []
    ignored = sum(sum(source.ignored.values()) for source in (*report.sources, *inputs))
    set_aside = {f"set aside: {reason}": f"{count:,}" for reason, count in report.set_aside.items()}
    notes = {f"kept, but {note}": f"{count:,}" for note, count in report.notes.items()}
    return {
        "file": report.file,
        "shape": "x".join(map(str, report.shape)),
        "content_hash": report.content_hash,
        "images found": f"{named:,}",
        **({"inputs found": f"{report.inputs.images:,}"} if report.inputs else {}),
        **({"other files": f"{ignored:,}"} if ignored else {}),
        **set_aside,
        **notes,
        **{split: f"{count:,}" for split, count in report.kept.items()},
        "classes": len(report.classes),
        **({"unlabelled": f"{report.unlabelled:,}"} if report.unlabelled and report.classes else {}),
        "seconds": f"{report.seconds:.1f}",
    }
