import json

import pytest

from zoo_core.cli.output import console, emit

RECORDS = [
    {"name": "a [red]b[/red] :cat:", "tasks": ["x", "y"], "reason": None},
    {"name": "ü", "tasks": [], "reason": 1},
]


def test_records_are_a_table_that_shows_text_as_it_is(capsys: pytest.CaptureFixture[str]):
    emit(RECORDS, as_json=False)
    heading, first, second = (line.rstrip() for line in capsys.readouterr().out.splitlines())
    assert heading.split() == ["name", "tasks", "reason"]
    assert first.split("  ")[0] == "a [red]b[/red] :cat:"
    assert first.endswith("x, y")
    assert second.split() == ["ü", "1"]


def test_a_piped_line_is_never_broken(capsys: pytest.CaptureFixture[str]):
    emit({"name": "word " * 1000, "other": 1}, as_json=False)
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_no_records_print_nothing(capsys: pytest.CaptureFixture[str]):
    emit([], as_json=False)
    assert capsys.readouterr().out == ""


def test_floats_are_rounded_in_a_table_alone(capsys: pytest.CaptureFixture[str]):
    emit({"psnr": 31.23456, "count": 3}, as_json=False, digits=2)
    assert capsys.readouterr().out.split() == ["psnr", "31.23", "count", "3"]
    emit({"psnr": 31.23456}, as_json=True, digits=2)
    assert json.loads(capsys.readouterr().out) == {"psnr": 31.23456}


def test_json_comes_back_as_it_was(capsys: pytest.CaptureFixture[str]):
    emit(RECORDS, as_json=True)
    out = capsys.readouterr().out
    assert json.loads(out) == RECORDS
    assert "ü" in out


def test_messages_go_to_stderr(capsys: pytest.CaptureFixture[str]):
    console().print("step 1 [of 2]")
    assert capsys.readouterr() == ("", "step 1 [of 2]\n")
