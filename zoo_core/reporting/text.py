"""The ranked tables as text: for a terminal, and for a page on GitHub."""

import re

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from zoo_core.comparing.results import Comparison
from zoo_core.reporting.words import facts, grid, heading, note


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
        failed = [f"- {_escape(f'{f.model} on {f.data}, seed {f.seed}: {f.error}')}" for f in comparison.failures]
        parts += ["### Failed runs", "\n".join(failed)]
    return "\n\n".join(part for part in parts if part) + "\n"


def print_table(comparison: Comparison, console: Console) -> None:
    """Print the tables; on a pipe without colours, boxes or wrapping. Failures last."""
    for table in comparison.tables():
        cells = grid(table)
        printed = RichTable(box=None, padding=(0, 2, 0, 0), header_style="bold")
        for column in cells.columns:
            header = Text(f"{column.label}\n{column.note}".rstrip())
            printed.add_column(header, justify="right" if column.numeric else "left", no_wrap=not console.is_terminal)
        for row in cells.rows:
            printed.add_row(*map(Text, row))
        if cells.floor:
            printed.add_row(*map(Text, cells.floor), style="dim")
        if not console.is_terminal:  # as wide as it needs: nothing downstream wants wrapped cells
            printed.width = console.measure(printed, options=console.options.update(max_width=10_000)).maximum
        console.print(Text(heading(table), style="bold"), soft_wrap=True)
        console.print(Text("; ".join(f"{term.lower()}: {fact}" for term, fact in facts(table))), soft_wrap=True)
        console.print()
        console.print(printed, crop=False)
        console.print()
        console.print(Text(note(table)), soft_wrap=not console.is_terminal)
        console.print()
    for failure in comparison.failures:
        text = f"failed: {failure.model} on {failure.data}, seed {failure.seed}: {failure.error}"
        console.print(Text(text, style="red"), soft_wrap=True)


def _markdown_row(cells: list[str]) -> str:
    return "| " + " | ".join(_escape(cell).replace("\n", "<br>") for cell in cells) + " |"


def _escape(text: str) -> str:
    """Plain text as Markdown: what GitHub would read as markup or as the end of a cell is escaped."""
    return re.sub(r"([\\`*\[\]<>|~])", r"\\\1", text)
