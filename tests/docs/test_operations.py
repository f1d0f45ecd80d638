"""docs/operations.md: its commands and its Python run, in their order, with models that were hardly trained."""

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from zoo_core.cli.main import zoo
from zoo_core.features.classifier import Classifier

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
BLOCKS = re.findall(r"^```(console|python)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
TINY = ["--steps", "2", "--batch-size", "4", "-o", "width=2"]
LEARNT = ["--steps", "300", "-o", "width=8"]
"""For samples that a classifier takes for digits, of which `zoo edit` asks for a few of each class."""


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # Models trained for two steps make no digits: each class gets a tenth of what they make.
    monkeypatch.setattr(
        Classifier, "logits", lambda self, features: np.eye(10, dtype="float32")[np.arange(len(features)) % 10]
    )


@pytest.mark.slow
@pytest.mark.usefixtures("empty_folder")
def test_the_page_runs():
    names: dict[str, Any] = {}  # a block may go on from the one before
    for language, text in BLOCKS:
        if language == "python":
            exec(re.sub(r"steps=\d+", "steps=2", text), names)
            continue
        for line in text.splitlines():
            if line.startswith("$ zoo "):
                arguments = shlex.split(line)[2:]
                if arguments[0] == "train":
                    arguments += LEARNT if arguments[1] == "dcgan" else TINY
                done = CliRunner().invoke(zoo, arguments)
                assert done.exit_code == 0, f"{line}: {done.stderr}"
    for made in (
        "sheet.png",
        "pairs.png",
        "digits.zool",
        "back/000002.png",
        "restored/002.png",
        "one.png",
        "runs/mine",
    ):
        assert Path(made).exists()
