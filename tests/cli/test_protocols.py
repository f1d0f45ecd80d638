import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from zoo_core.evaluation.protocol import load_protocol, protocol_names

Invoke = Callable[..., Result]


def test_list_names_them_all(invoke: Invoke):
    result = invoke("protocols", "list", "--json")
    assert [protocol["name"] for protocol in json.loads(result.stdout)] == protocol_names()
    table = invoke("protocols", "list").stdout
    assert all(name in table for name in protocol_names())


@pytest.mark.parametrize("name", protocol_names())
def test_what_show_prints_is_the_protocol(invoke: Invoke, tmp_path: Path, name: str):
    copy = tmp_path / "copy.toml"
    copy.write_text(invoke("protocols", "show", name).stdout, encoding="utf-8")
    assert load_protocol(str(copy)) == load_protocol(name)
    assert json.loads(invoke("protocols", "show", name, "--json").stdout)["sha256"] == load_protocol(name).sha256


def test_a_misspelt_name_gets_the_nearest(invoke: Invoke):
    result = invoke("protocols", "show", "minst")
    assert result.exit_code == 2
    assert "Did you mean 'mnist'?" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("compare", "vae", "--protocol", "digits", "--steps", "5"),
        ("compare", "vae", "--protocol", "digits", "--data", "digits"),
        ("compare", "vae", "--protocol", "digits", "--seeds", "2"),
        ("compare", "vae", "--protocol", "digits", "--metrics", "kid"),
        ("compare", "vae", "--protocol", "digits", "-t", "ema=0.9"),
        ("train", "vae", "--protocol", "digits", "--batch-size", "8"),
        ("train", "vae", "--protocol", "digits", "-t", "images=64"),
        ("evaluate", "nowhere", "--protocol", "digits", "--against", "mnist"),
    ],
    ids=" ".join,
)
def test_what_a_protocol_fixes_is_not_to_be_given_too(invoke: Invoke, arguments: tuple[str, ...]):
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert "The protocol digits v1 fixes" in result.stderr


def test_a_dry_run_of_a_protocol_lists_its_seeds(invoke: Invoke, tmp_path: Path):
    options = ("-o", "vae.width=2", "-o", "vae.latent=2")
    result = invoke("compare", "vae", "--protocol", "digits", "--dry-run", "--json", "--out", str(tmp_path), *options)
    assert result.exit_code == 0, result.stderr
    assert [run["seed"] for run in json.loads(result.stdout)] == [0, 1, 2]
