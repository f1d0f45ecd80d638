"""`zoo models`: which models there are, and the options of each. Imports no model of a package, and so no Keras."""

import json
from typing import Any

import click

from zoo_core.cli.output import console, emit, json_option
from zoo_core.registry import NO_MODELS, RegisteredModel, registry

BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "above",
    "maximum": "at most",
    "exclusiveMaximum": "below",
    "multipleOf": "a multiple of",
}
"""How the keywords of JSON Schema, which pydantic describes options in, are written for people."""


@click.group()
def models() -> None:
    """List the models, show one and its options.

    \b
    For example:
      zoo models list
      zoo models show dcgan
    """


@models.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the models of all installed plugins. The files that ZOO_MODEL_FILES names are run, and listed too.

    \b
    For example:
      zoo models list --json
    """
    found = [_summary(model) for model in registry().listed()]
    if not as_json:
        for record in found:
            del record["backends"]  # nearly always all of them: `zoo models show` tells
    emit(found, as_json)
    if not found:
        console().print(NO_MODELS)


@models.command()
@click.argument("name", metavar="NAME|FILE.py")
@json_option
def show(name: str, as_json: bool) -> None:
    """Show one model and all its options. Its own are set with `zoo train NAME -o option=value`, and those of the
    training of every model with `-t option=value`. In place of a NAME, a Python file that defines a model is run.

    \b
    For example:
      zoo models show dcgan
      zoo models show ./my_model.py
    """
    from zoo_core.training.options import TrainingOptions

    found = registry()
    model = found.model(found.named(name))
    options, training = model.load_options().model_json_schema(), TrainingOptions.model_json_schema()
    if as_json:
        emit(_summary(model) | {"options": options, "training": training}, as_json)
        return
    emit(_summary(model), as_json)
    for heading, schema in (("Options (-o)", options), ("Training (-t)", training)):
        click.echo(f"\n{heading}:")
        emit([_option(name, field) for name, field in schema.get("properties", {}).items()], as_json)


def _summary(model: RegisteredModel) -> dict[str, Any]:
    return {
        "name": model.spec.name,
        "tasks": sorted(model.spec.tasks),
        "labels": model.spec.labels,
        "backends": sorted(model.spec.runs_on),
        "summary": model.spec.summary,
        "distribution": model.plugin.distribution,
        "version": model.plugin.version,
    }


def _types(schema: dict[str, Any]) -> list[Any]:
    """The values that there are to choose from, or else the type; of a list, those of its items."""
    if schema.get("type") == "array":
        return [f"list of {' | '.join(map(str, _types(schema['items'])))}"]
    return schema.get("enum", [schema.get("type", "any")])


def _option(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """One line of the table, from the JSON Schema of one option."""
    branches = schema.get("anyOf", [schema])  # more than one where it may be None
    types = [kind for branch in branches for kind in _types(branch)]
    bounds = [f"{BOUNDS[key]} {branch[key]}" for branch in branches for key in BOUNDS if key in branch]
    default = schema.get("default")
    return {
        "option": name,
        "type": " | ".join(map(str, types)),
        "default": default if isinstance(default, str | None) else json.dumps(default),
        "bounds": bounds,
        "description": schema.get("description"),
    }
