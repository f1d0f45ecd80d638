"""zoo train"""

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from zoo_core.cli.options import (
    BACKEND,
    DEFAULT_DATA,
    backend_option,
    batch_size_option,
    data_dir_option,
    device_option,
    devices_option,
    protocol_option,
    steps_option,
    training_option,
)
from zoo_core.cli.output import emit, json_option

PRECISIONS = ["float32", "bfloat16", "float16", "float64"]


@click.command()
@click.argument("model", required=False)
@click.option("--data", metavar="SET", help="mnist, folder:PATH, h5:FILE …, with @SIZE to resize [digits].")
@protocol_option
@click.option("--out", metavar="RUN", type=click.Path(path_type=Path), help="Run folder [runs/MODEL-SET-sSEED].")
@click.option("--resume", metavar="RUN", type=click.Path(path_type=Path), help="Go on with this run.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="Of weights, data order and noise [0].")
@steps_option
@batch_size_option
@click.option("-o", "options", metavar="KEY=VALUE", multiple=True, help="An option of the model (zoo models show).")
@training_option
@click.option("--precision", type=click.Choice(PRECISIONS), help="That networks compute in [float32].")
@click.option("--augment", metavar="NAME,NAME", help="DiffAugment: color, translation, cutout.")
@click.option("--config", metavar="FILE", type=click.Path(path_type=Path), help="TOML with tables [model], [training].")
@click.option("--dry-run", is_flag=True, help="Only build it, time a few steps, and tell what the run would take.")
@click.option("--tensorboard", is_flag=True, help="Write what is logged for TensorBoard too, to RUN/tensorboard.")
@click.option("--profile", is_flag=True, help="Trace a few steps, to RUN/profile.")
@data_dir_option
@backend_option
@device_option
@devices_option
@click.option("--distributed", is_flag=True, help="Share each batch with all processes that Slurm or Open MPI started.")
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
    training: tuple[str, ...],
    precision: str | None,
    augment: str | None,
    config: Path | None,
    dry_run: bool,
    tensorboard: bool,
    profile: bool,
    data_dir: Path | None,
    device: str,
    devices: int | None,
    distributed: bool,
    as_json: bool,
) -> None:
    """Train MODEL on a data set, or go on with an interrupted run. MODEL is one of `zoo models list`, or a Python file
    that defines one, which is run.

    Ctrl-C saves a checkpoint before it stops. What is not given on the command line comes from --config, and what is
    not there either has the default that `zoo models show MODEL` tells.

    \b
    For example:
      zoo train dcgan --data digits --out runs/first --steps 1000 -o width=32
      zoo train ./my_model.py --data digits
      zoo train dcgan --augment color,translation,cutout -t select_every=500 -t patience=5
      zoo train --resume runs/first
      srun zoo train dcgan --data folder:photos@64 --batch-size 512 --distributed
      zoo train vae --data folder:photos@64 --config runs/first/options.toml
    """
    from zoo_core.errors import UsageError
    from zoo_core.keras_backend import use_backend
    from zoo_core.options import parse_assignments, read_tables
    from zoo_core.runs import RunFolder, slug

    flags = {"steps": steps, "batch_size": batch_size, "precision": precision}
    named = {name: value for name, value in flags.items() if value is not None}
    changes: dict[str, Any] = parse_assignments(training)
    for name in named.keys() & changes.keys():
        if named[name] != changes[name]:
            flag = f"--{name.replace('_', '-')} {named[name]}"
            raise UsageError(f"{flag} and -t {name}={changes[name]} contradict each other.", "Leave one of them out.")
    changes |= named
    if augment is not None:
        changes["augment"] = [name.strip() for name in augment.split(",") if name.strip()]
    if resume is not None:
        beside = changes.keys() - {"steps"}
        given = (model, data, protocol, out, options or None, beside or None, config, dry_run or None, seed)
        if any(value is not None for value in given):
            raise UsageError(
                "--resume takes a run as it was started: no model, no option but --steps, --devices, --data-dir …",
                f"For example: zoo train --resume {resume} --steps N",
            )
        used = RunFolder.open(resume).description().environment.get("backend")
        if used and BACKEND not in click.get_current_context().meta:  # one that was asked for is held against it later
            use_backend(used)  # before anything imports Keras

    from zoo_core import api
    from zoo_core.cli.progress import StderrReport
    from zoo_core.data import load_dataset
    from zoo_core.evaluation.protocol import load_protocol, refuse_beside
    from zoo_core.registry import registry
    from zoo_core.training.backends import backend
    from zoo_core.training.estimate import estimate
    from zoo_core.training.memory import keep_freed_memory
    from zoo_core.training.options import changed, training_options
    from zoo_core.training.selection import Selection

    keep_freed_memory()
    if distributed:
        if devices is not None:
            raise UsageError("--distributed takes all devices of all processes.", "Leave --devices out.")
        devices = backend().join_processes()
    with StderrReport() as progress:
        around: dict[str, Any] = {
            "device": device,
            "report": progress if backend().leads else None,
            "tensorboard": tensorboard,
            "profile": profile,
        }
        if devices is not None:
            around["devices"] = devices
        if resume is not None:
            total = training_options(changes).steps if changes else None
            run = api.resume(resume, data_dir=data_dir, steps=total, **around)
        else:
            if not model:
                raise UsageError("zoo train needs a model, or --resume and a run.", "zoo models list tells which.")
            model = registry().named(model)
            if protocol:
                rule = load_protocol(protocol)
                refuse_beside(rule, data=data, **rule.training.fixed(changes))
                data = rule.data.fitted
                changes |= rule.training.options
            data, seed = data or DEFAULT_DATA, seed or 0
            tables = read_tables(config, ("model", "training")) if config else {"model": {}, "training": {}}
            tables["model"] |= parse_assignments(options)
            tables["training"] = changed(tables["training"], changes)
            if dry_run:
                dataset = load_dataset(data, data_dir)
                wanted = tables["training"]
                shared: dict[str, Any] = {"device": device, "devices": devices or 1}
                expected = estimate(model, dataset, options=tables["model"], training=wanted, **shared)
                if backend().leads:
                    emit(expected, as_json)
                return
            run = api.train(
                model,
                data,
                out or Path("runs") / f"{slug(model)}-{slug(data)}-s{seed}",
                seed=seed,
                options=tables["model"],
                training=tables["training"],
                data_dir=data_dir,
                command=shlex.join(["zoo", *sys.argv[1:]]),
                **around,
            )
    if not backend().leads:
        return
    lines = run.metrics()
    found = {"run": str(run.path), **lines[-1]} if as_json else {"run": str(run.path), "steps": lines[-1]["step"]}
    best = Selection(lines, patience=0).best
    emit(found | ({"best_step": best[0]} if best else {}), as_json)
