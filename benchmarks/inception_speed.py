"""Inception features of photographs of 32x32 pixels: the zoo's runtimes against torch-fidelity, on the same machine.

    ZOO_SHARED_DATA=FOLDER python benchmarks/inception_speed.py --peer-python BENCH_PYTHON [--count 2000] [--rounds 3]

`BENCH_PYTHON` is that of an environment with `benchmarks/requirements.txt`. Each implementation runs in a process of
its own, from uint8 images to float32 features; they take turns, so that all see the same machine. Printed are medians
over the rounds: images a second by the clock and by processor time, without starting and compiling; their ratios to
torch-fidelity's; the rate of operations that this takes, as a share of what NumPy's float32 matrix product reaches
here, which bounds what any implementation without fewer operations can do; and the most memory that the process held.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import numpy as np

PEER = "torch-fidelity"


def extractor(implementation: str, weights: Path) -> tuple[str, Callable[[np.ndarray], np.ndarray]]:
    """The name with the version, and what computes features; imports are here, since no environment has them all."""
    if implementation == PEER:
        import torch
        from agreement import torch_fidelity_peer as peer

        network = peer.load_extractor(weights)
        return f"torch-fidelity 0.4.0, torch {torch.__version__}", lambda images: peer.features(network, images)[0]
    from zoo_core.features.inception import Inception

    inception = Inception.open(weights, implementation)
    return f"zoo, {inception.runtime}", inception.features


def measure(implementation: str, weights: Path, images: Path) -> None:
    """In a process of its own: print what was measured, as JSON."""
    name, features = extractor(implementation, weights)
    batch = np.load(images)
    features(batch[:1])
    began, used = time.perf_counter(), time.process_time()
    features(batch)
    clock, processor = time.perf_counter() - began, time.process_time() - used
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"name": name, "clock": len(batch) / clock, "processor": len(batch) / processor, "MiB": memory}))


def compare(peer_python: str, count: int, rounds: int) -> None:
    """Let the implementations take turns, and print a Markdown table."""
    from agreement.inception_features import PEER as PEER_SCRIPT
    from agreement.inception_features import photographs

    measured: dict[str, list[dict]] = {PEER: [], "keras": []} | ({"openvino": []} if find_spec("openvino") else {})
    with tempfile.TemporaryDirectory() as temporary:
        weights, images, calibration = (Path(temporary, name) for name in ("weights.pth", "images.npy", "few.npy"))
        np.save(images, photographs(Path(os.environ["ZOO_SHARED_DATA"]), count))
        np.save(calibration, np.load(images)[:64])
        subprocess.run([peer_python, PEER_SCRIPT, "weights", calibration, weights], check=True)
        for _ in range(rounds):
            for implementation, results in measured.items():
                python = peer_python if implementation == PEER else sys.executable
                command = [python, __file__, "--measure", implementation, weights, images]
                output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
                results.append(json.loads(output.splitlines()[-1]))

    ceiling, needed = matrix_product(), operations()
    print(
        f"{count} images, median of {rounds} rounds, {os.cpu_count()} cores, {needed / 1e9:.1f} GFLOP an image; ",
        end="",
    )
    print(f"NumPy's float32 matrix product reaches {ceiling / 1e9:.0f} GFLOP/s.\n")
    print("| | images/s | ratio | images per processor second | ratio | of the matrix product's rate | peak MiB |")
    print("|---|---|---|---|---|---|---|")
    for results in measured.values():
        cells = [results[0]["name"]]
        for key in ("clock", "processor"):
            speed, base = (median(result[key] for result in of) for of in (results, measured[PEER]))
            cells += [f"{speed:.1f}", f"{speed / base:.2f}"]
        share = median(result["clock"] for result in results) * needed / ceiling
        print(f"| {' | '.join(cells)} | {share:.0%} | {median(result['MiB'] for result in results):.0f} |")


def matrix_product(side: int = 4096, rounds: int = 5) -> float:
    """Operations a second, the best of several rounds."""
    one, other = np.random.default_rng(0).random((2, side, side), np.float32)
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        one @ other
        seconds.append(time.perf_counter() - began)
    return 2 * side**3 / min(seconds)


def operations() -> int:
    """Multiplications and additions of the network's convolutions for one image, by the Keras runtime's own count."""
    import jax

    from zoo_core.features.inception.architecture import inception
    from zoo_core.features.inception.keras_runtime import KerasBuilder
    from zoo_core.features.inception.weights import expected_shapes

    def array(*shape: int) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(shape, "float32")

    kernels = {name: shape for name, shape in expected_shapes().items() if name.endswith(".conv.weight")}
    convolutions = {
        name.removesuffix(".conv.weight"): (array(height, width, before, after), array(after))
        for name, (after, before, height, width) in kernels.items()
    }
    images = array(1, 299, 299, 3)
    graph = jax.make_jaxpr(lambda weights, x: inception(KerasBuilder(weights), x))(convolutions, images)
    total = 0
    for equation in graph.eqns:
        if equation.primitive.name == "conv_general_dilated":
            kernel, output = equation.invars[1].aval.shape, equation.outvars[0].aval.shape
            total += 2 * int(np.prod(kernel)) * output[1] * output[2]
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--peer-python", help="of the environment that has torch-fidelity")
    parser.add_argument("--count", type=int, default=2000, help="images")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", nargs=3, metavar=("IMPLEMENTATION", "WEIGHTS", "IMAGES"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        implementation, weights, images = arguments.measure
        measure(implementation, Path(weights), Path(images))
    else:
        compare(arguments.peer_python, arguments.count, arguments.rounds)


if __name__ == "__main__":
    main()
