"""Inception as the FID has used it since 2017: the network of 2015-12-05, written once for whatever computes it.

Szegedy et al., "Rethinking the Inception Architecture for Computer Vision" (arXiv:1512.00567), table 1, as in the graph
that TensorFlow published on 2015-12-05, which differs from the paper and from other libraries' Inception-v3:
average pools leave the padding out, the last block pools by maximum, and there are 1008 logits. Names are those of the
converted weights of pytorch-fid and torch-fidelity, whose `feature_extractor_inceptionv3.py` is the reference.
"""

import abc
from typing import Generic, Literal, TypeVar

T = TypeVar("T")
Padding = Literal["same", "valid"]

SIDE = 299
"""Height and width, in pixels, of the images that the network sees."""

FEATURES, LOGITS = 2048, 1008


class Builder(abc.ABC, Generic[T]):
    """What can be done to a batch of activations, whatever `T` holds them."""

    @abc.abstractmethod
    def convolution(
        self, x: T, name: str, channels: int, kernel: tuple[int, int], stride: int = 1, padding: Padding = "same"
    ) -> T:
        """Convolution without bias, BatchNorm (ε 0.001) and ReLU, to so many channels; kernel is (height, width)."""

    @abc.abstractmethod
    def max_pool(self, x: T, stride: int, padding: Padding) -> T:
        """The largest of each 3x3 window."""

    @abc.abstractmethod
    def average_pool(self, x: T) -> T:
        """The mean of each 3x3 window at stride 1, over what of it lies within the image: at a corner, four values."""

    @abc.abstractmethod
    def concatenate(self, branches: list[T]) -> T:
        """Side by side, by channels."""

    @abc.abstractmethod
    def global_average(self, x: T) -> T:
        """The mean over height and width: (N, channels)."""


def inception(build: Builder[T], images: T) -> T:
    """From images of 299x299x3 in [-1, 1) to (N, 2048) features, the input of the last layer."""
    x = build.convolution(images, "Conv2d_1a_3x3", 32, (3, 3), stride=2, padding="valid")  # 149x149
    x = build.convolution(x, "Conv2d_2a_3x3", 32, (3, 3), padding="valid")  # 147x147
    x = build.convolution(x, "Conv2d_2b_3x3", 64, (3, 3))
    x = build.max_pool(x, stride=2, padding="valid")  # 73x73
    x = build.convolution(x, "Conv2d_3b_1x1", 80, (1, 1))
    x = build.convolution(x, "Conv2d_4a_3x3", 192, (3, 3), padding="valid")  # 71x71
    x = build.max_pool(x, stride=2, padding="valid")  # 35x35
    x = _block_a(build, x, "Mixed_5b", pool_channels=32)
    x = _block_a(build, x, "Mixed_5c", pool_channels=64)
    x = _block_a(build, x, "Mixed_5d", pool_channels=64)
    x = _block_b(build, x, "Mixed_6a")  # 17x17
    x = _block_c(build, x, "Mixed_6b", channels=128)
    x = _block_c(build, x, "Mixed_6c", channels=160)
    x = _block_c(build, x, "Mixed_6d", channels=160)
    x = _block_c(build, x, "Mixed_6e", channels=192)
    x = _block_d(build, x, "Mixed_7a")  # 8x8
    x = _block_e(build, x, "Mixed_7b", build.average_pool(x))
    x = _block_e(build, x, "Mixed_7c", build.max_pool(x, stride=1, padding="same"))
    return build.global_average(x)


def _block_a(build: Builder[T], x: T, name: str, pool_channels: int) -> T:
    straight = build.convolution(x, f"{name}.branch1x1", 64, (1, 1))
    wide = build.convolution(x, f"{name}.branch5x5_1", 48, (1, 1))
    wide = build.convolution(wide, f"{name}.branch5x5_2", 64, (5, 5))
    double = build.convolution(x, f"{name}.branch3x3dbl_1", 64, (1, 1))
    double = build.convolution(double, f"{name}.branch3x3dbl_2", 96, (3, 3))
    double = build.convolution(double, f"{name}.branch3x3dbl_3", 96, (3, 3))
    pooled = build.convolution(build.average_pool(x), f"{name}.branch_pool", pool_channels, (1, 1))
    return build.concatenate([straight, wide, double, pooled])


def _block_b(build: Builder[T], x: T, name: str) -> T:
    single = build.convolution(x, f"{name}.branch3x3", 384, (3, 3), stride=2, padding="valid")
    double = build.convolution(x, f"{name}.branch3x3dbl_1", 64, (1, 1))
    double = build.convolution(double, f"{name}.branch3x3dbl_2", 96, (3, 3))
    double = build.convolution(double, f"{name}.branch3x3dbl_3", 96, (3, 3), stride=2, padding="valid")
    return build.concatenate([single, double, build.max_pool(x, stride=2, padding="valid")])


def _block_c(build: Builder[T], x: T, name: str, channels: int) -> T:
    straight = build.convolution(x, f"{name}.branch1x1", 192, (1, 1))
    single = build.convolution(x, f"{name}.branch7x7_1", channels, (1, 1))
    single = build.convolution(single, f"{name}.branch7x7_2", channels, (1, 7))
    single = build.convolution(single, f"{name}.branch7x7_3", 192, (7, 1))
    double = build.convolution(x, f"{name}.branch7x7dbl_1", channels, (1, 1))
    double = build.convolution(double, f"{name}.branch7x7dbl_2", channels, (7, 1))
    double = build.convolution(double, f"{name}.branch7x7dbl_3", channels, (1, 7))
    double = build.convolution(double, f"{name}.branch7x7dbl_4", channels, (7, 1))
    double = build.convolution(double, f"{name}.branch7x7dbl_5", 192, (1, 7))
    pooled = build.convolution(build.average_pool(x), f"{name}.branch_pool", 192, (1, 1))
    return build.concatenate([straight, single, double, pooled])


def _block_d(build: Builder[T], x: T, name: str) -> T:
    single = build.convolution(x, f"{name}.branch3x3_1", 192, (1, 1))
    single = build.convolution(single, f"{name}.branch3x3_2", 320, (3, 3), stride=2, padding="valid")
    double = build.convolution(x, f"{name}.branch7x7x3_1", 192, (1, 1))
    double = build.convolution(double, f"{name}.branch7x7x3_2", 192, (1, 7))
    double = build.convolution(double, f"{name}.branch7x7x3_3", 192, (7, 1))
    double = build.convolution(double, f"{name}.branch7x7x3_4", 192, (3, 3), stride=2, padding="valid")
    return build.concatenate([single, double, build.max_pool(x, stride=2, padding="valid")])


def _block_e(build: Builder[T], x: T, name: str, pooled: T) -> T:
    straight = build.convolution(x, f"{name}.branch1x1", 320, (1, 1))
    single = build.convolution(x, f"{name}.branch3x3_1", 384, (1, 1))
    single_a = build.convolution(single, f"{name}.branch3x3_2a", 384, (1, 3))
    single_b = build.convolution(single, f"{name}.branch3x3_2b", 384, (3, 1))
    double = build.convolution(x, f"{name}.branch3x3dbl_1", 448, (1, 1))
    double = build.convolution(double, f"{name}.branch3x3dbl_2", 384, (3, 3))
    double_a = build.convolution(double, f"{name}.branch3x3dbl_3a", 384, (1, 3))
    double_b = build.convolution(double, f"{name}.branch3x3dbl_3b", 384, (3, 1))
    pooled = build.convolution(pooled, f"{name}.branch_pool", 192, (1, 1))
    return build.concatenate([straight, single_a, single_b, double_a, double_b, pooled])
