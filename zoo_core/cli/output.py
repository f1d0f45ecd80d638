"""What the commands share: data on stdout as a table or as JSON, messages on stderr."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def console() -> Console:
    """Where messages and progress bars go: stderr, in colour only on a terminal and without NO_COLOR."""
    return Console(stderr=True, soft_wrap=True, markup=False, emoji=False, highlight=False)


def emit(data: Sequence[Mapping[str, Any]] | Mapping[str, Any], as_json: bool, digits: int | None = None) -> None:
    """Print data on stdout.

    Args:
        data: records with the same keys, a table with a line for each; or one record, a line for each of its keys.
        as_json: print it as JSON instead, nested as it may be.
        digits: after the point, of floats in a table; JSON has all of them.
    """
    if as_json:
        click.echo(json.dumps(data, indent=2, ensure_ascii=False))
        return
    if not data:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    if isinstance(data, Mapping):
        table.show_header = False
        rows = list(data.items())
        table.add_column(style="bold")
        table.add_column()
    else:
        rows = [tuple(record.values()) for record in data]
        for heading in data[0]:
            table.add_column(heading)
    for row in rows:
        table.add_row(*(_cell(value, digits) for value in row))
    # A pipe has no width to fit into: one line for each record there.
    width = None if sys.stdout.isatty() else 1_000_000
    Console(width=width, markup=False, emoji=False, highlight=False).print(table)


def _cell(value: Any, digits: int | None) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and digits is not None:
        return f"{value:.{digits}f}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)
