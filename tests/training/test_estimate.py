"""What a run is told to take is what it takes."""

from pathlib import Path

import pytest

import zoo_core
from zoo_core.data import load_dataset
from zoo_core.training import checkpoint
from zoo_core.training.estimate import estimate


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_the_checkpoints_that_stay_take_the_disk_that_was_told(tmp_path: Path, precision: str):
    """At most: here each of the two checkpoints has a best one of its own."""
    options = {"width": 32, "latent": 16}
    training = {"steps": 2, "batch_size": 2, "precision": precision, "checkpoint_every": 1, "select_every": 1}
    told = estimate("vae", load_dataset("digits@8"), options=options, training=training)["disk_mib"]
    run = zoo_core.train("vae", "digits@8", tmp_path / "run", options=options, training=training)
    paths = [*(checkpoint.path_of(run, step) for step in (1, 2)), checkpoint.best_path_of(run, 1)]
    sizes = [path.stat().st_size / 2**20 for path in paths]
    assert told == pytest.approx(sum(sizes) + sizes[-1], rel=0.05)
    assert told >= 2
