"""4x4 convolutions with stride 2 and "same" padding as one matrix product and shifted sums, for JAX on a CPU."""

from keras import ops

from zoo_core.models.base import Tensor


def conv(inputs: Tensor, kernel: Tensor) -> Tensor:
    """The convolution with stride 2 and "same" padding as one matrix product.

    Args:
        inputs: (N, H, W, C).
        kernel: (4, 4, C, F).

    Returns:
        (N, ⌈H/2⌉, ⌈W/2⌉, F).
    """
    height, width, channels = inputs.shape[1:]
    h, w = -(-height // 2), -(-width // 2)
    x = ops.pad(inputs, ((0, 0), (1, 2 * h + 1 - height), (1, 2 * w + 1 - width), (0, 0)))  # (N, 2h+2, 2w+2, C)
    x = ops.reshape(x, (-1, h + 1, 2, w + 1, 2, channels))  # 2x2 blocks: (N, h+1, 2, w+1, 2, C)
    x = ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, h + 1, w + 1, 4 * channels))
    # Output pixel (m, n) sees blocks (m, n), (m, n+1), (m+1, n), (m+1, n+1): 16 taps.
    x = ops.concatenate([x[:, p : p + h, q : q + w] for p in (0, 1) for q in (0, 1)], axis=-1)
    kernel = ops.reshape(kernel, (2, 2, 2, 2, channels, -1))  # (p, a, q, b, C, F)
    kernel = ops.reshape(ops.transpose(kernel, (0, 2, 1, 3, 4, 5)), (16 * channels, -1))
    return ops.matmul(x, kernel)  # (N, h, w, F)


def conv_transpose(inputs: Tensor, kernel: Tensor) -> Tensor:
    """The transposed convolution with stride 2 and "same" padding as one matrix product and shifted sums.

    Args:
        inputs: (N, H, W, C).
        kernel: (4, 4, F, C).

    Returns:
        (N, 2H, 2W, F).
    """
    height, width, channels = inputs.shape[1:]
    filters = kernel.shape[2]
    taps = ops.matmul(inputs, ops.transpose(ops.reshape(kernel, (16 * filters, channels))))
    taps = ops.reshape(taps, (-1, height, width, 4, 4, filters))  # (N, H, W, ky, kx, F)
    rows = _interleave(taps, axis=1, taps_axis=3)  # (N, H, 2, W, kx, F)
    rows = ops.reshape(rows, (-1, 2 * height, width, 4, filters))
    columns = _interleave(rows, axis=2, taps_axis=3)  # (N, 2H, W, 2, F)
    return ops.reshape(columns, (-1, 2 * height, 2 * width, filters))


def _interleave(taps: Tensor, axis: int, taps_axis: int) -> Tensor:
    """Overlap-add along one axis: outputs 2m = k1[m] + k3[m-1] and 2m+1 = k2[m] + k0[m+1], stacked after `axis`."""
    k0, k1, k2, k3 = (ops.squeeze(k, taps_axis) for k in ops.split(taps, 4, axis=taps_axis))
    even = k1 + _shift(k3, axis, +1)
    odd = k2 + _shift(k0, axis, -1)
    return ops.stack([even, odd], axis=axis + 1)


def _shift(x: Tensor, axis: int, by: int) -> Tensor:
    """x moved by one along axis, zero where nothing comes in."""
    padding = [(0, 0)] * len(x.shape)
    padding[axis] = (1, 0) if by > 0 else (0, 1)
    kept = [slice(None)] * len(x.shape)
    kept[axis] = slice(0, -1) if by > 0 else slice(1, None)
    return ops.pad(x[tuple(kept)], padding)
