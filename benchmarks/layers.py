"""Three forms of DCGAN's 4x4 stride-2 convolutions: Keras' own, one matrix product, and Winograd's.

    python benchmarks/layers.py

For each layer of DCGAN of width 64, batch 64, on JAX on a CPU. The results and gradients of the forms are checked to
agree first. Prints milliseconds of a call, and of a call with the gradients of inputs and kernel: medians of rounds in
which the forms take turns, so that all see the same machine.
"""

import time
from collections.abc import Callable
from functools import partial
from statistics import median

import jax
import numpy as np

from zoo_core.models.layers import product, winograd

# isort: split
from keras import ops  # after the zoo, which has Keras start with JAX

BATCH, ROUNDS = 64, 15
STAGES = [(32, 3, 64), (16, 64, 128), (8, 128, 256), (28, 1, 64), (14, 64, 128), (7, 128, 256)]
"""Sides and channels of the larger images, channels of the smaller ones."""

CONV = {
    "Keras": partial(ops.conv, strides=2, padding="same"),
    "product": product.conv,
    "Winograd": winograd.conv,
}
CONV_TRANSPOSE = {
    "Keras": partial(ops.conv_transpose, strides=2, padding="same"),
    "product": product.conv_transpose,
    "Winograd": winograd.conv_transpose,
}


def with_gradients(form: Callable) -> Callable:
    def run(x: jax.Array, kernel: jax.Array, cotangent: jax.Array) -> tuple:
        y, pull = jax.vjp(form, x, kernel)
        return y, *pull(cotangent)

    return run


def milliseconds(functions: list[Callable], *arguments: jax.Array) -> list[float]:
    functions = [jax.jit(function) for function in functions]
    results = [jax.tree.leaves(function(*arguments)) for function in functions]
    for result in results[1:]:
        for one, other in zip(result, results[0], strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * float(abs(other).max()))
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(ROUNDS):
        for function, spent in zip(functions, times, strict=True):
            began = time.perf_counter()
            jax.block_until_ready(function(*arguments))
            spent.append(1000 * (time.perf_counter() - began))
    return [median(spent) for spent in times]


def row(name: str, forms: dict[str, Callable], inputs: tuple, kernel: tuple, outputs: tuple) -> str:
    rng = np.random.default_rng(0)
    x, k, y = (jax.numpy.asarray(rng.normal(size=shape), "float32") for shape in (inputs, kernel, outputs))
    shapes = " → ".join("x".join(map(str, shape[1:])) for shape in (inputs, outputs))
    call = milliseconds(list(forms.values()), x, k)
    both = milliseconds([with_gradients(form) for form in forms.values()], x, k, y)
    return f"| {name} | {shapes} | " + " | ".join(f"{ms:.1f}" for ms in call + both) + " |"


def main() -> None:
    columns = [f"{form}, {what}" for what in ("call", "call and gradients") for form in CONV]
    print("| layer | images | " + " | ".join(columns) + " |\n" + "|---" * 8 + "|")
    for side, channels, filters in STAGES:
        large, small = (BATCH, side, side, channels), (BATCH, -(-side // 2), -(-side // 2), filters)
        kernel = (4, 4, channels, filters)
        print(row("Conv2D", CONV, large, kernel, small), flush=True)
        if side % 2 == 0:
            print(row("Conv2DTranspose", CONV_TRANSPOSE, small, kernel, large), flush=True)


if __name__ == "__main__":
    main()
