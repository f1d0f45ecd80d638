"""zoo reconstruct"""

from pathlib import Path
from typing import Literal

import click
from click.core import ParameterSource

from zoo_core.cli.options import backend_option, checkpoint_option, data_dir_option
from zoo_core.cli.output import console, emit, json_option


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("images", nargs=-1, type=click.Path(path_type=Path))
@click.option("--data", metavar="SET", help="Take its test images, in place of files [the run's data set].")
@click.option("-n", "--count", type=click.IntRange(1), help="How many images of a data set [20].")
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), help="A PNG with all pairs.")
@checkpoint_option
@data_dir_option
@backend_option
@json_option
def reconstruct(
    run: Path,
    images: tuple[Path, ...],
    data: str | None,
    count: int | None,
    out: Path | None,
    checkpoint: Literal["final", "best"] | None,
    data_dir: Path | None,
    as_json: bool,
) -> None:
    """Put images through the autoencoder of RUN, and tell the SSIM and the PSNR of each with what comes out.

    IMAGES are files, or folders of them. Those of another size than the model's are cropped, centred, to its aspect
    ratio and resized, and are compared with what they are then.

    \b
    For example:
      zoo reconstruct runs/vae --out sheet.png
      zoo reconstruct runs/vae one.png other.png --out sheet.png
      zoo reconstruct runs/vae --data digits#validation -n 144 --json
    """
    from zoo_core.operations.reconstruction import reconstruct as apply

    typed = click.get_current_context().get_parameter_source("data_dir") is ParameterSource.COMMANDLINE
    made = apply(
        run,
        images or None,
        data=data,
        out=out,
        count=count,
        checkpoint=checkpoint or "final",
        data_dir=data_dir if typed or not images else None,  # ZOO_DATA_DIR is there for all commands
    )
    height, width, _ = made.images.shape[1:]
    if made.resized:
        console().print(f"{made.resized} of {len(made.names)} images were cropped and resized to {height}x{width}.")
    ssim = [None] * len(made.names) if made.ssim is None else made.ssim.tolist()
    rows = [
        {"image": name, "ssim": one, "psnr": other}
        for name, one, other in zip(made.names, ssim, made.psnr.tolist(), strict=True)
    ]
    mean = {
        "image": "mean",
        "ssim": None if made.ssim is None else float(made.ssim.mean()),
        "psnr": float(made.psnr.mean()),
    }
    if as_json:
        emit({"run": str(run), "out": out and str(out), "images": rows, "mean": mean}, as_json)
        return
    emit(
        [
            {"image": row["image"], "SSIM": _text(row["ssim"], 4), "PSNR (dB)": _text(row["psnr"], 2)}
            for row in [*rows, mean]
        ],
        as_json,
    )


def _text(value: object, digits: int) -> str:
    return f"{value:.{digits}f}" if isinstance(value, float) else ""
