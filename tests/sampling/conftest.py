"""One small conditional GAN and one small VAE, trained for a few steps on random images."""

from pathlib import Path

import pytest

from zoo_core import api
from zoo_core.runs import RunFolder

SMALL = {"cgan": {"width": 4, "latent": 8, "embedding": 4}, "vae": {"width": 4, "latent": 4}}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunFolder]:
    """By model, on the digits in their native 8x8 pixels."""
    folder: Path = tmp_path_factory.mktemp("runs")
    training = {"steps": 4, "batch_size": 8}
    return {
        model: api.train(model, "digits@8", folder / model, options=options, training=training)
        for model, options in SMALL.items()
    }
