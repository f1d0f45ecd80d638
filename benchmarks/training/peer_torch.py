"""Training loops in native PyTorch, by hand: an environment of its own, nothing of the zoo.

PyTorch's best settings throughout: channels last, fused Adam, gradients set to none, the fakes of one generator pass
for both phases as in PyTorch's own DCGAN example, no gradients of the discriminator's weights in the generator's phase,
the uint8 data set on the device. On a GPU: cuDNN's autotuning, TF32 products for float32, bfloat16 by autocast.

The variants, beside eager: "compile" and "reduce-overhead" compile every loss and the generator's pass, the latter
into CUDA graphs; "graph" captures one whole step into a CUDA graph.
"""

import resource
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import torch
from cases import IMAGES, Batch, Case, random_images
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry
from torch_steps import MODELS, Weights, with_epsilon_of_keras


class OperationCounter(TorchDispatchMode):
    """PyTorch's own formulas; its `FlopCounterMode` puts hooks on modules that don't bear a gradient penalty."""

    total = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        result = function(*args, **(kwargs or {}))
        if function._overloadpacket in flop_registry:
            self.total += flop_registry[function._overloadpacket](*args, **(kwargs or {}), out_val=result)
        return result


class Implementation:
    """See `worker.Implementation`."""

    def __init__(self, case: Case, weights: Weights, name: str, device: str) -> None:
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")  # TF32 on a GPU
        self.variant = name.partition("-")[2] or "eager"
        self.trainer = MODELS[case.model](case, weights, self.variant, device)
        self.versions = {"torch": torch.__version__}
        self._step: Callable[[Tensor], list[Tensor]] | None = None

    def losses(self, batches: Iterable[Batch]) -> list[list[float]]:
        torch.set_float32_matmul_precision("highest")
        torch.backends.cudnn.allow_tf32 = False
        for optimizer in self.trainer.optimizers:
            optimizer.register_step_pre_hook(with_epsilon_of_keras)
        return [[float(loss) for loss in self.step(self.given(batch))] for batch in batches]

    def given(self, batch: Batch) -> dict[str, Tensor]:
        """A batch on the device, with its noise instead of the one drawn."""
        trainer = self.trainer
        tensors = {name: torch.from_numpy(array).to(trainer.device) for name, array in batch.items()}
        noise = {name: tensor.to(trainer.dtype) for name, tensor in tensors.items() if name != "images"}
        return trainer.prepare(tensors["images"]) | noise

    def step(self, batch: Batch) -> list[Tensor]:
        torch.compiler.cudagraph_mark_step_begin()
        losses = self.trainer.update(batch)
        self.trainer.average()
        return losses

    def operations(self, batch: Batch) -> int:
        """Multiplications and additions of one step's matrix products and convolutions."""
        with OperationCounter() as counter:
            self.step(self.given(batch))
        return counter.total

    def run(self, steps: int) -> tuple[int, float]:
        if self._step is None:
            images = torch.from_numpy(random_images(self.trainer.case, IMAGES, seed=0))
            self._images, self._shuffled = images.to(self.trainer.device), self.shuffled()
            self._step = self.captured() if self.variant == "graph" else self.fed
        self.synchronize()
        began = time.perf_counter()
        for indices in islice(self._shuffled, steps):
            self._step(indices)
        self.synchronize()
        return steps, time.perf_counter() - began

    def shuffled(self) -> Iterator[Tensor]:
        """Indices of one batch after another, for ever."""
        while True:
            order, count = torch.randperm(IMAGES, device=self.trainer.device), self.trainer.case.images_per_step
            yield from order[: IMAGES // count * count].split(count)

    def fed(self, indices: Tensor) -> list[Tensor]:
        return self.step(self.trainer.prepare(self._images[indices]))

    def captured(self) -> Callable[[Tensor], list[Tensor]]:
        """Feeding and one whole update as a CUDA graph, as PyTorch's notes on CUDA graphs have it."""
        trainer = self.trainer
        indices = torch.zeros(trainer.case.images_per_step, dtype=torch.int64, device=trainer.device)
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                trainer.update(trainer.prepare(self._images[indices]))
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            losses = trainer.update(trainer.prepare(self._images[indices]))

        def step(batch: Tensor) -> list[Tensor]:
            indices.copy_(batch)
            graph.replay()
            trainer.average()
            return losses

        return step

    def synchronize(self) -> None:
        if self.trainer.device.type == "cuda":
            torch.cuda.synchronize()

    def peak_mib(self) -> float:
        if self.trainer.device.type == "cuda":
            return torch.cuda.max_memory_allocated() / 2**20
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
