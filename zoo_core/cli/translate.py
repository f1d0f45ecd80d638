"""zoo translate, zoo enhance"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import click

from zoo_core.cli.options import backend_option, checkpoint_option
from zoo_core.cli.output import console, emit, json_option

Command = Callable[..., Any]


def _common(command: Command) -> Command:
    """The arguments and options that both have."""
    for decorate in (
        json_option,
        backend_option,
        checkpoint_option,
        click.option(
            "--seed",
            type=click.IntRange(0, 2**31 - 1),
            default=0,
            show_default=True,
            help="Of the noise, where the model takes any.",
        ),
        click.argument("out", type=click.Path(path_type=Path)),
        click.argument("source", type=click.Path(path_type=Path)),
        click.argument("run", type=click.Path(path_type=Path)),
    ):
        command = decorate(command)
    return command


@click.command()
@_common
def translate(run: Path, source: Path, out: Path, **settings: Any) -> None:
    """Turn SOURCE, an image file or a folder of them, into what RUN's model makes of it, OUT, a file or a folder.

    The model was trained on pairs, such as maps and photographs. Images may have any size: they are divided into
    overlapping tiles of the size that it was trained on, and what these become is blended. Into a folder go PNG files.
    Where the model was trained on gray images, colours are lost.

    \b
    For example:
      zoo translate runs/maps map.png photo.png
      zoo translate runs/maps maps/ photos/
    """
    _apply(run, source, out, **settings)


@click.command()
@_common
def enhance(run: Path, source: Path, out: Path, **settings: Any) -> None:
    """Restore SOURCE, an image file or a folder of them, by RUN's model, to OUT, a file or a folder.

    The model was trained against a degradation, such as `--data folder:photos@64~noise25`, and undoes that one: after
    ~downscale2 images become twice as large. They may have any size: they are divided into overlapping tiles of the
    size that it was trained on, and what these become is blended. Into a folder go PNG files. Where the model was
    trained on gray images, colours are lost.

    \b
    For example:
      zoo enhance runs/denoise noisy.jpg clean.png
      zoo enhance runs/twice small/ large/
    """
    _apply(run, source, out, **settings)


def _apply(
    run: Path, source: Path, out: Path, seed: int, checkpoint: Literal["final", "best"] | None, as_json: bool
) -> None:
    import zoo_core
    from zoo_core.cli.progress import Counting

    notes: list[str] = []
    with Counting() as counting:
        files = zoo_core.translate(
            run,
            source,
            out,
            seed=seed,
            checkpoint=checkpoint or "final",
            progress=counting,
            note=notes.append,
        )
    for note in notes:  # now that the bar is gone
        console().print(note)
    emit({"run": str(run), "images": len(files), "seed": seed, "out": str(out)}, as_json)
