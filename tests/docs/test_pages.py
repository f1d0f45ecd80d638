"""The pages say what is so: links lead somewhere, generated parts are fresh, commands parse, the README's run."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import zoo_core
from zoo_core.cli.main import zoo

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("plugins/*/*.md")])

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a page in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def commands(page: Path) -> list[list[str]]:
    """The arguments of every `$ zoo …` line in a page's console blocks."""
    lines = [line for block in blocks(page, "console") for line in block.splitlines()]
    return [shlex.split(line)[2:] for line in lines if line.startswith("$ zoo ")]


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_page
def test_links_within_the_repository_lead_somewhere(page: Path):
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{target}: no such file"
        assert not anchor or anchor in anchors(file), f"{target}: no such heading"


def test_generated_parts_are_fresh():
    command = [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@each_page
def test_every_command_that_is_shown_can_be_parsed(page: Path):
    outermost = click.Context(zoo, **zoo.context_settings)  # a command keeps its first help option
    for arguments in commands(page):
        command: click.Command = zoo
        while isinstance(command, click.Group):
            _, found, arguments = command.resolve_command(outermost, arguments)
            assert found is not None
            command = found
        command.make_context(command.name, arguments, parent=outermost)


@pytest.mark.parametrize("model", ["cgan", "dcgan", "gan", "pix2pix", "pixelrnn", "srgan", "vae", "wgan-gp"])
def test_the_options_in_a_plugins_readme_are_those_that_zoo_shows(model: str):
    shown = json.loads(CliRunner().invoke(zoo, ["models", "show", model, "--json"]).stdout)["options"]["properties"]
    text = (ROOT / "plugins" / model / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| `(.*)` \| (.*) \|$", text, re.MULTILINE)
    assert {name: (json.loads(default), meaning) for name, default, meaning in rows} == {
        name: (option["default"], option["description"]) for name, option in shown.items()
    }


def test_every_environment_variable_is_documented():
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "zoo_core").glob("**/*.py"))
    read = set(re.findall(r"\b(?:ZOO|KERAS|JAX)_[A-Z_]+\b", sources)) | {"NO_COLOR"}
    rows = re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(rows) == read


def tiny(arguments: list[str]) -> list[str]:
    """What is added to a command of the README so that it takes seconds; the last of two values counts."""
    match arguments:
        case ["train", "--resume", *_]:
            return ["--steps", "3"]
        case ["train", "gmmn", *_]:
            return ["--steps", "2"]
        case ["train", *_]:
            return ["--steps", "2", "--batch-size", "4", "-o", "width=2"]
        case ["compare", *_] if "--protocol" in arguments:  # which fixes how long it takes
            return ["--dry-run"]
        case ["compare", *_]:
            widths = ["-o", "dcgan.width=2", "-o", "vae.width=2"]
            return ["--steps", "2", "--batch-size", "4", "--seeds", "1", "-n", "80", *widths]
        case ["evaluate", evaluated, *_] if evaluated.startswith("runs/"):
            return ["-n", "80"]
        case ["datasets", "prepare", *_]:
            return ["--workers", "1"]
    return []


@pytest.mark.slow
def test_the_commands_of_the_readme_run(
    install: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    install("zoo-gmmn")
    for i, image in enumerate(np.random.default_rng(0).integers(0, 256, (12, 70, 80), "uint8")):
        path = tmp_path / "photos" / ("cats" if i % 2 else "dogs") / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    monkeypatch.chdir(tmp_path)
    for arguments in commands(ROOT / "README.md"):
        done = CliRunner().invoke(zoo, [*arguments, *tiny(arguments)])
        assert done.exit_code == 0, f"zoo {shlex.join(arguments)}: {done.stderr}"
    assert {"sheet.png", "samples", "runs", "comparisons", "photos.h5", "contact.png"} <= set(os.listdir())
    assert Path("comparisons/first/report.html").is_file()


def test_the_python_of_the_page_on_training_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (example,) = blocks(ROOT / "docs" / "training.md", "python")
    for long, short in (('"steps": 300', '"steps": 3'), ("every = 100", "every = 1")):
        assert long in example
        example = example.replace(long, short)
    found: dict[str, Any] = {}
    exec(example, found)
    assert list(found["brightness"].seen) == [1, 2, 3]


@pytest.mark.slow
def test_the_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (example,) = [block for block in blocks(ROOT / "README.md", "python") if "zoo_core.train(" in block]
    steps = '"steps": 2000'
    assert steps in example
    found: dict[str, object] = {}
    exec(example.replace(steps, '"steps": 2'), found)
    assert isinstance(found["record"], zoo_core.Record)
    assert isinstance(found["images"], np.ndarray)
    assert (found["images"].shape, found["images"].dtype) == ((100, 16, 16, 1), np.uint8)
