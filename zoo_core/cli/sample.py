"""zoo sample"""

from pathlib import Path
from typing import Literal

import click

from zoo_core.cli.options import backend_option, checkpoint_option
from zoo_core.cli.output import emit, json_option


@click.command(short_help="Draw images from a trained model.")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--out", metavar="PATH", type=click.Path(path_type=Path), help="Folder, or a PNG with --grid.")
@click.option("-n", "--count", type=click.IntRange(1), default=64, show_default=True, help="How many images.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Of the noise.")
@click.option(
    "--label", "labels", multiple=True, metavar="CLASS", help="Only this class, or these; conditional models."
)
@click.option("--grid", is_flag=True, help="One sheet in place of an image each.")
@checkpoint_option
@backend_option
@json_option
def sample(
    run: Path,
    out: Path | None,
    count: int,
    seed: int,
    labels: tuple[str, ...],
    grid: bool,
    checkpoint: Literal["final", "best"] | None,
    as_json: bool,
) -> None:
    """Draw images from the averaged networks of RUN's last checkpoint, or its best one.

    Image number n of a seed is the same, to one grey level, however many are drawn. Conditional models go through the
    classes in turn, or through those named by --label.

    \b
    For example:
      zoo sample runs/first --count 1000 --out samples
      zoo sample runs/first --grid --out sheet.png --label 7
      zoo sample runs/first --checkpoint best
    """
    import numpy as np

    from zoo_core.errors import UsageError, unknown
    from zoo_core.sampling import grids
    from zoo_core.sampling.sampler import Sampler

    out = out or (Path("samples.png") if grid else Path("samples"))
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"'{out}' already exists.", "Name another with --out.")
    sampler = Sampler.load(run, checkpoint or "final")
    if labels and not sampler.conditional:
        raise UsageError(f"Model '{sampler.spec.name}' ignores labels, so none can be asked for.", "Leave --label out.")
    asked = None
    if sampler.conditional:
        for label in labels:
            if label not in sampler.data.classes:
                raise unknown("class", label, sampler.data.classes)
        chosen = [sampler.data.classes.index(label) for label in labels or sampler.data.classes]
        asked = np.resize(np.array(chosen, "int32"), count)
    images = sampler.generate(count, seed, asked)
    if grid:
        grids.write_png(out, grids.grid(images, columns=max(1, round(count**0.5))))
    else:
        for i, image in enumerate(images):
            grids.write_png(out / f"{i:06d}.png", image)
    emit({"run": str(run), "images": count, "seed": seed, "out": str(out)}, as_json)
