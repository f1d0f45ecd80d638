"""The bits of `jax.random` on every backend, and the distributions that are made of them."""

import functools
from collections.abc import Callable, Iterator

import jax
import numpy as np
import pytest
from keras import ops
from scipy import stats

from zoo_core.models import Tensor, Tools
from zoo_core.training import noise
from zoo_core.training.backends import backend
from zoo_core.training.precision import computing_in
from zoo_core.training.tools import SamplingTools, TrainingTools

SEEDS = [0, 1, 42, 2**31 - 1]
SHAPES = [(), (1,), (5,), (3, 2, 7)]


@pytest.fixture
def wide() -> Iterator[None]:
    """JAX has no int64 but where floats are wide too."""
    with computing_in("float64"):
        yield


def to_numpy(tensor: Tensor) -> np.ndarray:
    return backend().to_numpy(tensor)


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("seed", SEEDS)
def test_the_bits_are_those_of_jax(seed: int):
    key, expected = noise.key_of(seed), jax.random.key(seed)
    for data in (0, 7, 2**32 - 1):
        key, expected = noise.fold_in(key, data), jax.random.fold_in(expected, data)
        for shape in SHAPES:
            drawn = to_numpy(noise.uniform(key, shape))
            np.testing.assert_array_equal(drawn, jax.random.uniform(expected, shape, "float32"), strict=True)


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("seed", SEEDS)
def test_many_keys_are_as_many_single_ones(seed: int):
    numbers = np.array([0, 3, 1, 2**20], "int32")
    keys, expected = noise.fold_in(noise.key_of(seed), numbers), jax.random.key(seed)
    again = noise.fold_in(keys, 5)
    for shape in SHAPES:
        drawn = to_numpy(noise.uniform(keys, (4, *shape))), to_numpy(noise.uniform(again, (4, *shape)))
        for i, number in enumerate(numbers):
            one = jax.random.fold_in(expected, number)
            np.testing.assert_array_equal(drawn[0][i], jax.random.uniform(one, shape, "float32"))
            np.testing.assert_array_equal(drawn[1][i], jax.random.uniform(jax.random.fold_in(one, 5), shape, "float32"))


def test_the_backend_draws_these_bits():
    """Whatever it has for a key: JAX its own, the others that of this module."""
    on, expected = backend(), jax.random.fold_in(jax.random.key(3), 4)
    key = on.fold_in(on.key(3), ops.cast(4, "int32"))
    np.testing.assert_array_equal(to_numpy(on.uniform(key, (9, 2))), jax.random.uniform(expected, (9, 2)))
    keys = on.fold_in(key, ops.arange(6, dtype="int32"))
    rows = [jax.random.uniform(jax.random.fold_in(expected, i), (2,)) for i in range(6)]
    np.testing.assert_array_equal(to_numpy(on.uniform(keys, (6, 2))), np.stack(rows))


def all_tools(count: int) -> list[Tools]:
    on = backend()
    return [
        TrainingTools(on, on.key(0), ops.zeros((), "int32")),
        SamplingTools(on, on.key(0), ops.arange(count, dtype="int32")),
    ]


@pytest.mark.parametrize("kind", ["training", "sampling"])
def test_noise_has_the_promised_distribution(kind: str):
    """Kolmogorov and Smirnov's test of 50,000 numbers, and neighbours that don't know of each other."""
    tools = all_tools(1000)[kind == "sampling"]
    normal, uniform = to_numpy(tools.normal((1000, 50))), to_numpy(tools.uniform((1000, 50)))
    assert stats.kstest(normal.ravel(), stats.norm.cdf).pvalue > 0.01
    assert stats.kstest(uniform.ravel(), stats.uniform.cdf).pvalue > 0.01
    for array in (normal, uniform):
        for neighbours in (array[:, 1:], array[:, :-1]), (array[1:], array[:-1]):
            assert abs(np.corrcoef(*(part.ravel() for part in neighbours))[0, 1]) < 0.02
    integers = to_numpy(tools.randint((1000, 50), 3))
    assert integers.dtype == np.int32
    assert stats.chisquare(np.bincount(integers.ravel(), minlength=3)).pvalue > 0.01


