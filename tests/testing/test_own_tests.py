"""What a plugin's own tests are given."""

import numpy as np
import pytest
from keras import ops

from zoo_core.data import load_dataset
from zoo_core.errors import UsageError
from zoo_core.testing import build_model, loss_of


def weights(built) -> list[np.ndarray]:
    return [ops.convert_to_numpy(weight) for net in built.networks.values() for weight in net.weights]


def test_a_model_is_built_as_zoo_train_builds_it():
    spec = load_dataset("digits@8").spec
    one, again, other = (build_model("dcgan", spec, seed, width=2) for seed in (1, 1, 2))
    assert one.networks["generator"].output_shape == (None, 8, 8, 1)
    assert all(map(np.array_equal, weights(one), weights(again)))
    assert not all(map(np.array_equal, weights(one), weights(other)))
    with pytest.raises(UsageError, match="Unknown option of model 'dcgan'"):
        build_model("dcgan", spec, widht=2)


def test_a_loss_is_that_of_its_formula_and_leaves_the_networks_as_they_are():
    built = build_model("dcgan", load_dataset("digits@8").spec, width=2)
    batch = {"images": np.zeros((4, 8, 8, 1), "float32"), "z": np.ones((4, 100), "float32")}
    before = weights(built)
    loss, logs = loss_of(built.model.discriminator_loss, built.networks, batch)
    assert loss == pytest.approx(2 * np.log(2), abs=0.1)  # of a discriminator that knows nothing
    assert set(logs) == {"accuracy"}
    assert all(map(np.array_equal, before, weights(built)))


def test_noise_is_that_of_the_seed():
    def loss(nets, batch, tools):
        return ops.mean(tools.normal((2, 3))), {"largest": ops.max(batch["images"])}

    values = [loss_of(loss, {}, {"images": np.eye(3, dtype="float32")}, seed) for seed in (1, 1, 2)]
    assert values[0] == values[1] != values[2]
    assert values[0][1] == {"largest": 1.0}
