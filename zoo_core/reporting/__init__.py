"""What a comparison found, for people: a table in the terminal, one HTML page, files for papers and programs."""

from zoo_core.comparing.results import read_results, write_results
from zoo_core.reporting.forms import FORMS, form_of
from zoo_core.reporting.page import write_report
from zoo_core.reporting.text import markdown_table, print_difference, print_table

__all__ = [
    "FORMS",
    "form_of",
    "markdown_table",
    "print_difference",
    "print_table",
    "read_results",
    "write_report",
    "write_results",
]
