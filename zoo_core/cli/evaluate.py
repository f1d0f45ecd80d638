"""zoo evaluate"""

import json
from pathlib import Path

import click

from zoo_core.cli.options import data_dir_option, features_option, weights_option
from zoo_core.cli.output import emit, json_option


@click.command(short_help="Score a run, or a folder of images, against a data set.")
@click.argument("evaluated", metavar="RUN|FOLDER|FILE")
@click.option("--against", metavar="SET", help="Data set whose test images are the reference [the run's own].")
@click.option("--metrics", metavar="NAME,NAME", help="fd, class_accuracy, ssim, psnr [all that apply].")
@features_option
@weights_option
@click.option("-n", "--count", type=int, help="Images that a run generates [as in training, at most 10,000].")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Of their noise.")
@data_dir_option
@json_option
def evaluate(
    evaluated: str,
    against: str | None,
    metrics: str | None,
    features: str,
    weights: Path | None,
    count: int | None,
    seed: int,
    data_dir: Path | None,
    as_json: bool,
) -> None:
    """Score a run, a folder of images or an HDF5 file against the test images of a data set.

    Beside each distance stands its floor: what as many real images score. A run keeps the record as result.json.

    \b
    For example:
      zoo evaluate runs/first
      zoo evaluate my-images/ --against mnist --metrics fd --json
    """
    from zoo_core import api
    from zoo_core.files import write_text
    from zoo_core.runs import RunFolder

    names = [name.strip() for name in metrics.split(",")] if metrics else None
    record = api.evaluate(
        evaluated,
        against,
        metrics=names,
        features=features,
        weights=weights,
        count=count,
        seed=seed,
        data_dir=data_dir,
    )
    text = record.model_dump_json(indent=2)
    if record.source is not None:
        write_text(RunFolder.open(Path(evaluated)).result_file, text + "\n")
    if as_json:
        emit(json.loads(text), as_json)
        return
    rows = [
        {
            "metric": score.label,
            "value": f"{score.value:.4g}",
            "floor": "" if score.floor is None else f"{score.floor:.4g}",
            "better": score.better,
            "generated": score.n_generated,
            "reference": score.n_reference or "",
        }
        for score in record.metrics.values()
    ]
    emit(rows, as_json)
