"""How far a training is, on stderr."""

import pytest
from rich.console import Console

from zoo_core.cli import progress
from zoo_core.cli.progress import StderrReport

LINE = {"step": 50, "seconds": 4.0, "images_per_second": 1234.5, "vae/loss": 0.25}


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Console:
    """What is shown goes here; make it a terminal by its attribute."""
    console = Console(record=True, width=120, force_terminal=False)
    monkeypatch.setattr(progress, "console", lambda: console)
    return console


def lines_of(shown: Console) -> list[str]:
    return shown.export_text().splitlines()


def test_steps_are_told_with_the_time_that_is_left(shown: Console):
    with StderrReport() as report:
        report.begin("vae on digits", 0, 200)
        report.log(LINE)
        report.log(LINE | {"step": 100})  # too soon after the line before
        report.log(LINE | {"step": 200, "seconds": 16.0})
    assert lines_of(shown) == [
        "vae on digits: 50 of 200  vae 0.250  1,234 images/s  12 s left",
        "vae on digits: 200 of 200  vae 0.250  1,234 images/s  0 s left",
    ]


def test_seconds_are_told_where_they_are_the_budget(shown: Console):
    with StderrReport() as report:
        report.begin("vae on digits", 0, 99_999_999, 10)
        report.log(LINE)
        report.log(LINE | {"step": 100, "seconds": 9.0})
        report.log(LINE | {"step": 120, "seconds": 10.02})
    assert lines_of(shown) == [
        "vae on digits: 4.0 of 10 s  vae 0.250  1,234 images/s  6 s left",
        "vae on digits: 10.0 of 10 s  vae 0.250  1,234 images/s  0 s left",
    ]


@pytest.mark.parametrize(("seconds", "done"), [(0, "50 of 200"), (8, "4.0 of 8 s")])
def test_a_bar_on_a_terminal(shown: Console, seconds: float, done: str):
    shown._force_terminal = True
    with StderrReport() as report:
        report.begin("vae on digits", 0, 200, seconds)
        report.log(LINE)
    assert f"{done} " in shown.export_text()
