"""From what people ask for to cells: the same request always gives the same ones, and what is wrong is told first."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo_core.comparing.cell import Cell
from zoo_core.comparing.plan import Plan, cells_of, read_plan
from zoo_core.data import sources
from zoo_core.errors import UsageError
from zoo_core.evaluation import protocol
from zoo_core.registry import registry

OPTIONS = """
from pydantic import Field
import zoo_core

class Options(zoo_core.Options):
    width: int = Field(64, ge=8, description="")
    loss: str = Field("hinge", description="")
    channels: tuple[int, ...] = Field((8,), description="")
"""

METRICS = """
import zoo_core

@zoo_core.hookimpl
def zoo_metrics():
    yield zoo_core.MetricSpec(name="sharp", summary="", target="zoo_sharp.metric:Sharp")
"""

SHARP = """
from zoo_core.evaluation.metric import SampleMetric

class Sharp(SampleMetric):
    name = "sharp"

    def measure(self, sample, evaluand):
        return {}
"""


PUBLISHED: dict[str, Any] = {"data": (), "seeds": None, "protocol": "digits"}


def cells(out: Path = Path("out"), **asked: Any) -> list[Cell]:
    return cells_of(Plan(**{"models": ("vae",), "data": ("digits@8",), "seeds": 1} | asked), out)


@pytest.fixture
def swept(make_plugin: Callable[..., Path]) -> Callable[..., list[dict]]:
    """`swept(width=[8, 16])`: the swept options of each cell of a model with a number, a text and a list."""
    make_plugin("toy", modules={"options": OPTIONS})
    return lambda **options: [cell.swept for cell in cells(models=("toy",), options={"toy": options})]


def test_every_model_is_seen_before_the_next_seed():
    found = cells(models=("vae", "dcgan"), data=("digits@8", "digits"), seeds=2)
    assert [(cell.data, cell.seed, cell.model) for cell in found] == [
        (data, seed, model) for data in ("digits@8", "digits") for seed in (0, 1) for model in ("vae", "dcgan")
    ]
    assert [cell.number for cell in found] == list(range(8))
    assert len({cell.run for cell in found}) == 8


def test_the_same_request_gives_the_same_cells_and_another_one_other_folders():
    assert cells() == cells()
    for other in ({"options": {"vae": {"width": 8}}}, {"training": {"steps": 9}}, {"training": {"images": 9}}):
        assert cells(**other)[0].name != cells()[0].name
    assert cells(count=9)[0].name == cells()[0].name
    assert cells(count=9)[0].asked != cells()[0].asked


def test_seeds_may_be_a_number_or_a_list():
    assert [cell.seed for cell in cells(seeds=(7, 3))] == [7, 3]
    assert len(cells(seeds=None)) == 3


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"width": 16}, [{}]),
        ({"width": [16, 32]}, [{"width": 16}, {"width": 32}]),
        ({"width": [16], "loss": ["a", "b"]}, [{"loss": "a"}, {"loss": "b"}]),
        ({"channels": [1, 2]}, [{}]),
        ({"channels": [[1, 2], [3]]}, [{"channels": [1, 2]}, {"channels": [3]}]),
        (
            {"width": [8, 9], "loss": ["a", "b"]},
            [{"width": width, "loss": loss} for width in (8, 9) for loss in ("a", "b")],
        ),
    ],
)
def test_a_list_of_values_is_swept_unless_the_option_is_a_list(swept, options: dict, expected: list[dict]):
    assert swept(**options) == expected


def test_swept_options_tell_cells_apart(swept):
    with pytest.raises(UsageError, match=r"Bad option of model 'toy': width=4"):
        swept(width=[8, 4])
    with pytest.raises(UsageError, match="has no value to sweep"):
        swept(width=[])
    found = cells(models=("toy",), options={"toy": {"width": [8, 16]}})
    assert [cell.label for cell in found] == ["toy (width=8) on digits@8, seed 0", "toy (width=16) on digits@8, seed 0"]
    assert found[0].name != found[1].name


def test_a_model_of_another_backend_is_told_before_anything_is_trained(torch_only: str):
    with pytest.raises(UsageError, match="Model 'bound' runs on torch alone, and Keras runs on jax"):
        cells(models=("vae", torch_only))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"models": ("vae", "vae")}, "can be compared once"),
        ({"models": ("vay",)}, "Unknown model 'vay'"),
        ({"options": {"vay": {}}}, "Unknown compared model 'vay'"),
        ({"options": {"vae": {"width": -1}}}, "Bad option of model 'vae'"),
        ({"training": {"stepz": 1}}, "Unknown option of training 'stepz'"),
        ({"training": {"steps": 3, "images": 9}}, "one budget, received steps and images"),
        ({"seeds": 0}, "needs models, data sets and seeds"),
        ({"models": ()}, "needs models, data sets and seeds"),
        ({"seeds": (1, 1)}, "has a cell twice"),
        ({"options": {"vae": {"width": [4, 4]}}}, "has a cell twice"),
        ({"metrics": ("fud",)}, "Unknown metric 'fud'"),
        ({"features": "pixls"}, "Unknown feature network 'pixls'"),
        ({"weights": Path("nowhere.h5")}, "There is no file 'nowhere.h5'"),
        ({"protocol": "digits"}, "fixes data, seeds"),
        (PUBLISHED | {"training": {"images": 9, "log_every": 3, "patience": 2}}, r"fixes images, patience\."),
        ({"data": ("digits@8#train+validation",), "training": {"select_every": 5}}, "trains on the images of the"),
        ({"data": ("digits", "digits@16")}, "'digits' and 'digits@16' are the same images"),
        ({"data": ("digits@8~downscale2",)}, "model 'vae' does not look at them"),
        ({"models": ("vae", "srgan")}, "'srgan' makes images from inputs, and 'digits@8' has none"),
        ({"checkpoint": "best"}, "no best checkpoint without scores"),
        (
            {"models": ("vae", "dcgan"), "metrics": ("ssim", "likelihood")},
            "'dcgan' would have no score: it can generate",
        ),
        ({"metrics": ()}, "'vae' would have no score"),
    ],
)
def test_misuse_is_told_before_anything_is_trained(asked: dict, message: str):
    with pytest.raises(UsageError, match=message):
        cells(**asked)


def test_each_model_needs_one_metric_that_applies_and_not_all_of_them():
    assert len(cells(models=("vae", "dcgan"), metrics=("fd", "ssim"))) == 2
    assert len(cells(models=("srgan", "pix2pix"), data=("digits@8~noise25",), metrics=("psnr",))) == 2


def test_another_backend_makes_other_runs(monkeypatch: pytest.MonkeyPatch):
    ours = cells()
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert cells()[0].name != ours[0].name


def test_the_version_of_a_metric_counts_under_a_protocol_too(make_plugin: Callable[..., Path], tmp_path: Path):
    site = make_plugin("sharp", METRICS, modules={"metric": SHARP})
    digits = Path(protocol.__file__).parent / "protocols" / "digits.toml"
    own = re.sub(r"metrics = .*", 'metrics = ["sharp"]', digits.read_text(encoding="utf-8"))
    (tmp_path / "own.toml").write_text(own, encoding="utf-8")
    asked = {"data": (), "seeds": None, "protocol": str(tmp_path / "own.toml")}
    before = cells(**asked)[0].asked
    metadata = site / "zoo_sharp-1.0.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text().replace("Version: 1.0", "Version: 1.1"))
    registry.cache_clear()
    assert cells(**asked)[0].asked != before


def test_a_protocol_fixes_all_but_the_models():
    found = cells(**PUBLISHED, models=("vae", "dcgan"))
    assert [(cell.data, cell.seed) for cell in found] == [("digits", seed) for seed in (0, 0, 1, 1, 2, 2)]
    assert {cell.training["steps"] for cell in found} == {2000}
    assert found[0].scoring.protocol.name == "digits"


def test_beside_a_protocol_the_best_checkpoint_may_be_looked_for_too():
    (cell, *_) = cells(**PUBLISHED, training={"select_every": 500})
    assert (cell.training["select_every"], cell.training["steps"]) == (500, 2000)
    assert cell.scoring.checkpoint == "final"


def test_a_file_holds_a_plan_and_nothing_else(tmp_path: Path):
    file = tmp_path / "plan.toml"
    file.write_text('models = ["vae"]\nseeds = [1, 2]\noptions.vae.width = [2, 4]\n')
    assert read_plan(file) == Plan(models=("vae",), seeds=(1, 2), options={"vae": {"width": [2, 4]}})
    file.write_text('model = ["vae"]')
    with pytest.raises(UsageError, match=r"Unknown option of plan .*'model'. Did you mean 'models'"):
        read_plan(file)


@given(st.dictionaries(st.sampled_from(["vae", "dcgan"]), st.dictionaries(st.sampled_from(["width"]), st.just([2, 4]))))
def test_cells_come_back_from_the_json_that_their_processes_read(options: dict):
    for cell in cells(models=("vae", "dcgan"), options=options, weights=None, metrics=("fd",)):
        assert Cell.model_validate_json(cell.model_dump_json()) == cell


def test_a_cell_tells_how_far_it_is_by_the_last_whole_line_of_its_log(tmp_path: Path):
    (cell,) = cells(tmp_path)
    assert cell.progress() == {}
    cell.run.mkdir(parents=True)
    log = cell.run / "metrics.jsonl"
    for text, step in [("", None), ('{"step": 1', None), ('{"step": 1}\n', 1), ('{"step": 1}\n{"step": 2}\n{"st', 2)]:
        log.write_text(text)
        assert cell.progress().get("step") == step
    log.write_text("".join(json.dumps({"step": step, "noise": "x" * 999}) + "\n" for step in range(200)))
    assert cell.progress()["step"] == 199


def test_how_far_it_is_goes_with_the_newest_score_on_held_out_images(tmp_path: Path):
    (cell,) = cells(tmp_path)
    cell.run.mkdir(parents=True)
    scores = {500: 9.5, 1000: 7.5}
    lines = [{"step": n, "loss": 0.1} | ({"select/fd": scores[n]} if n in scores else {}) for n in range(50, 1251, 50)]
    (cell.run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert cell.progress() == {"step": 1250, "loss": 0.1, "select/fd": 7.5}


def test_a_thousand_cells_are_planned_and_looked_at_in_seconds(
    tmp_path: Path, make_record: Callable, monkeypatch: pytest.MonkeyPatch
):
    loads = []
    load = sources.load_dataset
    monkeypatch.setattr("zoo_core.comparing.plan.load_dataset", lambda *a: loads.append(a) or load(*a))
    began = time.process_time()
    found = cells(tmp_path, models=("vae", "dcgan"), data=("digits@8", "digits"), seeds=250)
    for cell in found[::2]:
        cell.run.mkdir(parents=True)
        (cell.run / "run.json").touch()
        cell.finish(make_record())
    assert sum(cell.state() == "finished" for cell in found) == 500
    assert len(loads) <= 4
    assert time.process_time() - began < 10
