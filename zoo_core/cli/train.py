"""zoo train"""

import shlex
import sys
from pathlib import Path

import click

from zoo_core.cli.options import (
    DEFAULT_DATA,
    batch_size_option,
    data_dir_option,
    device_option,
    protocol_option,
    steps_option,
)
from zoo_core.cli.output import emit, json_option


@click.command(short_help="Train a model on a data set, or go on with a run.")
@click.argument("model", required=False)
@click.option("--data", metavar="SET", help="mnist, folder:PATH, h5:FILE …, with @SIZE to resize [digits].")
@protocol_option
@click.option("--out", metavar="RUN", type=click.Path(path_type=Path), help="Run folder [runs/MODEL-SET-sSEED].")
@click.option("--resume", metavar="RUN", type=click.Path(path_type=Path), help="Go on with this run.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="Of weights, data order and noise [0].")
@steps_option
@batch_size_option
@click.option("-o", "options", metavar="KEY=VALUE", multiple=True, help="An option of the model (zoo models show).")
@click.option("--config", metavar="FILE", type=click.Path(path_type=Path), help="TOML with tables [model], [training].")
@click.option("--dry-run", is_flag=True, help="Only build it, time a few steps, and tell what the run would take.")
@data_dir_option
@device_option
@json_option
def train(
    model: str | None,
    data: str | None,
    protocol: str | None,
    out: Path | None,
    resume: Path | None,
    seed: int | None,
    steps: int | None,
    batch_size: int | None,
    options: tuple[str, ...],
    config: Path | None,
    dry_run: bool,
    data_dir: Path | None,
    device: str,
    as_json: bool,
) -> None:
    """Train MODEL on a data set, or go on with an interrupted run.

    Ctrl-C saves a checkpoint before it stops. What is not given on the command line comes from --config, and what is
    not there either has the default that `zoo models show MODEL` tells.

    \b
    For example:
      zoo train dcgan --data digits --out runs/first --steps 1000 -o width=32
      zoo train --resume runs/first
      zoo train vae --data folder:photos@64 --config runs/first/options.toml
    """
    from zoo_core import api
    from zoo_core.cli.progress import StderrReport
    from zoo_core.data import load_dataset
    from zoo_core.errors import UsageError
    from zoo_core.evaluation.protocol import load_protocol, refuse_beside
    from zoo_core.options import parse_assignments, read_tables
    from zoo_core.runs import slug
    from zoo_core.training.estimate import estimate

    changes = {name: value for name, value in (("steps", steps), ("batch_size", batch_size)) if value is not None}
    with StderrReport() as progress:
        if resume is not None:
            given = (model, data, protocol, out, options or None, config, dry_run or None, seed, batch_size)
            if any(value is not None for value in given):
                raise UsageError(
                    "--resume takes a run as it was started: no model, no option but --steps, --device, --data-dir.",
                    f"For example: zoo train --resume {resume} --steps N",
                )
            run = api.resume(resume, data_dir=data_dir, steps=steps, device=device, report=progress)
        else:
            if not model:
                raise UsageError("zoo train needs a model, or --resume and a run.", "zoo models list tells which.")
            if protocol:
                rule = load_protocol(protocol)
                refuse_beside(rule, data=data, training=changes)
                data, changes = rule.data.fitted, {"steps": rule.training.steps, "batch_size": rule.training.batch_size}
            data, seed = data or DEFAULT_DATA, seed or 0
            tables = read_tables(config, ("model", "training")) if config else {"model": {}, "training": {}}
            tables["model"] |= parse_assignments(options)
            tables["training"] |= changes
            if dry_run:
                dataset = load_dataset(data, data_dir)
                training = tables["training"]
                found = estimate(model, dataset, options=tables["model"], training=training, device=device)
                emit(found, as_json)
                return
            run = api.train(
                model,
                data,
                out or Path("runs") / f"{slug(model)}-{slug(data)}-s{seed}",
                seed=seed,
                options=tables["model"],
                training=tables["training"],
                data_dir=data_dir,
                device=device,
                report=progress,
                command=shlex.join(["zoo", *sys.argv[1:]]),
            )
    last = run.metrics()[-1]
    emit({"run": str(run.path), **last} if as_json else {"run": str(run.path), "steps": last["step"]}, as_json)
