"""What a comparison found, for people: a table in the terminal, Markdown, and one HTML page."""

from zoo_core.comparing.results import read_results, write_results
from zoo_core.reporting.page import write_report
from zoo_core.reporting.text import markdown_table, print_table

__all__ = ["markdown_table", "print_table", "read_results", "write_report", "write_results"]
