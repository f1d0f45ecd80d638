"""`zoo plugins`: what is installed, and what is wrong with what is broken."""

from dataclasses import asdict
from pathlib import Path

import click

from zoo_core.cli.options import data_dir_option, weights_option
from zoo_core.cli.output import console, emit, json_option
from zoo_core.cli.scaffold import new
from zoo_core.errors import UsageError, ZooError
from zoo_core.registry import NO_MODELS, registry


@click.group()
def plugins() -> None:
    """List the installed plugins, the broken ones with the reason; write a new one; check that one keeps the contract.

    \b
    For example:
      zoo plugins list
      zoo plugins new my-model
      zoo plugins check dcgan
    """


plugins.add_command(new)


@plugins.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List every installed plugin: ok, disabled by ZOO_DISABLED_PLUGINS, or broken and why.

    \b
    For example:
      zoo plugins list --json
    """
    found = registry()
    records = [
        {
            "name": plugin.name,
            "distribution": plugin.distribution,
            "version": plugin.version,
            "models": [spec.name for spec in plugin.models],
            "features": [spec.name for spec in plugin.features],
            "datasets": [spec.name for spec in plugin.datasets],
            "metrics": [spec.name for spec in plugin.metrics],
            "state": plugin.state,
            "reason": plugin.error or "; ".join(plugin.notes) or None,
        }
        for plugin in found.plugins
    ]
    emit(records, as_json)
    if not found.models:
        console().print(NO_MODELS)


@plugins.command()
@click.argument("name", metavar="NAME|FILE.py")
@click.option("-o", "options", metavar="KEY=VALUE", multiple=True, help="An option of the model, to make it quick.")
@click.option("--slow", is_flag=True, help="Check that a model learns, too.")
@click.option("--expect", metavar="CHECK=REASON", multiple=True, help="This check fails, and has a reason to.")
@weights_option
@data_dir_option
@json_option
def check(
    name: str,
    options: tuple[str, ...],
    slow: bool,
    expect: tuple[str, ...],
    weights: Path | None,
    data_dir: Path | None,
    as_json: bool,
) -> None:
    """Check that what is called NAME keeps the contract of plugins, and tell how to mend what does not: a model, a data
    set, a feature network or a metric, or the model in a file. Exits with 1 where a check fails, and where one passes
    that --expect says fails.

    A model is trained for a few steps, on tiny images and with the smallest width that it takes.

    \b
    For example:
      zoo plugins check dcgan
      zoo plugins check ./my_model.py -o width=8
      zoo plugins check dcgan --expect "mixed_precision_trains=needs 8 digits"
    """
    from zoo_core.options import parse_assignments
    from zoo_core.testing.kit import check_subject, known_subjects

    expected = _reasons(expect)
    with console().status(f"Checking {name}"):
        found = known_subjects(name, parse_assignments(options), weights, data_dir)
        results = [result for subject in found for result in check_subject(subject, expected, slow)]
    emit([asdict(result) for result in results], as_json)
    wrong = [result.check for result in results if result.wrong]
    if wrong:
        raise ZooError(
            f"'{name}' fails {len(wrong)} of {len(results)} checks: {', '.join(wrong)}.",
            "The messages above say what was expected, what was seen and how to mend it.",
        )


def _reasons(expect: tuple[str, ...]) -> dict[str, str]:
    """By the name of a check, why it fails."""
    reasons = {}
    for each in expect:
        check, _, reason = each.partition("=")
        if not reason.strip():
            raise UsageError(
                f"--expect takes a check and why it fails, received '{each}'.",
                'For example: --expect "mixed_precision_trains=needs 8 digits"',
            )
        reasons[check.strip()] = reason.strip()
    return reasons
