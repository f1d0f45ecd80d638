"""`zoo report`: runs that were evaluated, side by side."""

from pathlib import Path

import click

from zoo_core.cli.output import console, json_option


@click.command()
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default="report.html",
    show_default=True,
    help="The HTML file to write; replaced if it is there.",
)
@click.option("--title", default="Comparison of generative models", show_default=True, help="The report's heading.")
@json_option
def report(runs: tuple[Path, ...], out: Path, title: str, as_json: bool) -> None:
    """Compare the runs in RUN..., each a folder that `zoo evaluate` has scored.

    Prints the ranked table, and writes it with samples, training curves and how everything was made to one HTML file
    that needs no network. Scores that can't be compared are put in different tables.

    \b
    For example:
      zoo report runs/dcgan-0 runs/dcgan-1 runs/vae-0 --out report.html
    """
    import shlex
    import sys
    from datetime import UTC, datetime

    from rich.console import Console

    from zoo_core.comparing.results import Comparison, read_record
    from zoo_core.comparing.tables import source_of
    from zoo_core.errors import UsageError
    from zoo_core.reporting import print_table, write_report
    from zoo_core.runs import RunFolder

    folders = {str(path): path for path in {path.resolve(): path for path in runs}.values()}
    records = []
    for name, path in folders.items():
        record = read_record(RunFolder.open(path))
        # runs may have been moved since: they are called by where they are now
        records.append(record.model_copy(update={"source": source_of(record).model_copy(update={"run": name})}))
    comparison = Comparison(
        title=title,
        command=shlex.join(["zoo", *sys.argv[1:]]),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        records=records,
        failures=[],
    )
    for summary in comparison.summaries():
        if len(set(summary.seeds)) < len(summary.seeds):
            raise UsageError(
                f"Same model, options, data and seed more than once: {', '.join(summary.runs)}.",
                "They would count as several seeds and make the error bar too small; name only one of them.",
            )
    write_report(comparison, folders, out)
    if as_json:
        click.echo(comparison.model_dump_json(indent=2))
    else:
        print_table(comparison, Console(highlight=False))
    console().print(f"Wrote {out}")
