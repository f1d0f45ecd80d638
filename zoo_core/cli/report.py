"""zoo report"""

from pathlib import Path

import click

from zoo_core.cli.output import console, emit, json_option


@click.command()
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file to write, replaced if it is there; its suffix chooses the form: html, md, csv, tex, json, png, svg. "
    "May be given more than once  [report.html]",
)
@click.option("--title", default="Comparison of generative models", show_default=True, help="The report's heading.")
@click.option("--diff", "differ", is_flag=True, help="Tell what changed from the first to the second of two SOURCEs.")
@click.option("--check", is_flag=True, help="Tell whether each SOURCE may be published, and write nothing.")
@json_option
def report(
    sources: tuple[Path, ...], out: tuple[Path, ...], title: str, differ: bool, check: bool, as_json: bool
) -> None:
    """Compare the results of runs that were evaluated: ranked tables with error bars over training seeds.

    A SOURCE is a run's folder, the folder that zoo compare made, or a results.json. The HTML page holds everything and
    needs no network; tex is a table with booktabs and graphicx, csv has one row for each model and metric. Scores that
    can't be compared are put in different tables.

    \b
    For example:
      zoo report runs/dcgan-0 runs/dcgan-1 runs/vae-0 --out report.html
      zoo report comparisons/first --out table.tex --out figure.svg
      zoo report --diff results-before.json comparisons/after
      zoo report --check benchmarks/results/digits.json
    """
    import shlex
    import sys

    from rich.console import Console

    from zoo_core.comparing.diff import diff
    from zoo_core.comparing.results import gather
    from zoo_core.comparing.verify import problems
    from zoo_core.errors import UsageError, ZooError
    from zoo_core.reporting import form_of, print_difference, print_table

    if differ and (check or out or len(sources) != 2):
        raise UsageError(
            f"--diff takes two sources, and neither --out nor --check; received {len(sources)}.",
            "For example: zoo report --diff before.json after.json",
        )
    if check and out:
        raise UsageError("--check writes nothing, received --out.", "Leave one of them out.")
    command = shlex.join(["zoo", *sys.argv[1:]])
    if differ:
        difference = diff(*(gather([source], title, command)[0] for source in sources))
        if as_json:
            click.echo(difference.model_dump_json(indent=2))
        else:
            print_difference(difference, Console(highlight=False))
        return
    if check:
        found = {str(source): problems(gather([source], title, command)[0]) for source in sources}
        if as_json:
            emit(found, as_json)
        else:
            for name, wrong in found.items():
                click.echo("\n".join(f"{name}: {problem}" for problem in wrong or ["may be published"]))
        if any(found.values()):
            raise ZooError(
                f"{sum(map(bool, found.values()))} of {len(found)} can't be published.", "See docs/leaderboard.md."
            )
        return
    files = out or (Path("report.html"),)
    forms = [form_of(file) for file in files]
    comparison, folders = gather(sources, title, command)
    for file, form in zip(files, forms, strict=True):
        form(comparison, folders, file)
    if as_json:
        click.echo(comparison.model_dump_json(indent=2))
    else:
        print_table(comparison, Console(highlight=False))
    console().print(f"Wrote {', '.join(map(str, files))}")
