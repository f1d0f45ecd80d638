"""The packages of docs/extensions.md: installed as they are, checked, and used by every command that could."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import zoo_core
from zoo_core import hookspecs
from zoo_core.cli.main import zoo
from zoo_core.testing import CheckResult, check_dataset, check_features, check_metric
from zoo_core.testing.kit import DATASET_CHECKS, FEATURE_CHECKS, METRIC_CHECKS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "docs" / name for name in ("plugins.md", "contract.md", "extensions.md")]
EXTENSIONS = (ROOT / "docs" / "extensions.md").read_text(encoding="utf-8")

TINY = ["--steps", "2", "--batch-size", "4", "-o", "width=2", "-o", "latent=2"]

PROTOCOL = """
name = "sharp-ellipses"
version = 1
summary = "of a third party's data and metric"

[data]
source = "ellipses"
fit = "train"
select = "validation"
reference = "test"
real = 500

[training]
steps = 2
batch_size = 4
seeds = [0]
checkpoint = "final"

[features]
name = "pixels"

[scoring]
generated = 20
seed = 0
metrics = ["prc", "sharpness"]
"""


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(zoo, arguments)


def wrong(results: list[CheckResult]) -> list[CheckResult]:
    return [result for result in results if result.outcome not in ("passed", "skipped")]


def test_every_hook_is_documented():
    pages = "\n".join(page.read_text(encoding="utf-8") for page in PAGES if page.exists())
    for hook in (name for name in vars(hookspecs) if name.startswith("zoo_")):
        assert getattr(hookspecs, hook).__doc__, f"{hook} has no docstring"
        assert f"def {hook}():" in pages, f"{hook} is shown on none of {', '.join(page.name for page in PAGES)}"
        assert f"`{hook}`" in pages, f"{hook} is explained on none of {', '.join(page.name for page in PAGES)}"


@pytest.mark.parametrize(
    ("heading", "checks"),
    [
        ("The checks of a data set", DATASET_CHECKS),
        ("The checks of a feature network", FEATURE_CHECKS),
        ("The checks of a metric", METRIC_CHECKS),
    ],
)
def test_every_check_is_documented(heading: str, checks: tuple[Callable[..., None], ...]):
    _, _, section = EXTENSIONS.partition(f"## {heading}\n")
    documented = re.findall(r"^\| `(\w+)` \|", section.partition("\n## ")[0], re.MULTILINE)
    assert documented == [check.__name__ for check in checks]


@pytest.mark.parametrize(
    ("heading", "record"),
    [
        ("A data set", zoo_core.DatasetSpec),
        ("A feature network", zoo_core.FeatureSpec),
        ("A metric", zoo_core.MetricSpec),
    ],
)
def test_every_field_of_a_record_is_documented(heading: str, record: type):
    _, _, section = EXTENSIONS.partition(f"\n## {heading}\n")
    _, _, table = section.partition(f"`zoo_core.{record.__name__}`:\n")
    rows = re.findall(r"^\| (`.*?`) \|", table.lstrip().partition("\n\n")[0], re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == {field.name for field in fields(record)}


def test_the_data_set_passes_its_checks(install: Callable[[str], Path]):
    install("zoo-ellipses")
    assert wrong(check_dataset("ellipses")) == []


def test_the_feature_network_passes_its_checks(install: Callable[[str], Path]):
    install("zoo-histogram")
    assert wrong(check_features("histogram")) == []


def test_the_metric_passes_its_checks(install: Callable[[str], Path]):
    install("zoo-sharpness")
    assert wrong(check_metric("sharpness")) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["zoo-ellipses", "zoo-histogram", "zoo-sharpness"])
def test_each_package_passes_its_own_tests(install: Callable[[str], Path], name: str):
    tests = install(name) / "tests"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tests)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_the_check_finds_out_what_it_is(install: Callable[[str], Path]):
    install("zoo-sharpness")
    result = invoke("plugins", "check", "sharpness", "--json")
    assert result.exit_code == 0, result.stderr
    assert [record["check"] for record in json.loads(result.stdout)] == [check.__name__ for check in METRIC_CHECKS]


def test_every_listing_shows_them(install: Callable[[str], Path]):
    for name in ("zoo-ellipses", "zoo-histogram", "zoo-sharpness"):
        install(name)
    for command, name in (("datasets", "ellipses"), ("features", "histogram"), ("metrics", "sharpness")):
        records = {record["name"]: record for record in json.loads(invoke(command, "list", "--json").stdout)}
        assert records[name]["distribution"] == f"zoo-{name}"
    (line,) = [line for line in invoke("datasets", "list").stdout.splitlines() if line.startswith("ellipses")]
    assert line.split()[:5] == ["ellipses", "16x16x1", "2", "2000", "200"]
    assert line.split()[-1] == "zoo-ellipses"
    plugins = {record["name"]: record for record in json.loads(invoke("plugins", "list", "--json").stdout)}
    assert (plugins["ellipses"]["datasets"], plugins["sharpness"]["metrics"]) == (["ellipses"], ["sharpness"])


def test_they_train_and_score_and_the_record_says_whose_they_are(
    install: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("zoo-ellipses", "zoo-histogram", "zoo-sharpness"):
        install(name)
    monkeypatch.chdir(tmp_path)
    trained = invoke("train", "vae", "--data", "ellipses@8", "--out", "run", *TINY)
    assert trained.exit_code == 0, trained.stderr
    run = json.loads(Path("run/run.json").read_text())
    assert (run["data"]["name"], run["data"]["plugin"]) == ("ellipses@8", "zoo-ellipses 0.1.0")
    scored = invoke("evaluate", "run", "-n", "20", "--metrics", "sharpness,prc", "--features", "histogram", "--json")
    assert scored.exit_code == 0, scored.stderr
    record = json.loads(scored.stdout)
    assert record["metrics"]["sharpness"]["plugin"] == "zoo-sharpness 0.1.0"
    assert record["metrics"]["sharpness"]["floor"] < record["metrics"]["sharpness"]["value"]
    assert record["metrics"]["precision_histogram"]["plugin"] is None
    assert record["features"]["plugin"] == "zoo-histogram 0.1.0"
    assert record["data"]["plugin"] == "zoo-ellipses 0.1.0"
    assert record["source"]["trained_on"]["plugin"] == "zoo-ellipses 0.1.0"


@pytest.mark.slow
def test_a_protocol_may_name_them_and_a_comparison_takes_them(
    install: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    install("zoo-ellipses")
    install("zoo-sharpness")
    monkeypatch.chdir(tmp_path)
    Path("protocol.toml").write_text(PROTOCOL)
    options = ["-o", "vae.width=2", "-o", "vae.latent=2"]
    done = invoke("compare", "vae", "--protocol", "protocol.toml", "--out", "first", *options, "--json")
    assert done.exit_code == 0, done.stderr
    (record,) = json.loads(done.stdout)["records"]
    assert record["protocol"]["scoring"]["metrics"] == ["prc", "sharpness"]
    assert record["metrics"]["sharpness"]["plugin"] == "zoo-sharpness 0.1.0"


def test_the_data_set_can_be_prepared_as_a_file(
    install: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    install("zoo-ellipses")
    monkeypatch.chdir(tmp_path)
    done = invoke("datasets", "prepare", "ellipses@8", "ellipses.h5", "--workers", "1")
    assert done.exit_code == 0, done.stderr
    same, prepared = zoo_core.load_dataset("ellipses@8"), zoo_core.load_dataset("h5:ellipses.h5")
    assert (same.plugin, same.name) == ("zoo-ellipses 0.1.0", "ellipses@8")
    assert (prepared.spec.image_shape, prepared.classes) == (same.spec.image_shape, same.classes)
    assert sum(prepared.spec.splits.values()) == sum(same.spec.splits.values())  # near duplicates share a split there
    assert zoo_core.load_dataset("ellipses@8~noise25#train+validation").spec.plugin == "zoo-ellipses 0.1.0"
