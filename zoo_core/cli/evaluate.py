"""zoo evaluate"""

import json
from pathlib import Path
from typing import Literal

import click

from zoo_core.cli.options import (
    backend_option,
    checkpoint_option,
    data_dir_option,
    features_option,
    metrics_option,
    protocol_option,
    weights_option,
)
from zoo_core.cli.output import emit, json_option


@click.command()
@click.argument("evaluated", metavar="RUN|FOLDER|FILE|SET")
@click.option("--against", metavar="SET|FOLDER|FILE|RUN", help="What to compare with [the run's data set].")
@metrics_option
@features_option
@weights_option
@click.option("-n", "--count", type=int, help="Images that a run generates [as in training, at most 10,000].")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Of their noise.")
@checkpoint_option
@protocol_option
@click.option(
    "--skip-bad",
    is_flag=True,
    help="Leave out images of a folder that can't be read, and list them.",
)
@data_dir_option
@backend_option
@json_option
def evaluate(
    evaluated: str,
    against: str | None,
    metrics: list[str] | None,
    features: str,
    weights: Path | None,
    count: int | None,
    seed: int,
    checkpoint: Literal["final", "best"] | None,
    protocol: str | None,
    skip_bad: bool,
    data_dir: Path | None,
    as_json: bool,
) -> None:
    """Score a run, or images made elsewhere, against real images.

    On either side, a run stands for images that it generates; a folder, an .npz or an .h5 file for all images
    in it; a data set for its test images, or those of the splits that follow a #.

    Beside each score stand its 95 % interval and its floor: what other real images score. A run keeps the record as
    result.json.

    \b
    For example:
      zoo evaluate runs/first
      zoo evaluate runs/first --checkpoint best
      zoo evaluate runs/first --protocol mnist
      zoo evaluate my-images/ --against mnist --metrics fd,prc --json
      zoo evaluate samples.npz --against cifar10#train+validation --features inception --metrics fid,kid,isc
    """
    from zoo_core import api
    from zoo_core.cli.progress import StderrReport
    from zoo_core.errors import counted
    from zoo_core.files import write_text
    from zoo_core.reporting.words import bounds, number
    from zoo_core.runs import RunFolder

    with StderrReport() as progress:
        record = api.evaluate(
            evaluated,
            against,
            metrics=metrics,
            features=features,
            weights=weights,
            count=count,
            seed=seed,
            checkpoint=checkpoint,
            protocol=protocol,
            skip_bad=skip_bad,
            data_dir=data_dir,
            report=progress,
        )
    for skipped in record.skipped:
        click.echo(f"skipped {skipped}", err=True)
    if record.skipped:
        left_out = "was left out" if len(record.skipped) == 1 else "were left out"
        click.echo(f"{counted(len(record.skipped), 'image')} could not be read and {left_out}.", err=True)
    text = record.model_dump_json(indent=2)
    if record.source is not None:
        write_text(RunFolder.open(Path(evaluated)).result_file, text + "\n")
    if as_json:
        emit(json.loads(text), as_json)
        return
    rows = [
        {
            "metric": score.label,
            "value": number(score.value),
            "95 %": bounds(score),
            "floor": "" if score.floor is None else number(score.floor),
            "better": score.better,
            "generated": score.n_generated or "",
            "reference": score.n_reference or "",
            "floor from": " / ".join(str(count) for count in (score.n_floor, score.n_floor_reference) if count),
        }
        for score in record.metrics.values()
    ]
    emit(rows, as_json)
