"""zoo compare"""

import shlex
import sys
from pathlib import Path
from typing import Any, Literal

import click

from zoo_core.cli.options import (
    DEFAULT_DATA,
    backend_option,
    batch_size_option,
    checkpoint_option,
    data_dir_option,
    device_option,
    features_option,
    metrics_option,
    protocol_option,
    steps_option,
    training_option,
    weights_option,
)
from zoo_core.cli.output import emit, json_option


@click.command(short_help="Train and evaluate several models on several data sets.")
@click.argument("models", nargs=-1, required=True)
@click.option(
    "--data",
    metavar="SET",
    multiple=True,
    help=f"A data set; may be given more than once [{DEFAULT_DATA}, or the protocol's].",
)
@protocol_option
@click.option("--seeds", type=click.IntRange(1), help="Training seeds for each model [3, or the protocol's].")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help="Folder [comparisons/MODELS-SETS].")
@steps_option
@batch_size_option
@click.option("-o", "options", metavar="MODEL.KEY=VALUE", multiple=True, help="An option of one model.")
@training_option
@click.option("-n", "--count", type=int, help="Images each run generates [as in training, at most 10,000].")
@click.option("--dry-run", is_flag=True, help="Only list the runs, their state, and the time they would take.")
@metrics_option
@features_option
@weights_option
@checkpoint_option
@data_dir_option
@device_option
@backend_option
@json_option
def compare(
    models: tuple[str, ...],
    data: tuple[str, ...],
    protocol: str | None,
    seeds: int | None,
    out: Path | None,
    steps: int | None,
    batch_size: int | None,
    options: tuple[str, ...],
    training: tuple[str, ...],
    count: int | None,
    dry_run: bool,
    metrics: list[str] | None,
    features: str,
    weights: Path | None,
    checkpoint: Literal["final", "best"] | None,
    data_dir: Path | None,
    device: str,
    as_json: bool,
) -> None:
    """Train MODELS on each data set from several seeds, score them by the same rules, and write a report.

    The folder gets report.html, report.md, results.json and the runs. The same command again reuses finished runs and
    goes on with those it was interrupted in.

    \b
    For example:
      zoo compare dcgan vae cgan --protocol digits
      zoo compare dcgan vae cgan --data digits --seeds 3
      zoo compare dcgan vae --data folder:photos@64 --steps 20000 -o dcgan.width=128
      zoo compare dcgan vae -t select_every=500 -t patience=5 --checkpoint best
    """
    from rich.console import Console

    from zoo_core.cli.memory import keep_freed_memory
    from zoo_core.cli.progress import StderrReport
    from zoo_core.comparing.compare import compare as run_comparison
    from zoo_core.comparing.compare import preview
    from zoo_core.errors import UsageError, ZooError
    from zoo_core.files import write_text
    from zoo_core.options import parse_assignments
    from zoo_core.reporting import markdown_table, print_table, write_report, write_results
    from zoo_core.runs import slug

    by_model: dict[str, dict[str, Any]] = {}
    for key, value in parse_assignments(options).items():
        model, dot, name = key.partition(".")
        if not dot:
            raise UsageError(f"Expected MODEL.KEY=VALUE, received '{key}=…'.", f"For example: -o {models[0]}.{key}=…")
        by_model.setdefault(model, {})[name] = value
    if not data and not protocol:
        data = (DEFAULT_DATA,)
    name = Path(protocol).stem if protocol else ""
    out = out or Path("comparisons") / slug("-".join([*models, *data, *([name] if name else [])]))
    changes = parse_assignments(training)
    changes |= {name: value for name, value in (("steps", steps), ("batch_size", batch_size)) if value is not None}
    if dry_run:
        runs = preview(
            models,
            data,
            out,
            seeds=seeds,
            options=by_model,
            training=changes,
            protocol=protocol,
            data_dir=data_dir,
            device=device,
        )
        emit(runs, as_json)
        return
    keep_freed_memory()
    with StderrReport() as progress:
        comparison = run_comparison(
            models,
            data,
            out,
            seeds=seeds,
            options=by_model,
            training=changes,
            features=features,
            weights=weights,
            metrics=metrics,
            count=count,
            checkpoint=checkpoint,
            protocol=protocol,
            data_dir=data_dir,
            device=device,
            report=progress,
            command=shlex.join(["zoo", *sys.argv[1:]]),
        )
    write_results(comparison, out / "results.json")
    write_text(out / "report.md", markdown_table(comparison))
    folders = {record.source.run: Path(record.source.run) for record in comparison.records if record.source}
    write_report(comparison, folders, out / "report.html")
    if as_json:
        click.echo(comparison.model_dump_json(indent=2))
    else:
        print_table(comparison, Console())
    click.echo(f"Report: {out / 'report.html'}", err=True)
    if comparison.failures:
        raise ZooError(
            f"{len(comparison.failures)} of {len(comparison.failures) + len(comparison.records)} runs failed: "
            + "; ".join(f"{f.model} on {f.data}, seed {f.seed}: {f.error}" for f in comparison.failures),
            "The others are in the report. The same command tries the failed ones again.",
        )
