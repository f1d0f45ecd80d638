import json
from collections.abc import Callable

import pytest
from click.testing import Result

from zoo_core.registry import Registry, registry

Invoke = Callable[..., Result]


def test_every_metric_is_listed_with_what_it_is(invoke: Invoke):
    result = invoke("metrics", "list")
    assert result.exit_code == 0
    for name, metric in registry().metrics.items():
        (line,) = [line for line in result.stdout.splitlines() if line.split()[0] == name]
        assert metric.spec.summary in line
    records = json.loads(invoke("metrics", "list", "--json").stdout)
    assert [record["name"] for record in records] == list(registry().metrics)
    assert {record["distribution"] for record in records} == {"zoo-core"}


def test_an_empty_list_says_why(invoke: Invoke, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("zoo_core.cli.metrics.registry", lambda: Registry(entry_points=[]))
    result = invoke("metrics", "list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "zoo-core's own entry point is not installed" in result.stderr