@pytest.mark.parametrize("uniform", [0.0, 2.0**-23, 0.25, 0.5, 1 - 2.0**-23])
def test_a_normal_number_is_finite_and_the_quantile_of_its_uniform_one(uniform: float, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(TrainingTools, "uniform", lambda self, shape, index: ops.full(shape, uniform, "float32"))
    normal = float(to_numpy(all_tools(1)[0].normal((1,)))[0])
    assert np.isfinite(normal)
    assert stats.norm.cdf(normal) == pytest.approx(uniform, abs=1e-7)


def test_calls_of_a_step_draw_different_noise_and_the_same_again():
    def draw() -> list[np.ndarray]:
        tools = all_tools(4)[0]
        return [to_numpy(tools.normal((4,))), to_numpy(tools.normal((4,))), to_numpy(tools.uniform((4,), 7))]

    one, again = draw(), draw()
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one[0], one[1])


@pytest.mark.parametrize("kind", ["training", "sampling"])
def test_loops_draw_the_same_traced_and_turn_by_turn(kind: str, monkeypatch: pytest.MonkeyPatch):
    """On torch `ops.fori_loop` is a loop in Python; its noise is that of a loop whose body is traced once."""

    def draw() -> np.ndarray:
        tools = all_tools(2)[kind == "sampling"]

        def loop(turns: int) -> Tensor:
            def turn(i: Tensor, x: Tensor) -> Tensor:
                both = ops.stack([tools.normal((2,), index=5 - i), tools.uniform((2,), index=5 - i)])
                return ops.where(ops.reshape(ops.arange(5) == i, (5, 1, 1)), both, x)

            return ops.fori_loop(0, turns, turn, ops.zeros((5, 2, 2)))

        first, second, between, third = loop(3), loop(5), tools.uniform((2,)), loop(5)
        drawn = [to_numpy(array).ravel() for array in (first[:3], between, second, third)]
        return np.concatenate(drawn)

    def in_python(lower: int, upper: int, body: Callable[[int, Tensor], Tensor], x: Tensor) -> Tensor:
        return functools.reduce(lambda x, i: body(i, x), range(lower, upper), x)

    traced = draw()
    monkeypatch.setattr(ops, "fori_loop", in_python)
    np.testing.assert_array_equal(draw(), traced)
    assert len(set(traced)) == len(traced)


def test_noise_of_an_image_does_not_depend_on_its_batch():
    def draw(numbers: list[int], index: int | None = None) -> np.ndarray:
        tools = SamplingTools(backend(), backend().key(0), ops.convert_to_tensor(numbers, "int32"))
        tools.uniform((len(numbers), 2))
        return to_numpy(tools.normal((len(numbers), 5), index))

    np.testing.assert_array_equal(draw([0, 1, 2, 3])[2:], draw([2, 3]))
    assert not np.array_equal(draw([1]), draw([2]))
    assert not np.array_equal(draw([1], 0), draw([1], 1))


def test_sampling_noise_wants_the_image_as_axis_0():
    with pytest.raises(ValueError, match="axis 0 of noise is the image: expected 2"):
        all_tools(2)[1].normal((3, 5))


def test_a_part_of_a_batch_draws_what_it_would_in_the_whole():
    def draw(part: tuple[int, int], count: int) -> np.ndarray:
        tools = TrainingTools(backend(), backend().key(0), ops.zeros((), "int32"), part=part)
        tools.uniform(())  # a number that is not an image's is the same in all parts
        return to_numpy(tools.normal((count, 2)))

    parts = [draw((i, 3), 4) for i in range(3)]
    np.testing.assert_array_equal(np.concatenate(parts), draw((0, 1), 12))
