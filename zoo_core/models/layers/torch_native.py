"""What torch has of its own for layers that Keras puts together from smaller parts: less memory is written.

Keras' arrays have their channels last, (N, H, W, C), which is (N, C, H, W) in torch's channels-last order: an axis is
moved, and nothing is copied.
"""

import torch
import torch.nn.functional as F

from zoo_core.models.base import Tensor


def conv(inputs: Tensor, kernel: Tensor) -> Tensor:
    """The convolution with stride 2 and "same" padding.

    Args:
        inputs: (N, H, W, C).
        kernel: (4, 4, C, F).

    Returns:
        (N, ⌈H/2⌉, ⌈W/2⌉, F).
    """
    height, width = inputs.shape[1:3]
    x = inputs.permute(0, 3, 1, 2)  # (N, C, H, W)
    if height % 2 or width % 2:
        x = F.pad(x, (0, width % 2, 0, height % 2))
    return F.conv2d(x, kernel.permute(3, 2, 0, 1), stride=2, padding=1).permute(0, 2, 3, 1)


def conv_transpose(inputs: Tensor, kernel: Tensor) -> Tensor:
    """The transposed convolution with stride 2 and "same" padding.

    Args:
        inputs: (N, H, W, C).
        kernel: (4, 4, F, C).

    Returns:
        (N, 2H, 2W, F).
    """
    x = inputs.permute(0, 3, 1, 2)  # (N, C, H, W)
    return F.conv_transpose2d(x, kernel.permute(3, 2, 0, 1), stride=2, padding=1).permute(0, 2, 3, 1)


def batch_norm(
    inputs: Tensor, gamma: Tensor | None, beta: Tensor | None, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Batch normalization by the statistics of a batch of more than one value for each channel.

    Args:
        inputs: (N, ..., C).
        gamma, beta: (C,).

    Returns:
        (N, ..., C), and the batch's mean and its (biased) variance, (C,), which bear no gradients.
    """
    x = inputs.movedim(-1, 1)
    x, mean, inverse = torch.native_batch_norm(x, gamma, beta, None, None, True, 0.0, epsilon)
    return x.movedim(1, -1), mean, torch.clamp(inverse**-2 - epsilon, min=0.0)  # of 1/√(variance + ε)
