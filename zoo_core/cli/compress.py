"""zoo compress, zoo decompress"""

from dataclasses import asdict
from pathlib import Path
from typing import Literal

import click

from zoo_core.cli.options import backend_option, checkpoint_option
from zoo_core.cli.output import console, emit, json_option

Checkpoint = Literal["final", "best"]


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--step",
    type=click.FloatRange(0, 100, min_open=True),
    default=0.5,
    show_default=True,
    help="Of the quantization, in root mean squares of the latents: larger for fewer bytes.",
)
@click.option(
    "--compare/--no-compare",
    default=True,
    help="With JPEG and WebP in as many bytes, or without: of many large images that takes minutes.",
)
@checkpoint_option
@backend_option
@json_option
def compress(
    run: Path,
    images: tuple[Path, ...],
    out: Path,
    step: float,
    compare: bool,
    checkpoint: Checkpoint | None,
    as_json: bool,
) -> None:
    """Store IMAGES, files or folders of them, in one file OUT: what RUN's encoder makes of them, rounded and entropy
    coded. To get them back takes the same run.

    Images of another size than the model's are cropped, centred, to its aspect ratio and resized first: the file holds
    them in the model's size.

    What comes out is compared with JPEG and WebP in as many bytes, or as near to it as they get.

    \b
    For example:
      zoo compress runs/vae photos/ photos.zool
      zoo compress runs/vae one.png other.png both.zool --step 0.25
    """
    from zoo_core.operations.compression import compress as apply

    made = apply(run, images, out, step=step, checkpoint=checkpoint or "final", compare=compare)
    if made.resized:
        height, width, _ = made.images.shape[1:]
        console().print(f"{made.resized} of {len(made.images)} images were cropped and resized to {height}x{width}.")
    ways = [made.own, *made.others]
    if as_json:
        facts = {"run": str(run), "out": str(out), "images": len(made.images), "step": step}
        emit({**facts, "codings": [asdict(way) for way in ways]}, as_json)
        return
    emit(
        [
            {
                "coded as": way.coded_as,
                "quality": way.quality,
                "bytes": way.bytes,
                "headers": way.header_bytes,
                "ratio": f"{way.ratio:.1f}",
                "bits/pixel": f"{way.bits_per_pixel:.3f}",
                "SSIM": None if way.ssim is None else f"{way.ssim:.3f}",
                "PSNR (dB)": f"{way.psnr:.2f}",
            }
            for way in ways
        ],
        as_json,
    )


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("out", metavar="DIR", type=click.Path(path_type=Path))
@checkpoint_option
@backend_option
@json_option
def decompress(run: Path, file: Path, out: Path, checkpoint: Checkpoint | None, as_json: bool) -> None:
    """Write the images of FILE, which `zoo compress` wrote with the same RUN, to the folder DIR: as PNG, numbered in
    the order in which they were named.

    \b
    For example:
      zoo decompress runs/vae photos.zool back/
    """
    from zoo_core.operations.compression import decompress as apply

    written = apply(run, file, out, checkpoint=checkpoint or "final")
    emit({"run": str(run), "images": len(written), "out": str(out)}, as_json)
