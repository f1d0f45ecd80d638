"""The network on OpenVINO, for a CPU. An optional dependency: imported only where it is installed."""

# ruff: noqa: E402

import sys

# To import OpenVINO is to be reported to Google Analytics, by a forked process, unless this package is not to be found.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import numpy as np
import openvino as ov
from openvino import opset15 as ops
from openvino.properties import hint

from zoo_core.features.inception.architecture import Builder, Padding, inception
from zoo_core.features.inception.resize import prepare
from zoo_core.features.inception.weights import Convolutions


class OpenVINORuntime:
    """Computes the features of batches, in float32.

    Attributes:
        name: for the record, with its version.
        batch: how many images it takes at a time.
    """

    name = f"openvino {ov.__version__.partition('-')[0]}"
    batch = 16

    def __init__(self, convolutions: Convolutions) -> None:
        self.convolutions = convolutions
        self.compiled: dict[tuple[int, ...], ov.CompiledModel] = {}  # by the shape of the images

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Features (batch, 2048) float32 of images (batch, H, W, C) uint8."""
        if images.shape not in self.compiled:
            self.compiled[images.shape] = self._compile(images.shape)
        return self.compiled[images.shape](images)[0]

    def _compile(self, shape: tuple[int, ...]) -> ov.CompiledModel:
        images = ops.parameter(shape, ov.Type.u8)
        prepared = prepare(ops.gather, ops.convert(images, "f32"))
        features = inception(OpenVINOBuilder(self.convolutions), ops.transpose(prepared, [0, 3, 1, 2]))
        settings = {hint.inference_precision: ov.Type.f32}  # else a CPU that has bfloat16 uses it
        return ov.compile_model(ov.Model([features], [images]), "CPU", settings)


class OpenVINOBuilder(Builder[ov.Node]):
    """Activations are nodes of shape (N, C, H, W), kernels (out, in, H, W)."""

    def __init__(self, convolutions: Convolutions) -> None:
        self.convolutions = convolutions

    def convolution(
        self, x: ov.Node, name: str, channels: int, kernel: tuple[int, int], stride: int = 1, padding: Padding = "same"
    ) -> ov.Node:
        values, bias = self.convolutions[name]
        pads = [side // 2 for side in kernel] if padding == "same" else [0, 0]
        x = ops.convolution(x, values, [stride, stride], pads, pads, [1, 1])
        return ops.relu(x + bias.reshape(-1, 1, 1))

    def max_pool(self, x: ov.Node, stride: int, padding: Padding) -> ov.Node:
        pads = [1, 1] if padding == "same" else [0, 0]
        return ops.max_pool(x, [stride, stride], [1, 1], pads, pads, [3, 3]).output(0)  # 1 would be the indices

    def average_pool(self, x: ov.Node) -> ov.Node:
        return ops.avg_pool(x, [1, 1], [1, 1], [1, 1], [3, 3], exclude_pad=True)

    def concatenate(self, branches: list[ov.Node]) -> ov.Node:
        return ops.concat(branches, axis=1)

    def global_average(self, x: ov.Node) -> ov.Node:
        return ops.reduce_mean(x, [2, 3])
