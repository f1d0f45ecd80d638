"""zoo protocols"""

import click

from zoo_core.cli.output import emit, json_option


@click.group()
def protocols() -> None:
    """A protocol fixes everything that could move a score: data, splits, training, features, counts, metrics, seeds.

    \b
    For example:
      zoo protocols list
      zoo protocols show mnist > my-protocol.toml
    """


@protocols.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the protocols that come with the package.

    \b
    For example:
      zoo protocols list
    """
    from zoo_core.evaluation.protocol import load_protocol, protocol_names

    found = [load_protocol(name) for name in protocol_names()]
    if as_json:
        emit([protocol.model_dump(mode="json") for protocol in found], as_json)
        return
    rows = [
        {
            "name": protocol.name,
            "version": protocol.version,
            "data": protocol.data.source,
            "fit": protocol.data.fit,
            "reference": protocol.data.reference,
            "features": protocol.features.name,
            "generated": protocol.scoring.generated,
            "summary": protocol.summary,
        }
        for protocol in found
    ]
    emit(rows, as_json)


@protocols.command()
@click.argument("name", metavar="NAME|FILE")
@json_option
def show(name: str, as_json: bool) -> None:
    """Show a protocol as the TOML that --protocol takes.

    \b
    For example:
      zoo protocols show digits
    """
    import tomli_w

    from zoo_core.evaluation.protocol import load_protocol

    protocol = load_protocol(name)
    if as_json:
        emit(protocol.model_dump(mode="json") | {"sha256": protocol.sha256}, as_json)
    else:
        click.echo(tomli_w.dumps(protocol.model_dump(mode="json", exclude_none=True)).rstrip())
