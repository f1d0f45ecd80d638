"""Fills what lies between `<!-- begin: … -->` and `<!-- end -->` in the Markdown files from what it documents.

    <!-- begin: commands -->                    the help of every command
    <!-- begin: datasets -->                    the built-in data sets
    <!-- begin: reasons -->                     why images are set aside
    <!-- begin: protocols -->                   the protocols of the package
    <!-- begin: metrics -->                     the metrics
    <!-- begin: options MODULE:CLASS -->        a table of typed options
    <!-- begin: file PATH -->                   a file, from the root of the repository
    <!-- begin: diff PATH PATH -->              what has to change in the first one to make it the second

`python docs/generate.py` rewrites the files; with `--check` it only names those that are stale, and exits with 1.
"""

import importlib
import json
import re
import sys
from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path

import click
from click.testing import CliRunner

from zoo_core.builtin.datasets import DATASETS
from zoo_core.builtin.metrics import METRICS
from zoo_core.cli.main import zoo
from zoo_core.data.preparing.cleaning import REASONS
from zoo_core.evaluation.metrics import USUAL, select
from zoo_core.evaluation.protocol import load_protocol, protocol_names

ROOT = Path(__file__).parents[1]
REGION = re.compile(r"(<!-- begin: (\S+) ?([^\n]*?) -->\n).*?(<!-- end -->)", re.DOTALL)


def pages() -> list[Path]:
    """Every Markdown file of the repository."""
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/*.md")])


def fill(text: str) -> str:
    """The text of a page with every region up to date."""

    def region(match: re.Match[str]) -> str:
        begin, kind, argument, end = match.groups()
        return f"{begin}\n{GENERATORS[kind](argument)}\n\n{end}"

    return REGION.sub(region, text)


def commands(_: str) -> str:
    """The help of every command, each under a heading."""
    return "\n\n".join(f"## `{' '.join(path)}`\n\n{_block('', _help(path))}" for path in _paths(zoo, ("zoo",)))


def datasets(_: str) -> str:
    rows = [
        [f"`{r.name}`", r.summary, "×".join(map(str, r.shape)), len(r.classes), *(f"{n:,}" for n in r.splits.values())]
        for r in DATASETS
    ]
    return _table(["name", "images", "H×W×C", "classes", "train", "validation", "test"], rows)


def reasons(_: str) -> str:
    return _table(["reason", "when"], [[name, meaning] for name, meaning in REASONS.items()])


def protocols(_: str) -> str:
    rows: list[list[object]] = [
        [
            f"`{p.name}` v{p.version}",
            f"`{p.data.fitted}`",
            f"{p.data.reference}, {p.data.real:,}",
            f"`{p.features.name}`",
            f"{p.scoring.generated:,}",
            f"{p.training.steps:,} × {p.training.batch_size}",
            ", ".join(map(str, p.training.seeds)),
            ", ".join(f"`{name}`" for name in p.scoring.metrics),
        ]
        for p in map(load_protocol, protocol_names())
    ]
    header = ["protocol", "fit", "reference", "features", "generated", "steps × images", "seeds", "metrics"]
    return _table(header, rows)


def metrics(_: str) -> str:
    own = select([spec.name for spec in METRICS])
    rows = [
        [f"`{m.name}`", m.needs, "yes" if m.name in USUAL else "", spec.summary]
        for spec, m in zip(METRICS, own, strict=True)
    ]
    return _table(["name", "measured on", "by default", "what it is"], rows)


def options(reference: str) -> str:
    module, _, name = reference.partition(":")
    fields = getattr(importlib.import_module(module), name).model_fields
    rows = [[f"`{key}`", f"`{json.dumps(field.default)}`", field.description] for key, field in fields.items()]
    return _table(["option", "default", "meaning"], rows)


def file(path: str) -> str:
    language = {".py": "python", ".toml": "toml"}[Path(path).suffix]
    return _block(language, (ROOT / path).read_text(encoding="utf-8"))


def diff(paths: str) -> str:
    before, after = ((ROOT / path).read_text(encoding="utf-8").splitlines() for path in paths.split())
    lines = list(unified_diff(before, after, n=1, lineterm=""))[2:]  # without the names of the files
    return _block("diff", "\n".join("…" if line.startswith("@@") else line for line in lines))


GENERATORS = {
    "commands": commands,
    "datasets": datasets,
    "reasons": reasons,
    "protocols": protocols,
    "metrics": metrics,
    "options": options,
    "file": file,
    "diff": diff,
}


def _paths(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The words of a command and of those below it, in the order of their help."""
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.resolve_command(context, [name])[1]
            assert child is not None
            yield from _paths(child, (*path, name))


def _help(path: tuple[str, ...]) -> str:
    return CliRunner().invoke(zoo, [*path[1:], "--help"], prog_name="zoo").stdout


def _block(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"


def _table(header: list[str], rows: list[list[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", r"\|") for cell in line) + " |" for line in lines)


def main() -> int:
    stale = {page: filled for page in pages() if (filled := fill(text := page.read_text(encoding="utf-8"))) != text}
    check = "--check" in sys.argv
    for page, filled in stale.items():
        print(f"{page.relative_to(ROOT)} {'is stale: python docs/generate.py' if check else 'rewritten'}")
        if not check:
            page.write_text(filled, encoding="utf-8")
    return check and bool(stale)


if __name__ == "__main__":
    sys.exit(main())
