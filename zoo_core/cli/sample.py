"""zoo sample"""

from pathlib import Path
from typing import Literal

import click

from zoo_core.cli.options import backend_option, checkpoint_option
from zoo_core.cli.output import emit, json_option


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--out", metavar="PATH", type=click.Path(path_type=Path), help="A folder; or a file, PNG or GIF.")
@click.option("-n", "--count", type=click.IntRange(1), help="How many images [64; 6 with --interpolate].")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Of the noise.")
@click.option(
    "--label", "labels", multiple=True, metavar="CLASS", help="Only this class, or these; conditional models."
)
@click.option("--grid", is_flag=True, help="One sheet; of a conditional model with a row for each class.")
@click.option("--truncation", metavar="PSI", type=float, help="Noise between -PSI and PSI: less variety.")
@click.option("--interpolate", "way", type=click.Choice(["spherical", "linear"]), help="Go from image to image.")
@click.option("--frames", type=click.IntRange(2), help="From one to the next, with --interpolate [10].")
@checkpoint_option
@backend_option
@json_option
def sample(
    run: Path,
    out: Path | None,
    count: int | None,
    seed: int,
    labels: tuple[str, ...],
    grid: bool,
    truncation: float | None,
    way: Literal["spherical", "linear"] | None,
    frames: int | None,
    checkpoint: Literal["final", "best"] | None,
    as_json: bool,
) -> None:
    """Draw images from the averaged networks of RUN's last checkpoint, or its best one.

    Image number n of a seed is the same, to one grey level, however many are drawn. Conditional models go through the
    classes in turn, or through those named by --label; with --grid each has a row, and --count is rounded
    to whole rows.

    --interpolate goes through the noise from each image of the seed to the next: a PNG has a row for each two of them,
    a GIF shows it all as one animation.

    \b
    For example:
      zoo sample runs/first --count 1000 --out samples
      zoo sample runs/first --grid --out sheet.png --label 7
      zoo sample runs/first --interpolate spherical --frames 20 --out walk.gif
      zoo sample runs/first --truncation 1 --checkpoint best
    """
    from zoo_core.errors import UsageError
    from zoo_core.operations import sampling, writing
    from zoo_core.sampling import grids
    from zoo_core.sampling.sampler import Sampler

    if grid and way:
        raise UsageError("--grid and --interpolate are two different sheets.", "Leave one of them out.")
    if frames and not way:
        raise UsageError("--frames are those of --interpolate.", "Add: --interpolate spherical")
    out = out or Path("samples.png" if grid or way else "samples")
    if grid or way:
        writing.check_file(out, (".png", ".gif") if way else (".png",))
    else:
        writing.check_folder(out, "For one sheet add --grid; or name a folder.")
    sampler = Sampler.load(run, checkpoint or "final")
    if way:
        count, frames = count or 6, frames or 10
        asked = sampling.in_turn(sampler, labels, count - 1)
        stretches = sampling.walk(sampler, count, frames, way, seed, asked, truncation)
        if out.suffix.lower() == ".gif":
            images = sampling.film(stretches, asked)
            grids.write_gif(out, images)
        else:
            images = stretches.reshape(-1, *stretches.shape[2:])
            grids.write_png(out, grids.grid(images, frames))
        count = len(images)
    elif grid:
        count = count or 64
        columns = max(1, round(count**0.5))
        classes = len(labels or sampler.data.classes) if sampler.spec.conditional else 1
        if classes > 1:
            columns = max(1, round(count / classes))
            count = classes * columns
        asked = sampling.in_turn(sampler, labels, count)
        if asked is not None and classes > 1:
            asked = asked.reshape(columns, classes).T.ravel()  # a row for each
        grids.write_png(out, grids.grid(sampling.draw(sampler, count, seed, asked, truncation), columns))
    else:
        count = count or 64
        asked = sampling.in_turn(sampler, labels, count)
        writing.write_images(out, sampling.draw_parts(sampler, count, seed, asked, truncation))
    emit({"run": str(run), "images": count, "seed": seed, "out": str(out)}, as_json)
