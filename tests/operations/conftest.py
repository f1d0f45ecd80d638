"""A small VAE and a small conditional GAN, trained for a few steps on the digits in their native 8x8 pixels."""

from pathlib import Path

import pytest

import zoo_core


@pytest.fixture(scope="session")
def vae_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    options, training = {"width": 4, "latent": 4}, {"steps": 20, "batch_size": 16, "ema": 0.0}
    return zoo_core.train(
        "vae", "digits@8", tmp_path_factory.mktemp("r") / "vae", options=options, training=training
    ).path


@pytest.fixture(scope="session")
def cgan_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    options, training = {"width": 4, "latent": 4}, {"steps": 4, "batch_size": 16}
    return zoo_core.train(
        "cgan", "digits@8", tmp_path_factory.mktemp("r") / "cgan", options=options, training=training
    ).path
