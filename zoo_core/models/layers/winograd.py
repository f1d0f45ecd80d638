"""4x4 convolutions with stride 2 by Winograd's minimal filtering, for JAX on a CPU: 9 multiplications in place of 16.

With "same" padding such a convolution is one of 2x2 with stride 1 between blocks of 2x2 pixels (space to depth). In one
dimension, two neighbouring outputs follow from three blocks x and two taps k by three products in place of four,

    m1 = (x0 - x1) k0    m2 = x1 (k0 + k1)    m3 = (x1 - x2) k1    y0 = m1 + m2    y1 = m2 - m3,

which is F(2, 2) of Winograd, "Arithmetic Complexity of Computations" (1980). Nested in two dimensions it is
F(2x2, 2x2), Y = Aᵀ [(G k Gᵀ) ⊙ (Bᵀ x B)] A (Lavin & Gray 2016, "Fast Algorithms for Convolutional Neural Networks",
eq. 8): an input, a filter and an output transform, of additions alone, so that results differ by rounding only. Summed
over channels ⊙ is nine matrix products, where nearly all the time goes.

The transposed convolution uses the transposes of the same transforms, and so do the gradients of both, to any order (in
reverse mode). The transposes are written by hand, for JAX's own are sums of padded slices.

Shapes below are those of the convolution, also where it is transposed: inputs x (N, H, W, C), kernels (4, 4, C, F),
outputs y (N, h, w, F), where h = ⌈H/2⌉, w = ⌈W/2⌉; T = ⌈h/2⌉ by S = ⌈w/2⌉ tiles of 2x2 outputs, each from 3x3 blocks.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache, wraps
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from zoo_core.models.base import Tensor

try:
    from jax.experimental.xla_metadata import set_xla_metadata
except ImportError:  # it is experimental; without it everything is as right, and slower

    def set_xla_metadata(**_: Any) -> AbstractContextManager:
        return nullcontext()


Linear = Callable[[Tensor], Tensor]


def on_cpu() -> bool:
    """Whether JAX computes on a CPU, as far as it can be told while tracing."""
    device = jax.config.jax_default_device or jax.devices()[0]
    return (device if isinstance(device, str) else device.platform) == "cpu"


def conv(x: Tensor, kernel: Tensor) -> Tensor:
    """The convolution with stride 2 and "same" padding.

    Args:
        x: (N, H, W, C).
        kernel: (4, 4, C, F).

    Returns:
        (N, ⌈H/2⌉, ⌈W/2⌉, F).
    """
    height, width = x.shape[1:3]
    input_transform, _ = _input_transforms(height, width)
    filter_transform, _ = _filter_transforms()
    output_transform, _ = _output_transforms(-(-height // 2), -(-width // 2))
    return output_transform(_multiply(input_transform(x), filter_transform(kernel), axis=2))


def conv_transpose(y: Tensor, kernel: Tensor) -> Tensor:
    """The transpose of `conv`, for images of even size.

    Args:
        y: (N, h, w, F).
        kernel: (4, 4, C, F).

    Returns:
        (N, 2h, 2w, C).
    """
    height, width = y.shape[1:3]
    _, input_transform_transposed = _input_transforms(2 * height, 2 * width)
    filter_transform, _ = _filter_transforms()
    _, output_transform_transposed = _output_transforms(height, width)
    return input_transform_transposed(_multiply(output_transform_transposed(y), filter_transform(kernel), axis=1))


def _multiply(terms: Tensor, kernels: Tensor, axis: int) -> Tensor:
    """Nine matrix products: (9, N·T·S, K) by (9, F, 4C), K being that axis of the kernels.

    The kernels are (F, 4C) because their gradient, a product over N·T·S, is then the one that XLA does faster.
    """
    return lax.dot_general(terms, kernels, (((2,), (axis,)), ((0,), (0,))))


@cache
def _input_transforms(height: int, width: int) -> tuple[Linear, Linear]:
    """Bᵀ x B, from (N, H, W, C) to (9, N·T·S, 4C), and its transpose."""
    return _transposes(_call(_transform_inputs), _call(_transform_inputs_transposed, height, width))


@cache
def _filter_transforms() -> tuple[Linear, Linear]:
    """G k Gᵀ, from (4, 4, C, F) to (9, F, 4C), and its transpose."""
    transform, transposed = _call(_transform_kernel), _call(_transform_kernel_transposed)
    swap = _call(_swap)  # a pass over memory; in the other direction XLA makes it part of the product
    return _transposes(lambda kernel: _swap(transform(kernel)), lambda terms: transposed(swap(terms)))


@cache
def _output_transforms(height: int, width: int) -> tuple[Linear, Linear]:
    """Aᵀ m A, from (9, N·T·S, F) to (N, h, w, F), and its transpose."""
    return _transposes(_call(_transform_outputs, height, width), _call(_transform_outputs_transposed))


def _transposes(function: Linear, transpose: Linear) -> tuple[Linear, Linear]:
    """The same two functions, each as the derivative of the other."""
    forward, backward = jax.custom_vjp(function), jax.custom_vjp(transpose)
    forward.defvjp(lambda x: (forward(x), None), lambda _, y: (backward(y),))
    backward.defvjp(lambda y: (backward(y), None), lambda _, x: (forward(x),))
    return forward, backward


def _call(function: Callable[..., Tensor], *static: int) -> Linear:
    """x -> function(x, *static), which XLA calls and does not inline.

    It would otherwise fuse what computes x with each of the terms that x is part of, and compute it several times over.
    """

    @jax.jit
    @wraps(function)
    def compiled(x: Tensor) -> Tensor:
        with set_xla_metadata(inlineable=None):  # within, everything may be inlined
            return function(x, *static)

    def call(x: Tensor) -> Tensor:
        with set_xla_metadata(inlineable="false"):
            return compiled(x)

    return call


def _transform_inputs(x: Tensor) -> Tensor:
    count, height, width, channels = x.shape
    t, s = -(-height // 4), -(-width // 4)
    x = _pad(_pad(x, 1, 1, 4 * t + 3 - height), 2, 1, 4 * s + 3 - width)  # (N, 4T+4, 4S+4, C)
    x = jnp.reshape(x, (count, t + 1, 2, 2, s + 1, 2, 2 * channels))  # (N, T+1, 2 blocks, 2 rows, S+1, 2 blocks, 2C)
    rows = _differences(x[:, :t, 0], x[:, :t, 1], x[:, 1:, 0])  # 3 of (N, T, 2 rows, S+1, 2 blocks, 2C)
    terms = [term for x in rows for term in _differences(x[:, :, :, :s, 0], x[:, :, :, :s, 1], x[:, :, :, 1:, 0])]
    terms = [jnp.transpose(term, (0, 1, 3, 2, 4)) for term in terms]  # 9 of (N, T, S, 2 rows, 2C)
    return jnp.reshape(jnp.stack(terms), (9, count * t * s, 4 * channels))


def _transform_inputs_transposed(terms: Tensor, height: int, width: int) -> Tensor:
    t, s, channels = -(-height // 4), -(-width // 4), terms.shape[2] // 4
    terms = jnp.reshape(terms, (3, 3, -1, t, s, 2, 2 * channels))  # (3, 3, N, T, S, 2 rows, 2C)
    rows = [_differences_transposed(*row, axis=2) for row in terms]  # 3 of (N, T, S+1, 2 blocks, 2 rows, 2C)
    x = _differences_transposed(*rows, axis=1)  # (N, T+1, 2 blocks, S+1, 2 blocks, 2 rows, 2C)
    x = jnp.transpose(x, (0, 1, 2, 5, 3, 4, 6))  # (N, T+1, 2 blocks, 2 rows, S+1, 2 blocks, 2C)
    x = jnp.reshape(x, (-1, 4 * t + 4, 4 * s + 4, channels))
    return x[:, 1 : height + 1, 1 : width + 1]


def _differences(x0: Tensor, x1: Tensor, x2: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What m1, m2 and m3 take from three blocks, the third of which is the first of the next tile."""
    return x0 - x1, x1, x1 - x2


