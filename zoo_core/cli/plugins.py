"""`zoo plugins`: what is installed, and what is wrong with what is broken."""

import click

from zoo_core.cli.output import console, emit, json_option
from zoo_core.registry import NO_MODELS, registry


@click.group()
def plugins() -> None:
    """List the installed plugins, the broken ones with the reason.

    \b
    For example:
      zoo plugins list
    """


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
            "state": plugin.state,
            "reason": plugin.error,
        }
        for plugin in found.plugins
    ]
    emit(records, as_json)
    if not found.models:
        console().print(NO_MODELS)
