"""One DCGAN training step with the zoo's convolution layers against the same step with Keras' own, in one process.

    python benchmarks/layers.py

Same weights, same batch; the losses are checked to agree first. Prints milliseconds a step (median of rounds that take
turns, so that both see the same machine) and their ratio.
"""

import sys
import time
from statistics import median

import numpy as np

from zoo_core.data import Dataset, Feeder, Split
from zoo_core.models import blocks, layers
from zoo_core.registry import registry
from zoo_core.training.build import build
from zoo_core.training.jax_backend import Engine

SHAPES = [(16, 16, 1), (28, 28, 1), (32, 32, 3)]
BATCH = 64
ROUNDS, STEPS = 5, 5


def random_data(shape: tuple[int, int, int]) -> Dataset:
    images = np.random.default_rng(0).integers(0, 256, (BATCH, *shape), "uint8")
    return Dataset("random", dict.fromkeys(("train", "validation", "test"), Split(images, None)))


def engine_with(module: object, data: Dataset) -> Engine:
    """An engine on DCGAN whose 4x4 stride-2 layers come from `module`."""
    registered = registry().model("dcgan")
    blocks.layers = module
    try:
        built = build(registered, registered.load()[1](), data.spec, seed=0)
    finally:
        blocks.layers = layers
    return Engine(built.model, built.networks, seed=0, ema=0.999)


def milliseconds(engine: Engine, batch: dict[str, np.ndarray]) -> float:
    began = time.perf_counter()
    for step in range(1, STEPS + 1):
        logs = engine.step(step, batch)
    float(logs["generator/loss"])
    return 1000 * (time.perf_counter() - began) / STEPS


def main() -> None:
    print("| images | Keras, ms | zoo, ms | ratio |\n|---|---|---|---|")
    for shape in SHAPES:
        data = random_data(shape)
        batch = Feeder(data, "train", BATCH, 0).batch(0)
        stock, ours = engine_with(blocks.keras_layers, data), engine_with(layers, data)
        first = [[float(value) for value in engine.step(0, batch).values()] for engine in (stock, ours)]
        np.testing.assert_allclose(*first, rtol=1e-4)
        rounds = [(milliseconds(stock, batch), milliseconds(ours, batch)) for _ in range(ROUNDS)]
        keras, zoo = (median(times) for times in zip(*rounds, strict=True))
        print(f"| {'x'.join(map(str, shape))} | {keras:.0f} | {zoo:.0f} | {keras / zoo:.2f} |")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
