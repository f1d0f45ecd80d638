"""zoo inpaint"""

from pathlib import Path
from typing import Any, Literal

import click

from zoo_core.cli.options import backend_option, checkpoint_option
from zoo_core.cli.output import emit, json_option


class _Box(click.ParamType):
    """x,y,width,height"""

    name = "box"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        parts = str(value).split(",")
        if len(parts) != 4 or not all(part.strip().isdecimal() for part in parts):
            self.fail(f"expected four whole numbers such as 8,8,16,16, received '{value}'", param, ctx)
        return tuple(map(int, parts))


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("image", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--mask", metavar="FILE", type=click.Path(path_type=Path), help="An image, white where to fill in.")
@click.option("--box", metavar="X,Y,W,H", type=_Box(), help="The rectangle to fill in, in place of a mask.")
@click.option("--label", metavar="CLASS", help="That the image is of; conditional models.")
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Another one, another answer."
)
@checkpoint_option
@backend_option
@json_option
def inpaint(
    run: Path,
    image: Path,
    out: Path,
    mask: Path | None,
    box: tuple[int, int, int, int] | None,
    label: str | None,
    seed: int,
    checkpoint: Literal["final", "best"] | None,
    as_json: bool,
) -> None:
    """Fill in what is unknown of IMAGE, a file in 8-bit gray or RGB of the size that RUN's model was trained on, and
    write OUT, a PNG. All known pixels stay exactly as they are.

    Models such as pixelrnn do it themselves, pixel by pixel, each given those above it and to its left: what is known
    below a hole or to the right of it is not looked at. For a GAN or a VAE the latents are looked for whose image
    agrees with what is known, and that image fills the hole.

    \b
    For example:
      zoo inpaint runs/first damaged.png whole.png --mask mask.png
      zoo inpaint runs/first photo.png other.png --box 8,8,16,16 --seed 2
    """
    from zoo_core.cli.progress import Counting
    from zoo_core.operations.inpainting import inpaint as apply

    with Counting() as counting:
        made = apply(
            run,
            image,
            mask,
            box=box,
            out=out,
            label=label,
            seed=seed,
            checkpoint=checkpoint or "final",
            progress=counting,
        )
    filled = int((~made.known).sum())
    emit({"run": str(run), "filled": filled, "by": made.way, "seed": seed, "out": str(out)}, as_json)
