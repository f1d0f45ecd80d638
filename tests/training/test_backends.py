"""What the engine asks of a backend, of the one that Keras runs on."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo_core.errors import UsageError
from zoo_core.training.backends import Backend, backend


def to_numpy(tensor: object) -> np.ndarray:
    return backend().to_numpy(tensor)


def test_it_is_the_one_that_keras_runs_on():
    assert backend().name == keras.backend.backend()
    assert backend() is backend()


def test_a_keras_that_can_not_train_is_a_usage_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "numpy")
    with pytest.raises(UsageError, match="Keras runs on numpy, expected one of jax, torch, tensorflow"):
        backend.__wrapped__()


def test_a_gradient_can_be_differentiated_again():
    on, x = backend(), ops.convert_to_tensor(np.array([1.0, 2.0], "float32"))
    np.testing.assert_allclose(to_numpy(on.grad(lambda x: ops.sum(x**3))(x)), [3.0, 12.0])
    second = on.grad(lambda x: ops.sum(on.grad(lambda y: ops.sum(y**3))(x)))
    np.testing.assert_allclose(to_numpy(second(x)), [6.0, 12.0])


def test_a_shape_is_that_of_what_is_computed():
    on, x = backend(), np.ones((2, 3), "float32")
    assert on.shape_of(lambda x: ops.transpose(x) + 1, x) == Backend.shape_of(on, ops.transpose, x) == (3, 2)


def test_weights_that_a_loss_does_not_use_have_a_gradient_of_zero():
    on = backend()
    weights = on.hold({"used": np.array([1.0, 2.0], "float32"), "unused": np.ones(3, "float32")}, {})

    def loss_of(weights: dict) -> tuple:
        return ops.sum(weights["used"] ** 2), {"twice": 2 * weights["used"]}

    rest, gradients = on.value_and_grad(loss_of, weights)
    np.testing.assert_array_equal(to_numpy(rest["twice"]), [2.0, 4.0])
    np.testing.assert_array_equal(to_numpy(gradients["used"]), [2.0, 4.0])
    np.testing.assert_array_equal(to_numpy(gradients["unused"]), np.zeros(3))


def test_an_update_changes_weights_and_slots_by_name():
    on, optimizer = backend(), keras.optimizers.SGD(0.5, momentum=0.5)
    variables = {name: keras.Variable(np.ones(2, "float32"), name=name) for name in ("b", "a")}
    optimizer.build(list(variables.values()))
    slots = {f"slot{i}": variable for i, variable in enumerate(optimizer.variables)}
    arrays = {name: to_numpy(variable.value) for name, variable in (variables | slots).items()}
    state = on.hold(arrays, variables | slots)
    gradients = on.hold({"a": np.array([2.0, 4.0], "float32"), "b": np.zeros(2, "float32")}, {})
    state |= on.apply(
        optimizer, {name: state[name] for name in slots}, gradients, {name: state[name] for name in variables}
    )
    np.testing.assert_array_equal(to_numpy(state["a"]), [0.0, -1.0])
    np.testing.assert_array_equal(to_numpy(state["b"]), [1.0, 1.0])
    assert int(to_numpy(state["slot0"])) == 1  # iterations


def test_what_is_held_comes_back_and_is_nobody_else_s():
    arrays = {"step": np.array(3, "int32"), "w": np.arange(6, dtype="float32").reshape(2, 3)}
    held = backend().hold(arrays, {})
    arrays["w"][:] = 0
    back = {name: to_numpy(array) for name, array in held.items()}
    np.testing.assert_array_equal(back["w"], np.arange(6, dtype="float32").reshape(2, 3), strict=True)
    np.testing.assert_array_equal(back["step"], np.array(3, "int32"), strict=True)
    back["w"][:] = 0  # a copy, and one that can be written to
    assert to_numpy(held["w"]).any()


def test_bfloat16_comes_as_float32():
    array = to_numpy(ops.cast(np.array([1.5, -2.0]), "bfloat16"))
    np.testing.assert_array_equal(array, np.array([1.5, -2.0], "float32"), strict=True)


def test_a_compiled_function_takes_mappings_and_numpy_arrays():
    double = backend().compile(lambda weights, number, images: weights["w"] * number + ops.cast(images, "float32"))
    weights = backend().hold({"w": np.array([1.0, 2.0], "float32")}, {})
    for number in (2, 3):
        result = to_numpy(double(weights, np.float32(number), np.array([1, 255], "uint8")))
        np.testing.assert_array_equal(result, np.array([number + 1, 2 * number + 255], "float32"))


def test_a_device_that_is_not_there_is_a_usage_error():
    on = backend()
    cpu = on.select_device("cpu")
    assert on.describe_device(cpu) == "cpu"
    assert on.device_memory(cpu) is None
    if on.describe_device(on.select_device("auto")) != "cpu":
        pytest.skip("there is a GPU")
    with pytest.raises(UsageError, match="sees no device 'gpu', only: cpu"):
        on.select_device("gpu")


def test_only_memory_that_runs_out_is_memory_that_runs_out():
    assert not backend().is_out_of_memory(ValueError("shapes do not fit"))
    with pytest.raises(Exception, match=r"(?i)memory|exhausted|OOM") as caught:
        to_numpy(ops.sum(ops.ones((2**21, 2**24), "float32") + 1))
    assert backend().is_out_of_memory(caught.value)


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="of torch's memory formats")
def test_kernels_lie_in_memory_as_the_convolutions_of_torch_take_them():
    import torch

    kernel = np.random.default_rng(0).normal(size=(4, 3, 2, 5)).astype("float32")
    held = backend().hold({"kernel": kernel, "images": np.zeros((4, 3, 2, 5), "uint8")}, {})
    assert held["kernel"].permute(3, 2, 0, 1).is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_array_equal(to_numpy(held["kernel"]), kernel)
    assert held["images"].is_contiguous()  # a batch is gathered from it
