"""`zoo metrics`: which metrics there are. Imports none of them."""

import click

from zoo_core.cli.output import console, emit, json_option
from zoo_core.registry import NO_CORE, registry


@click.group()
def metrics() -> None:
    """List the metrics that images and models are scored by.

    \b
    For example:
      zoo metrics list
      zoo evaluate runs/first --metrics kid,prc
    """


@metrics.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the metrics of all installed plugins, to be asked for with `--metrics NAME`.

    \b
    For example:
      zoo metrics list --json
    """
    found = registry().metrics
    records = [
        {"name": name, "summary": metric.spec.summary, "distribution": metric.plugin.distribution}
        for name, metric in found.items()
    ]
    emit(records, as_json)
    if not found:
        console().print(NO_CORE)
