import numpy as np
import pytest

import zoo_core
from zoo_core.testing import parametrize_with_checks


@parametrize_with_checks(["mlp-gan"])
def test_conformance(check):
    check()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "tiny"
    options = {"latent": 2, "width": 4}
    return zoo_core.train("mlp-gan", "digits@8", out, options=options, training={"steps": 2, "batch_size": 4})


def test_each_phase_is_logged(run):
    assert {"discriminator/loss", "discriminator/real_logits", "generator/loss"} <= run.metrics()[-1].keys()


def test_an_image_does_not_depend_on_the_batch_that_it_is_in(run):
    sampler = zoo_core.Sampler.load(run.path)
    at_once, in_pairs = sampler.generate(5, seed=1), sampler.generate(5, seed=1, batch=2)
    assert at_once.shape == (5, 8, 8, 1)
    assert np.abs(at_once.astype(int) - in_pairs).max() <= 1  # of 255 levels
