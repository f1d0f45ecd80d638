from typing import final

import keras

from zoo_core.models import Tensor
from zoo_core.training.variables import assigned, name_variables


def test_weights_without_a_name_are_called_the_same_in_every_build():
    @final
    class Scale(keras.layers.Layer):
        def build(self, shape: tuple[int | None, ...]) -> None:
            self.scale, self.shift = self.add_weight(shape=shape[1:]), self.add_weight(shape=shape[1:])

        def call(self, x: Tensor) -> Tensor:
            return x * self.scale + self.shift

    first, second = (name_variables({"scaler": keras.Sequential([keras.Input((2,)), Scale()])}) for _ in range(2))
    assert list(first) == list(second) == [f"networks/scaler/trainable/00{i}.variable" for i in range(2)]


def test_what_is_not_assigned_keeps_its_value():
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, "linear", name="dense")])
    variables = name_variables({"scaler": network})
    kernel, bias = variables
    network.layers[0].bias.assign([3.0])
    with assigned(variables, {kernel: keras.ops.full((1, 1), 5.0)}):
        found = keras.ops.convert_to_numpy(network(keras.ops.full((1, 1), 2.0)))
    assert found == 5.0 * 2.0 + 3.0
    assert bias == "networks/scaler/trainable/001.bias"
