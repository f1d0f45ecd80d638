"""Real photographs with planted faults: every one is found, and next to nothing else is lost."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

import zoo_core
from zoo_core.data import Prepared
from zoo_core.data.preparing import Rules, prepare

PLANTED = Path(__file__).parents[3] / "benchmarks" / "data" / "planted.py"
EACH = 40


def planting() -> ModuleType:
    spec = importlib.util.spec_from_file_location("planted", PLANTED)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.shared_data
def test_planted_faults_are_found_and_every_model_trains_on_the_rest(shared_data: Path, tmp_path: Path):
    faults = planting()
    files, planted = faults.plant(faults.read(shared_data / "cifar10-jpg-subset.tar"), EACH, seed=0)
    faults.write(files, tmp_path / "photos")
    (top,) = (tmp_path / "photos").iterdir()
    report = prepare([str(tmp_path / "photos")], tmp_path / "set.h5", Rules())
    told = json.loads((tmp_path / "set.report.json").read_text())
    found = {f"{top.name}/{entry['path']}": entry for entry in told["images_set_aside"]}

    def reasons(kind: str) -> list[str]:
        return [found[path]["reason"] if path in found else "kept" for path, _ in planted[kind]]

    def detected(kind: str) -> float:
        """Of two alike either may be kept."""
        pairs = [{path, original} & found.keys() for path, original in planted[kind]]
        return sum(map(bool, pairs)) / EACH

    assert set(reasons("truncated")) <= {"truncated", "unreadable"}
    assert set(reasons("no image")) == {"wrong type"}
    assert report.notes["JPEG by its content"] >= EACH  # the wrong extensions, which are kept
    assert "kept" in reasons("wrong extension")
    assert detected("exact copy") == 1
    assert report.overlap >= EACH
    assert detected("jpeg 90") == detected("jpeg 75") == 1
    assert detected("brighter") >= 0.95
    assert detected("jpeg 50") >= 0.85
    ours = {path for pairs in planted.values() for pair in pairs for path in pair}
    assert len(found.keys() - ours) <= 5  # the set has near duplicates of its own
    prepared = Prepared(tmp_path / "set.h5")
    prepared.verify()
    assert prepared.counts["test"] >= 2000 - 2 * EACH
    for model, registered in zoo_core.registry().models.items():
        training = {"steps": 3, "batch_size": 8}
        data = f"h5:{prepared.path}{'~noise25' if 'translate' in registered.spec.tasks else ''}"
        run = zoo_core.train(model, data, tmp_path / model, options={"width": 4}, training=training)
        assert run.metrics()[-1]["step"] == 3
