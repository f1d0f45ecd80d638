"""From what people have to one checked file: collect, clean, deduplicate, split, assemble, report."""

from zoo_core.data.preparing.pipeline import prepare
from zoo_core.data.preparing.report import PreparationReport
from zoo_core.data.preparing.rules import Rules

__all__ = ["PreparationReport", "Rules", "prepare"]