def _differences_transposed(m1: Tensor, m2: Tensor, m3: Tensor, *, axis: int) -> Tensor:
    """Sums along an axis of T tiles, as two of T+1 tiles and 2 blocks."""
    first = _pad(m1, axis, 0, 1) - _pad(m3, axis, 1, 0)
    second = _pad(m2 - m1 + m3, axis, 0, 1)
    return jnp.stack([first, second], axis + 1)


def _transform_kernel(kernel: Tensor) -> Tensor:
    channels, filters = kernel.shape[2:]
    k = jnp.reshape(kernel, (2, 2, 2, 2, channels, filters))  # (2 taps, 2 rows, 2 taps, 2 columns, C, F)
    k = jnp.stack([k[0], k[0] + k[1], k[1]])  # (3, 2 rows, 2 taps, 2 columns, C, F)
    k = jnp.stack([k[:, :, 0], k[:, :, 0] + k[:, :, 1], k[:, :, 1]], 1)  # (3, 3, 2 rows, 2 columns, C, F)
    return jnp.reshape(k, (9, 4 * channels, filters))


def _transform_kernel_transposed(terms: Tensor) -> Tensor:
    channels, filters = terms.shape[1] // 4, terms.shape[2]
    k = jnp.reshape(terms, (3, 3, 2, 2, channels, filters))  # (3, 3, 2 rows, 2 columns, C, F)
    k = k[:2] + k[1:]
    k = k[:, :2] + k[:, 1:]  # (2 taps, 2 taps, 2 rows, 2 columns, C, F)
    return jnp.reshape(jnp.transpose(k, (0, 2, 1, 3, 4, 5)), (4, 4, channels, filters))


def _transform_outputs(terms: Tensor, height: int, width: int) -> Tensor:
    t, s, filters = -(-height // 2), -(-width // 2), terms.shape[2]
    m = jnp.reshape(terms, (3, 3, -1, t, s, filters))  # (3, 3, N, T, S, F)
    m = jnp.stack([m[0] + m[1], m[1] - m[2]], 3)  # (3, N, T, 2, S, F)
    y = jnp.stack([m[0] + m[1], m[1] - m[2]], 4)  # (N, T, 2, S, 2, F)
    return jnp.reshape(y, (-1, 2 * t, 2 * s, filters))[:, :height, :width]


def _transform_outputs_transposed(y: Tensor) -> Tensor:
    count, height, width, filters = y.shape
    t, s = -(-height // 2), -(-width // 2)
    y = _pad(_pad(y, 1, 0, height % 2), 2, 0, width % 2)
    y = jnp.reshape(y, (count, t, 2, s, 2, filters))
    m = jnp.stack([y[:, :, 0], y[:, :, 0] + y[:, :, 1], -y[:, :, 1]])  # (3, N, T, S, 2, F)
    m = jnp.stack([m[..., 0, :], m[..., 0, :] + m[..., 1, :], -m[..., 1, :]], 1)  # (3, 3, N, T, S, F)
    return jnp.reshape(m, (9, count * t * s, filters))


def _swap(matrices: Tensor) -> Tensor:
    return jnp.swapaxes(matrices, 1, 2)


def _pad(x: Tensor, axis: int, before: int, after: int) -> Tensor:
    """Zeros at the ends of one axis."""
    return lax.pad(x, jnp.zeros((), x.dtype), [(before, after, 0) if i == axis else (0, 0, 0) for i in range(x.ndim)])
