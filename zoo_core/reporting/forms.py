"""A comparison in whatever form a file's name asks for."""

from collections.abc import Callable, Mapping
from pathlib import Path

from zoo_core.comparing.results import Comparison, write_results
from zoo_core.errors import UsageError
from zoo_core.files import write_bytes, write_text
from zoo_core.reporting.figure import figure
from zoo_core.reporting.page import write_report
from zoo_core.reporting.table_files import csv_table, latex_table
from zoo_core.reporting.text import markdown_table

Form = Callable[[Comparison, Mapping[str, Path], Path], None]

FORMS: dict[str, Form] = {
    ".html": write_report,
    ".md": lambda comparison, runs, out: write_text(out, markdown_table(comparison)),
    ".csv": lambda comparison, runs, out: write_text(out, csv_table(comparison)),
    ".tex": lambda comparison, runs, out: write_text(out, latex_table(comparison)),
    ".json": lambda comparison, runs, out: write_results(comparison, out),
    ".png": lambda comparison, runs, out: write_bytes(out, figure(comparison, runs, "png")),
    ".svg": lambda comparison, runs, out: write_bytes(out, figure(comparison, runs, "svg")),
}
"""By the suffix of the file."""


def form_of(out: Path) -> Form:
    """What writes such a file, called as `form(comparison, runs, out)`; see `write_report`.

    Raises:
        UsageError: for any other suffix than those of `FORMS`.
    """
    if out.suffix.lower() not in FORMS:
        raise UsageError(
            f"'{out}' should end in one of {', '.join(FORMS)}, which chooses the form of the report.",
            f"For example: --out {out.with_suffix('.html')}",
        )
    return FORMS[out.suffix.lower()]
