"""`zoo features`: which feature networks there are. Imports none of them, and so no Keras."""

import click

from zoo_core.cli.output import console, emit, json_option
from zoo_core.registry import NO_CORE, registry


@click.group()
def features() -> None:
    """List the feature networks, the ground that distances between sets of images stand on.

    \b
    For example:
      zoo features list
      zoo evaluate runs/first --features pixels
    """


@features.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the feature networks of all installed plugins, to be asked for with `--features NAME`.

    \b
    For example:
      zoo features list --json
    """
    found = registry().features
    records = [
        {"name": name, "summary": found[name].spec.summary, "distribution": found[name].plugin.distribution}
        for name in sorted(found)
    ]
    emit(records, as_json)
    if not found:
        console().print(NO_CORE)
