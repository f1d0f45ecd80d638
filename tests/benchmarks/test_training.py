"""The benchmark of training speed: its cases, its table, and that the README shows what was measured."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "training"
MEASURED = {
    "images": 64,
    "operations": 3 * 10**9,
    "matrix_product": 10**11,
    "precision": "float32",
    "machine": "a machine",
    "platform": "Linux",
    "python": "3.11",
    "date": "2026-11-21",
    "commit": "abc",
    "command": "run.py",
    "implementations": {
        name: {"milliseconds": times, "peak_mib": 500, "losses_differ": [1e-6, 1e-3], "versions": {"torch": "2"}}
        for name, times in (
            ("torch", [90, 120, 100]),
            ("torch-compile", [80, 80, 90]),
            ("keras", [400, 400, 400]),
            ("zoo-jax", [60, 50, 10]),
        )
    },
}


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)  # where dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def table() -> ModuleType:
    return load("table")


@pytest.fixture(scope="module")
def cases() -> ModuleType:
    return load("cases")


def test_the_readme_is_up_to_date(table: ModuleType):
    readme = table.README.read_text(encoding="utf-8")
    assert table.with_results(readme) == readme, "run: python benchmarks/training/table.py"


def test_a_row_holds_the_median_its_ratios_to_its_peers_and_its_rate(table: ModuleType):
    assert table.rows_of("dcgan-32", MEASURED)[3] == [
        *("dcgan-32", "zoo-jax", "50", "1280", "2.00", "1.60", "8.00", "60%", "500", "1e-06"),
    ]


def test_without_a_peer_its_ratio_is_empty(table: ModuleType):
    alone = MEASURED | {"implementations": {"zoo-jax": MEASURED["implementations"]["zoo-jax"]}}
    assert table.rows_of("dcgan-32", alone)[0][4:7] == ["", "", ""]


def test_a_section_has_a_caption_a_table_and_the_engines_own_costs(table: ModuleType, tmp_path: Path):
    results = {"cases": {"dcgan-32": MEASURED, "vae-32": MEASURED}, "engine": {"overhead": "1.0%"}}
    (tmp_path / "cpu.json").write_text(json.dumps(results))
    caption, rows, engine = table.section(tmp_path).strip().split("\n\n")
    assert caption.count("a machine") == 1
    assert "reaches 0.10 TFLOP/s in float32." in caption
    assert len(rows.splitlines()) == 2 + 2 * 4
    assert engine.splitlines()[-1] == "| overhead | 1.0% |"


def test_a_case_halves_its_side_as_the_zoos_blocks_do(cases: ModuleType):
    from zoo_core.models.blocks import halvings

    for case in cases.CASES.values():
        assert case.stages == halvings(case.shape, case.name)


def test_all_implementations_are_given_the_same_batches(cases: ModuleType):
    case = cases.CASES["wgan-gp-32"]
    one, again = cases.agreement_batches(case), cases.agreement_batches(case)
    assert {name: array.shape for name, array in one[0].items()} == {
        "images": (320, 32, 32, 3),
        "normal": (320, 100),
        "uniform": (320, 1, 1, 1),
    }
    for name in one[0]:
        np.testing.assert_array_equal(one[3][name], again[3][name])
        assert (one[3][name] != one[4][name]).any()


def test_weights_come_back_by_network_in_their_order(cases: ModuleType, tmp_path: Path):
    weights = {"generator": [np.full(i + 1, i) for i in range(12)], "critic": [np.zeros((2, 3))]}
    cases.save_weights(tmp_path / "weights.npz", weights)
    found = cases.load_weights(tmp_path / "weights.npz")
    assert found.keys() == weights.keys()
    for name in weights:
        for one, other in zip(found[name], weights[name], strict=True):
            np.testing.assert_array_equal(one, other)
