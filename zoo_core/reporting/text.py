"""The ranked tables as text: for a terminal, and for a page on GitHub."""

import re

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from zoo_core.comparing.results import Comparison, Failure
from zoo_core.reporting.words import Grid, facts, grid, heading, note

GAP = 2
"""Blanks between columns."""

UNLIMITED = 100_000
"""The width of a pipe."""


def markdown_table(comparison: Comparison) -> str:
    """The tables in GitHub's Markdown, each under a heading with what makes its rows comparable; failures last."""
    parts = []
    for table in comparison.tables():
        cells = grid(table)
        header = [f"{column.label}\n{column.note}".rstrip() for column in cells.columns]
        lines = [_markdown_row(row) for row in [header, *cells.rows, *([cells.floor] if cells.floor else [])]]
        lines.insert(1, "|" + "|".join(" ---: " if column.numeric else " :--- " for column in cells.columns) + "|")
        about = "; ".join(f"{term.lower()}: {_escape(fact)}" for term, fact in facts(table))
        parts += [f"### {_escape(heading(table))}", about, "\n".join(lines), note(table)]
    if comparison.failures:
        parts += ["### Failed runs", "\n".join(f"- {_escape(_line(failure))}" for failure in comparison.failures)]
    return "\n\n".join(part for part in parts if part) + "\n"


def print_table(comparison: Comparison, console: Console) -> None:
    """Print the tables: in blocks of columns where the terminal is narrow, plain and in one piece on a pipe. Failures
    last."""
    for table in comparison.tables():
        cells = grid(table)
        console.print(Text(heading(table), style="bold"), soft_wrap=True)
        console.print(Text("; ".join(f"{term.lower()}: {fact}" for term, fact in facts(table))), soft_wrap=True)
        console.print()
        for columns in _blocks(cells, console.width if console.is_terminal else UNLIMITED):
            printed = _rich(cells, columns)
            # its own width, because rich would fit it to the 80 columns that it takes a pipe to have
            printed.width = console.measure(printed, options=console.options.update(max_width=UNLIMITED)).maximum
            console.print(printed, crop=False)
            console.print()
        console.print(Text(note(table)), soft_wrap=not console.is_terminal)
        console.print()
    for failure in comparison.failures:
        console.print(Text(f"failed: {_line(failure)}", style="red"), soft_wrap=True)


def _blocks(cells: Grid, width: int) -> list[list[int]]:
    """The numbers of the columns that fit beside each other; each block has the column with the models' names."""
    names = next(number for number, column in enumerate(cells.columns) if not column.numeric)
    rows = [*cells.rows, *([cells.floor] if cells.floor else [])]
    cells_of = ([column.label, column.note, *(row[n] for row in rows)] for n, column in enumerate(cells.columns))
    sizes = [GAP + max(map(cell_len, column)) for column in cells_of]
    blocks: list[list[int]] = [[]]
    room = width
    for number, size in enumerate(sizes):
        if size > room and names in blocks[-1][:-1]:
            blocks.append([names])
            room = width - sizes[names]
        blocks[-1].append(number)
        room -= size
    return blocks


def _rich(cells: Grid, columns: list[int]) -> RichTable:
    printed = RichTable(box=None, padding=(0, GAP, 0, 0), header_style="bold")
    for number in columns:
        label, below, numeric = cells.columns[number]
        printed.add_column(Text(f"{label}\n{below}".rstrip()), justify="right" if numeric else "left", no_wrap=True)
    for row in cells.rows:
        printed.add_row(*(Text(row[number]) for number in columns))
    if cells.floor:
        printed.add_row(*(Text(cells.floor[number]) for number in columns), style="dim")
    return printed


def _line(failure: Failure) -> str:
    return f"{failure.model} on {failure.data}, seed {failure.seed}: {' '.join(failure.error.split())}"


def _markdown_row(cells: list[str]) -> str:
    return "| " + " | ".join(_escape(cell).replace("\n", "<br>") for cell in cells) + " |"


def _escape(text: str) -> str:
    """Plain text as Markdown: what GitHub would read as markup or as the end of a cell is escaped."""
    return re.sub(r"([\\`*\[\]<>|~])", r"\\\1", text)
