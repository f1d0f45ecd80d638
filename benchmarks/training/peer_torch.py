"""Training loops in native PyTorch, by hand: an environment of its own, nothing of the zoo.

PyTorch's best settings throughout: channels last, fused Adam, gradients set to none, the fakes of one generator pass
for both phases as in PyTorch's own DCGAN example, no gradients of the discriminator's weights in the generator's phase,
the uint8 data set on the device. On a GPU: cuDNN's autotuning, TF32 products for float32, bfloat16 by autocast.

The variants, beside eager: "compile" and "reduce-overhead" compile every loss and the generator's pass, the latter
into CUDA graphs; "graph" captures one whole step into a CUDA graph.
"""

import math
import resource
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from cases import BATCH, EMA, IMAGES, PENALTY, Batch, Case, random_images
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn
from torch.utils.flop_counter import FlopCounterMode
from torch_networks import build

EPSILON = 1e-7  # of Adam
Weights = dict[str, list[np.ndarray]]


class Trainer:
    """One case's networks, optimizers and averages. `update` is one step without averaging."""

    def __init__(self, case: Case, weights: Weights, variant: str, device: str) -> None:
        self.case, self.device = case, torch.device("cuda" if device == "gpu" else "cpu")
        self.dtype = torch.float64 if case.precision == "float64" else torch.float32
        self.networks = {name: net.to(self.dtype) for name, net in build(case, weights, self.device).items()}
        self.build(variant == "graph")
        if variant in ("compile", "reduce-overhead"):
            mode = "default" if variant == "compile" else variant
            for function in self.compiled:
                setattr(self, function, torch.compile(getattr(self, function), mode=mode, dynamic=False))
        self.averaged = [p for network in self.inference for p in self.networks[network].parameters()]
        self.averages = [p.detach().clone() for p in self.averaged]
        self.steps = 0

    compiled: tuple[str, ...]
    inference: tuple[str, ...]
    update: Callable[[Batch], list[Tensor]]
    build: Callable[[bool], None]

    def adam(self, parameters: Iterable[nn.Parameter], capturable: bool) -> torch.optim.Adam:
        rate, *betas = self.case.adam
        return torch.optim.Adam(parameters, rate, tuple(betas), eps=EPSILON, fused=True, capturable=capturable)

    def autocast(self) -> AbstractContextManager:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.case.precision == "bfloat16")

    def prepare(self, images: Tensor) -> dict[str, Tensor]:
        """A batch of uint8 (N, H, W, C) images as float32 (N, C, H, W) in [-1, 1], with the noise of a step."""
        images = images.permute(0, 3, 1, 2).to(self.dtype).div_(127.5).sub_(1.0)
        noise = {"normal": torch.randn(len(images), self.case.latent, device=self.device)}
        if self.case.model == "wgan-gp":
            noise["uniform"] = torch.rand(len(images), 1, 1, 1, device=self.device)
        return {"images": images, **noise}

    def average(self) -> None:
        """The averaged weights, with the zoo's warm-up."""
        decay = min(EMA, (1 + self.steps) / (10 + self.steps))
        get_ema_multi_avg_fn(decay)(self.averages, self.averaged, self.steps)
        self.steps += 1


def minimize(optimizer: torch.optim.Optimizer, loss: Tensor) -> Tensor:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return loss.detach()


def with_epsilon_of_keras(adam: torch.optim.Adam, *_: Any) -> None:
    """Keras adds ε to the root of the second moment before its bias is corrected, PyTorch after."""
    for group in adam.param_groups:
        done = adam.state[group["params"][0]].get("step", 0)
        group["eps"] = EPSILON / math.sqrt(1.0 - group["betas"][1] ** (int(done) + 1))


class DCGAN(Trainer):
    compiled = ("generate", "judge_loss", "generator_loss")
    inference = ("generator",)
    judge = "discriminator"

    def build(self, capturable: bool) -> None:
        names = (self.judge, "generator")
        self.optimizers = [self.adam(self.networks[name].parameters(), capturable) for name in names]

    def update(self, batch: Batch) -> list[Tensor]:
        fakes = self.generate(batch["normal"])
        loss = minimize(self.optimizers[0], self.judge_loss(batch["images"], fakes.detach()))
        return [loss, self.update_generator(fakes)]

    def update_generator(self, fakes: Tensor) -> Tensor:
        self.networks[self.judge].requires_grad_(False)
        loss = minimize(self.optimizers[1], self.generator_loss(fakes))
        self.networks[self.judge].requires_grad_(True)
        return loss

    def generate(self, z: Tensor) -> Tensor:
        with self.autocast():
            return self.networks["generator"](z)

    def judge_loss(self, reals: Tensor, fakes: Tensor) -> Tensor:
        with self.autocast():
            logits = [self.networks[self.judge](images).to(self.dtype) for images in (reals, fakes)]
        return F.softplus(-logits[0]).mean() + F.softplus(logits[1]).mean()

    def generator_loss(self, fakes: Tensor) -> Tensor:
        with self.autocast():
            logits = self.networks[self.judge](fakes).to(self.dtype)
        return F.softplus(-logits).mean()


class WGANGP(DCGAN):
    judge = "critic"

    def update(self, batch: Batch) -> list[Tensor]:
        parts = [
            {name: array[turn * BATCH : (turn + 1) * BATCH] for name, array in batch.items()}
            for turn in range(self.case.repeat)
        ]
        kept = self.generate(parts[0]["normal"])
        for turn, part in enumerate(parts):
            with torch.no_grad():
                fakes = self.generate(part["normal"]) if turn else kept.detach()
            loss = minimize(self.optimizers[0], self.judge_loss(part["images"], fakes, part["uniform"]))
        return [loss, self.update_generator(kept)]

    def judge_loss(self, reals: Tensor, fakes: Tensor, uniform: Tensor) -> Tensor:
        mixed = torch.lerp(reals, fakes, uniform)
        with self.autocast():
            gradients = torch.func.grad(lambda x: self.networks["critic"](x).sum())(mixed)
            scores = [self.networks["critic"](images).to(self.dtype).mean() for images in (fakes, reals)]
        norms = gradients.to(self.dtype).flatten(1).norm(dim=1)
        return scores[0] - scores[1] + PENALTY * (norms - 1.0).square().mean()

    def generator_loss(self, fakes: Tensor) -> Tensor:
        with self.autocast():
            return -self.networks["critic"](fakes).to(self.dtype).mean()


class VAE(Trainer):
    compiled = ("loss",)
    inference = ("encoder", "decoder")

    def build(self, capturable: bool) -> None:
        self.optimizers = [self.adam(nn.ModuleDict(self.networks).parameters(), capturable)]

    def update(self, batch: Batch) -> list[Tensor]:
        return [minimize(self.optimizers[0], self.loss(batch["images"], batch["normal"]))]

    def loss(self, images: Tensor, noise: Tensor) -> Tensor:
        with self.autocast():
            mean, log_variance = (output.to(self.dtype) for output in self.networks["encoder"](images))
            logits = self.networks["decoder"](mean + torch.exp(0.5 * log_variance) * noise).to(self.dtype)
        reconstruction = F.binary_cross_entropy_with_logits(logits, 0.5 * (images + 1.0), reduction="sum")
        kl = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1.0).sum()
        return (reconstruction + kl) / len(images)


MODELS = {"dcgan": DCGAN, "wgan-gp": WGANGP, "vae": VAE}


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
        with FlopCounterMode(display=False) as counter:
            self.step(self.given(batch))
        return counter.get_total_flops()

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
