"""zoo compare"""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

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
from zoo_core.cli.output import console, emit, json_option
from zoo_core.errors import UsageError, ZooError
from zoo_core.options import parse_assignments

if TYPE_CHECKING:
    from zoo_core.comparing.cell import Cell
    from zoo_core.comparing.plan import Plan
    from zoo_core.comparing.results import Comparison

_ARGUMENTS = "zoo compare: arguments"


class _Command(click.Command):
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keeps them as they were typed, to tell how any cell is run alone."""
        ctx.meta[_ARGUMENTS] = list(args)
        return super().parse_args(ctx, args)


@click.command(cls=_Command)
@click.argument("models", nargs=-1, required=True, metavar="MODELS...|PLAN.toml")
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
@click.option("--images", type=click.IntRange(1), help="Budget of images seen, in place of steps.")
@click.option("--seconds", type=click.FloatRange(0, min_open=True), help="Budget of seconds of training steps.")
@batch_size_option
@click.option("-o", "options", metavar="MODEL.KEY=VALUE[,VALUE]", multiple=True, help="An option of one model.")
@training_option
@click.option("-n", "--count", type=int, help="Images each run generates [as in training, at most 10,000].")
@click.option("--dry-run", is_flag=True, help="Only list the cells, their state, and the time and disk they take.")
@click.option("--plan", "only_plan", is_flag=True, help="Only print a command for each cell, for a job array.")
@click.option("--cell", "numbers", type=int, multiple=True, metavar="N", help="Only work off this cell of the plan.")
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True, help="Who works.")
@click.option("--workers", type=click.IntRange(1), metavar="N", help="Processes at once [one for each GPU, or 1].")
@click.option("--retry-failed", is_flag=True, help="Try cells again that failed before.")
@metrics_option
@features_option
@weights_option
@checkpoint_option
@data_dir_option
@device_option
@backend_option
@json_option
@click.pass_context
def compare(
    ctx: click.Context,
    models: tuple[str, ...],
    out: Path | None,
    dry_run: bool,
    only_plan: bool,
    numbers: tuple[int, ...],
    engine: Literal["local", "ray"],
    workers: int | None,
    retry_failed: bool,
    data_dir: Path | None,
    device: str,
    as_json: bool,
    **asked: Any,
) -> None:
    """Train MODELS on each data set from several seeds, score them by the same rules, and write a report.

    Each cell of the grid is a process of its own. The folder gets report.html, report.md, results.json, the runs and
    the cells' logs. The same command again reuses what is finished and goes on with what was interrupted. A PLAN.toml
    says the same as the options (docs/comparing.md).

    \b
    For example:
      zoo compare dcgan vae cgan --protocol digits
      zoo compare dcgan vae cgan --data digits --seeds 3
      zoo compare dcgan vae --data folder:photos@64 --steps 20000 -o dcgan.width=64,128
      zoo compare dcgan vae -t select_every=500 -t patience=5 --checkpoint best
    """
    from zoo_core.cli.live import LiveGrid
    from zoo_core.comparing.compare import gather, open_engine, preview, run_cells
    from zoo_core.comparing.plan import cells_of

    plan = _plan(models, asked)
    folder = out or Path("comparisons") / plan.name
    typed = ctx.meta[_ARGUMENTS]
    command = shlex.join(["zoo", "compare", *typed])
    cells = cells_of(plan, folder, data_dir=data_dir, device=device, command=command)
    if only_plan:
        _print_plan(cells, [word for word in typed if word not in ("--plan", "--json")], as_json)
        return
    chosen = _chosen(cells, numbers)
    if dry_run:
        _print_preview(preview(chosen, retry_failed=retry_failed), as_json)
        return
    with LiveGrid() as grid:
        run_cells(chosen, open_engine(engine, workers, device), retry_failed=retry_failed, watch=grid)
    comparison = gather(chosen)
    if not numbers:
        _report(comparison, folder, as_json)
    errors = {failure.run: failure.error for failure in comparison.failures}
    if left := [cell for cell in chosen if str(cell.run) in errors]:
        raise ZooError(
            f"{len(left)} of {len(chosen)} cells have no score: "
            + "; ".join(f"{cell.label}: {errors[str(cell.run)]} (see {cell.log_file})" for cell in left),
            f"{'' if numbers else 'The others are in the report. '}Give the command again, for what failed with "
            "--retry-failed.",
        )


def _plan(models: Sequence[str], asked: dict[str, Any]) -> "Plan":
    """What was asked for: by a file, by the options, or by both, which then take the place of what the file says."""
    from zoo_core.comparing.plan import Plan, read_plan
    from zoo_core.options import resolve
    from zoo_core.specs import AUTO
    from zoo_core.training.options import BUDGETS

    training = parse_assignments(asked.pop("training"))
    named = {name: asked.pop(name) for name in ("steps", "images", "seconds", "batch_size")}
    training |= {name: value for name, value in named.items() if value is not None}
    options: dict[str, dict[str, Any]] = {}
    for assignment in asked.pop("options"):
        ((key, value),) = _assignment(assignment).items()
        model, dot, name = key.partition(".")
        if not dot:
            raise UsageError(f"Expected MODEL.KEY=VALUE, received '{key}=…'.", f"For example: -o {models[0]}.{key}=…")
        options.setdefault(model, {})[name] = value
    given = {name: value for name, value in asked.items() if value not in (None, ())}
    if given.get("features") == AUTO:
        del given["features"]
    if not models[0].endswith(".toml"):
        if not given.get("data") and not given.get("protocol"):
            given["data"] = (DEFAULT_DATA,)
        return resolve(Plan, {"models": models, **given, "options": options, "training": training}, "the comparison")
    if len(models) > 1:
        raise UsageError(f"A plan is given alone, received {' '.join(models)}.", "Its models are in the file.")
    plan = read_plan(Path(models[0])).model_dump(exclude_none=True)
    for model, values in options.items():
        plan["options"].setdefault(model, {}).update(values)
    if any(training.get(name) for name in BUDGETS):
        plan["training"] = {name: value for name, value in plan["training"].items() if name not in BUDGETS}
    plan["training"] |= training
    return resolve(Plan, plan | given, f"plan '{models[0]}'")


def _assignment(text: str) -> dict[str, Any]:
    """An option and its value; several where commas separate what is not TOML as a whole, as a quoted text would be."""
    ((key, value),) = parse_assignments([text]).items()
    if "," not in text or value != text.partition("=")[2].strip():
        return {key: value}
    return {key: [parse_assignments([f"{key}={part}"])[key] for part in value.split(",")]}


def _chosen(cells: "Sequence[Cell]", numbers: tuple[int, ...]) -> "Sequence[Cell]":
    if wrong := [number for number in numbers if not 0 <= number < len(cells)]:
        raise UsageError(f"The plan has the cells 0 to {len(cells) - 1}, received {wrong[0]}.", "zoo compare … --plan")
    return [cells[number] for number in numbers] if numbers else cells


def _print_plan(cells: "Sequence[Cell]", arguments: list[str], as_json: bool) -> None:
    commands = [shlex.join(["zoo", "compare", *arguments, "--cell", str(cell.number)]) for cell in cells]
    if not as_json:
        click.echo("\n".join(commands))
        return
    fields = {"number", "model", "data", "seed", "options", "training"}
    emit(
        [
            cell.model_dump(mode="json", include=fields) | {"run": str(cell.run), "command": command}
            for cell, command in zip(cells, commands, strict=True)
        ],
        True,
    )


def _print_preview(found: list[dict[str, Any]], as_json: bool) -> None:
    from zoo_core.cli.live import in_words

    shown = [one | {"options": ", ".join(f"{name}={value}" for name, value in one["options"].items())} for one in found]
    emit(found if as_json else shown, as_json)
    to_do = [one for one in found if one["train_seconds"] is not None]
    failed = sum(one["state"] == "failed" and one["train_seconds"] is None for one in found)
    seconds, mib = (sum(one[name] for one in to_do) for name in ("train_seconds", "disk_mib"))
    console().print(
        f"{len(found):,} cells, {len(to_do):,} of them to do: {in_words(seconds)} of training one at a time, "
        f"scoring not counted, and {mib:,.0f} MiB of disk."
        + (f" {failed:,} failed, to be tried again with --retry-failed." if failed else "")
    )


def _report(comparison: "Comparison", out: Path, as_json: bool) -> None:
    from rich.console import Console

    from zoo_core.files import write_text
    from zoo_core.reporting import markdown_table, print_table, write_report, write_results

    write_results(comparison, out / "results.json")
    write_text(out / "report.md", markdown_table(comparison))
    folders = {record.source.run: Path(record.source.run) for record in comparison.records if record.source}
    write_report(comparison, folders, out / "report.html")
    if as_json:
        click.echo(comparison.model_dump_json(indent=2))
    else:
        print_table(comparison, Console())
    click.echo(f"Report: {out / 'report.html'}", err=True)
