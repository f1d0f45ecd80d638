"""What people see of a comparison while it runs."""

from pathlib import Path

import pytest
from rich.console import Console

from zoo_core.cli import live
from zoo_core.cli.live import LiveGrid, doing, done, in_words, left
from zoo_core.comparing.cell import Cell
from zoo_core.comparing.compare import Seen
from zoo_core.comparing.plan import Plan, cells_of

LINE = {"step": 50, "images": 500, "seconds": 4.0, "wall_seconds": 10.0, "images_per_second": 1234.5, "vae/loss": 0.25}


@pytest.fixture
def cells(tmp_path: Path) -> list[Cell]:
    plan = Plan(models=("vae",), data=("digits@8",), training={"steps": 100}, options={"vae": {"width": [2, 4]}})
    return cells_of(plan, tmp_path)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Console:
    """What is shown goes here; make it a terminal by its attribute."""
    console = Console(record=True, width=120, force_terminal=False)
    monkeypatch.setattr(live, "console", lambda: console)
    return console


def test_a_line_tells_what_happens_where_there_is_no_terminal(cells: list[Cell], shown: Console):
    with LiveGrid() as grid:
        grid([Seen(cell, "waiting", {}) for cell in cells])
        assert shown.export_text() == ""
        cells[1].fail("the loss is nan")
        cells[2].folder.mkdir()
        cells[2].log_file.write_text("it begins\nWarning: hardly differ\nWarning: hardly differ\n")
        states = ["running", "failed", "finished", *["waiting"] * 3]
        grid([Seen(cell, state, LINE) for cell, state in zip(cells, states, strict=True)])
    text = shown.export_text()
    assert "cell 0, vae (width=2) on digits@8, seed 0: starts" in text
    assert text.count("cell 2, vae (width=2) on digits@8, seed 1: Warning: hardly differ") == 1
    assert "it begins" not in text
    assert "cell 1, vae (width=4) on digits@8, seed 0: failed: the loss is nan" in text
    assert "1 finished, 1 running, 1 failed, 3 waiting; 0 s left; vae (width=2) on digits@8, seed 0 50% vae 0.250" in (
        " ".join(text.split())
    )


def test_a_table_follows_it_on_a_terminal(cells: list[Cell], shown: Console):
    shown._force_terminal = True
    with LiveGrid() as grid:
        grid([Seen(cells[0], "running", LINE), Seen(cells[1], "failed", {}), Seen(cells[2], "waiting", {})])
    text = shown.export_text()
    assert "1 running, 1 failed, 1 waiting" in text
    row = next(line for line in text.splitlines() if "width=2" in line)
    assert "1,234" in row
    assert "vae 0.250" in row
    assert row.rstrip().endswith("10 s")


def test_the_score_on_held_out_images_is_shown_where_there_is_one(cells: list[Cell]):
    assert doing(Seen(cells[0], "running", LINE | {"select/fd_classifier": 12.3456})) == "fd_classifier 12.346"
    assert doing(Seen(cells[0], "running", LINE)) == "vae 0.250"


@pytest.mark.parametrize(
    ("training", "share"),
    [({"steps": 100}, 0.5), ({"images": 2000}, 0.25), ({"seconds": 5}, 0.8), ({"seconds": 4}, 1)],
)
def test_progress_is_the_share_of_the_budget(tmp_path: Path, training: dict, share: float):
    cell = cells_of(Plan(models=("vae",), data=("digits@8",), training=training), tmp_path)[0]
    assert done(Seen(cell, "running", LINE)) == pytest.approx(share)
    assert done(Seen(cell, "running", {})) == 0
    assert left(Seen(cell, "running", LINE)) == (in_words(10 * (1 - share) / share) if share < 1 else "")


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0 s"), (89, "89 s"), (100, "2 min"), (7500, "2 h 05 min")])
def test_time_in_words(seconds: float, words: str):
    assert in_words(seconds) == words
