import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from zoo_core.registry import Registry

Invoke = Callable[..., Result]

INIT = """
import zoo_core

@zoo_core.hookimpl
def zoo_features():
    yield zoo_core.FeatureSpec(name="histogram", summary="Intensities", target="zoo_histogram.model:open_network")
"""


def test_list_names_those_of_every_plugin(invoke: Invoke, make_plugin: Callable[..., Path]):
    make_plugin("histogram", INIT)
    result = invoke("features", "list")
    assert result.exit_code == 0
    heading, *lines = result.stdout.splitlines()
    assert heading.split() == ["name", "summary", "distribution"]
    assert [line.split()[0] for line in lines] == ["classifier", "histogram", "inception", "pixels"]
    (line,) = [line for line in lines if line.startswith("histogram")]
    assert line.split() == ["histogram", "Intensities", "zoo-histogram"]


def test_list_as_json(invoke: Invoke):
    records = json.loads(invoke("features", "list", "--json").stdout)
    assert {record["name"]: record["distribution"] for record in records} == dict.fromkeys(
        ("classifier", "inception", "pixels"), "zoo-core"
    )


def test_an_empty_list_says_why(invoke: Invoke, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("zoo_core.cli.features.registry", lambda: Registry(entry_points=[]))
    result = invoke("features", "list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "zoo-core's own entry point is not installed" in result.stderr
