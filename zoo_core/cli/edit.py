"""zoo edit"""

from pathlib import Path
from typing import Any, Literal

import click

from zoo_core.cli.options import backend_option, checkpoint_option
from zoo_core.cli.output import emit, json_option


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("image", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--add", multiple=True, metavar="CLASS|PATH", help="To the latents: of a class, or of images.")
@click.option("--remove", multiple=True, metavar="CLASS|PATH", help="From the latents, likewise.")
@click.option("--strength", type=float, help="Of the change in the last frame; 1 is the plain sum [2].")
@click.option("--frames", type=click.IntRange(2), help="From no change to that strength [9].")
@click.option("--label", metavar="CLASS", help="That IMAGE is of, and what is added or removed; conditional models.")
@click.option(
    "--weights", metavar="FILE", type=click.Path(path_type=Path), help="Of a classifier that knows the classes."
)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Of the search.")
@checkpoint_option
@backend_option
@json_option
def edit(
    run: Path,
    image: Path,
    out: Path,
    checkpoint: Literal["final", "best"] | None,
    as_json: bool,
    **settings: Any,
) -> None:
    """Look for the latents of which RUN's model makes IMAGE, change them, and write what becomes of it as OUT, a .png
    with the image and all frames in a row, or a .gif.

    With neither --add nor --remove that is the projection, the image that comes nearest. Both take a class, whose mean
    latents are found by a classifier; or an image or a folder of images, whose mean latents are taken: so IMAGE
    --remove B --add C is A − B + C. IMAGE may be a folder too.

    \b
    For example:
      zoo edit runs/first nine.png projection.png
      zoo edit runs/first nine.png four.png --remove 9 --add 4
      zoo edit runs/faces smiling_women/ out.gif --remove women/ --add men/ --strength 1
    """
    from zoo_core.cli.progress import Counting
    from zoo_core.operations.editing import edit as apply

    with Counting() as counting:
        made = apply(run, image, out, checkpoint=checkpoint or "final", progress=counting, **settings)
    emit({"run": str(run), "frames": len(made.frames), "psnr": made.psnr, "out": str(out)}, as_json, digits=2)
