"""Real photographs and digits with planted faults: every one is found, and next to nothing else is lost."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import zoo_core
from zoo_core.cli.main import zoo
from zoo_core.data import Prepared

PLANTED = Path(__file__).parents[3] / "benchmarks" / "data" / "planted.py"
EACH = 40


def planting() -> ModuleType:
    spec = importlib.util.spec_from_file_location("planted", PLANTED)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def digits(shared_data: Path, faults: ModuleType) -> dict[str, bytes]:
    """3,000 of MNIST's train images and 1,000 of its test images, as PNG files in folders of their classes."""
    files = {}
    with np.load(shared_data / "mnist.npz") as mnist:
        for split, count in (("train", 3000), ("test", 1000)):
            both = zip(mnist[f"x_{split}"][:count], mnist[f"y_{split}"][:count], strict=True)
            for number, (image, label) in enumerate(both):
                files[f"{split}/{label}/{number:06}.png"] = faults.encoded(Image.fromarray(image), "PNG")
    return files


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.parametrize(("source", "format", "tested"), [("cifar", "JPEG", 2000), ("mnist", "PNG", 1000)])
def test_planted_faults_are_found_and_every_model_trains_on_the_rest(
    source: str, format: str, tested: int, shared_data: Path, tmp_path: Path
):
    faults, photos = planting(), tmp_path / "photos"
    given = faults.read(shared_data / "cifar10-jpg-subset.tar") if source == "cifar" else digits(shared_data, faults)
    files, planted = faults.plant(given, EACH, seed=0)
    faults.write(files, photos)
    tops = list(photos.iterdir())
    top = tops[0] if len(tops) == 1 else photos  # a single folder is stepped over
    result = CliRunner().invoke(zoo, ["datasets", "prepare", str(photos), str(tmp_path / "set.h5"), "--json"])
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    told = json.loads((tmp_path / "set.report.json").read_text())
    found = {str((top / entry["path"]).relative_to(photos)): entry for entry in told["images_set_aside"]}

    def reasons(kind: str) -> list[str]:
        return [found[path]["reason"] if path in found else "kept" for path, _ in planted[kind]]

    def detected(kind: str) -> float:
        """Of two alike either may be kept."""
        pairs = [{path, original} & found.keys() for path, original in planted[kind]]
        return sum(map(bool, pairs)) / EACH

    assert set(reasons("truncated")) <= {"truncated", "unreadable"}
    assert set(reasons("no image")) == {"wrong type"}
    assert report["notes"][f"{format} by its content"] >= EACH  # the wrong extensions, which are kept
    assert "kept" in reasons("wrong extension")
    assert detected("exact copy") == 1
    assert report["overlap"] >= EACH
    assert detected("jpeg 90") == detected("jpeg 75") == 1
    assert detected("brighter") >= 0.95
    assert detected("jpeg 50") >= 0.85
    ours = {path for pairs in planted.values() for pair in pairs for path in pair}
    assert len(found.keys() - ours) <= 5  # the set has near duplicates of its own
    prepared = Prepared(tmp_path / "set.h5")
    prepared.verify()
    assert prepared.counts["test"] >= tested - 2 * EACH
    for model, registered in zoo_core.registry().models.items():
        training = {"steps": 3, "batch_size": 8}
        data = f"h5:{prepared.path}{'~noise25' if 'translate' in registered.spec.tasks else ''}"
        run = zoo_core.train(model, data, tmp_path / model, options={"width": 4}, training=training)
        assert run.metrics()[-1]["step"] == 3
