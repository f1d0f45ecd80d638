"""The updates of the cases in PyTorch: networks, losses, optimizers, averaged weights."""

import abc
import math
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from cases import BATCH, EMA, PENALTY, Batch, Case
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn
from torch_networks import build

EPSILON = 1e-7  # of Adam
Weights = dict[str, list[np.ndarray]]


class Trainer(abc.ABC):
    """One case's networks, optimizers and averages.

    Attributes:
        trained: the networks of each optimizer.
        inference: the networks whose weights are averaged.
        compiled: the methods that `torch.compile` is for.
    """

    trained: tuple[tuple[str, ...], ...]
    inference: tuple[str, ...]
    compiled: tuple[str, ...]

    def __init__(self, case: Case, weights: Weights, variant: str, device: str) -> None:
        self.case, self.device = case, torch.device("cuda" if device == "gpu" else "cpu")
        self.dtype = torch.float64 if case.precision == "float64" else torch.float32
        self.networks = {name: net.to(self.dtype) for name, net in build(case, weights, self.device).items()}
        rate, *betas = case.adam
        settings = {"betas": betas, "eps": EPSILON, "fused": True, "capturable": variant == "graph"}
        self.optimizers = [torch.optim.Adam(self.parameters(names), rate, **settings) for names in self.trained]
        self.averaged = self.parameters(self.inference)
        self.averages = [parameter.detach().clone() for parameter in self.averaged]
        self.steps = 0
        if variant in ("compile", "reduce-overhead"):
            mode = "default" if variant == "compile" else variant
            for method in self.compiled:
                setattr(self, method, torch.compile(getattr(self, method), mode=mode, dynamic=False))

    @abc.abstractmethod
    def update(self, batch: Batch) -> list[Tensor]:
        """One step without averaging: the losses of its phases."""

    def parameters(self, names: tuple[str, ...]) -> list[nn.Parameter]:
        return [parameter for name in names for parameter in self.networks[name].parameters()]

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
    trained = (("discriminator",), ("generator",))
    inference = ("generator",)
    compiled = ("generate", "judge_loss", "generator_loss")

    @property
    def judge(self) -> nn.Module:
        return self.networks[self.trained[0][0]]

    def update(self, batch: Batch) -> list[Tensor]:
        fakes = self.generate(batch["normal"])
        loss = minimize(self.optimizers[0], self.judge_loss(batch["images"], fakes.detach()))
        return [loss, self.update_generator(fakes)]

    def update_generator(self, fakes: Tensor) -> Tensor:
        self.judge.requires_grad_(False)
        loss = minimize(self.optimizers[1], self.generator_loss(fakes))
        self.judge.requires_grad_(True)
        return loss

    def generate(self, z: Tensor) -> Tensor:
        with self.autocast():
            return self.networks["generator"](z)

    def judge_loss(self, reals: Tensor, fakes: Tensor) -> Tensor:
        with self.autocast():
            logits = [self.judge(images).to(self.dtype) for images in (reals, fakes)]
        return F.softplus(-logits[0]).mean() + F.softplus(logits[1]).mean()

    def generator_loss(self, fakes: Tensor) -> Tensor:
        with self.autocast():
            logits = self.judge(fakes).to(self.dtype)
        return F.softplus(-logits).mean()


class WGANGP(DCGAN):
    trained = (("critic",), ("generator",))

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
        mixed = torch.lerp(fakes, reals, uniform)
        with self.autocast():
            gradients = torch.func.grad(lambda x: self.judge(x).sum())(mixed)
            scores = [self.judge(images).to(self.dtype).mean() for images in (fakes, reals)]
        norms = gradients.to(self.dtype).flatten(1).norm(dim=1)
        return scores[0] - scores[1] + PENALTY * (norms - 1.0).square().mean()

    def generator_loss(self, fakes: Tensor) -> Tensor:
        with self.autocast():
            return -self.judge(fakes).to(self.dtype).mean()


class VAE(Trainer):
    trained = (("encoder", "decoder"),)
    inference = ("encoder", "decoder")
    compiled = ("loss",)

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
