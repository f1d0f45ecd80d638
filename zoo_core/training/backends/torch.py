"""torch: the step is traced once into a flat graph of its operations, gradients and optimizer included, and replayed.

Keras' layers cost more Python than the arithmetic of a small model; the graph has none of it. The state is changed in
place, as Keras' torch optimizers do.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import MethodType
from typing import Any

import keras
import numpy as np
import torch
from torch.utils import _pytree as pytree

from zoo_core.errors import UsageError
from zoo_core.models import Tensor
from zoo_core.training import noise
from zoo_core.training.backends.base import Backend, LossOf, Step
from zoo_core.training.backends.torch_graph import trace


class TorchBackend(Backend):
    name = "torch"

    def select_device(self, name: str) -> torch.device:
        if name == "gpu" and not torch.cuda.is_available():
            raise UsageError("torch sees no device 'gpu', only: cpu.", "Install torch with CUDA: https://pytorch.org")
        return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")

    def use_device(self, device: torch.device) -> AbstractContextManager[Any]:
        return keras.device(device.type)

    def describe_device(self, device: torch.device) -> str:
        return f"gpu {torch.cuda.get_device_name(device)}" if device.type == "cuda" else "cpu"

    def set_deterministic(self, wanted: bool) -> None:
        torch.use_deterministic_algorithms(wanted)

    @contextmanager
    def trace(self, folder: Path) -> Iterator[None]:
        folder.mkdir(parents=True, exist_ok=True)
        with torch.profiler.profile() as profile:
            yield
        profile.export_chrome_trace(str(folder / "trace.json"))

    def key(self, seed: int) -> noise.Key:
        return noise.key_of(seed)

    def fold_in(self, key: noise.Key, data: Tensor) -> noise.Key:
        return noise.fold_in(key, data)

    def uniform(self, key: noise.Key, shape: tuple[int, ...]) -> Tensor:
        return noise.uniform(key, shape)

    def grad(self, function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        def gradient(x: Tensor) -> Tensor:
            with torch.enable_grad():
                x = x if x.requires_grad else x.detach().requires_grad_()
                return torch.autograd.grad(function(x), x, create_graph=True)[0]

        return gradient

    def value_and_grad(self, loss_of: LossOf, weights: dict[str, Tensor]) -> tuple[Any, dict[str, Tensor]]:
        with torch.enable_grad():
            leaves = {name: weight.detach().requires_grad_() for name, weight in weights.items()}
            loss, rest = loss_of(leaves)
            gradients = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True, materialize_grads=True)
        detached = pytree.tree_map(lambda value: value.detach() if torch.is_tensor(value) else value, rest)
        return detached, dict(zip(leaves, gradients, strict=True))

    def apply(
        self,
        optimizer: keras.optimizers.Optimizer,
        slots: dict[str, Tensor],
        gradients: dict[str, Tensor],
        weights: dict[str, Tensor],
    ) -> dict[str, Tensor]:
        scaled = getattr(optimizer, "inner_optimizer", optimizer)  # what a LossScaleOptimizer is around
        if isinstance(scaled, keras.optimizers.SGD | keras.optimizers.Adadelta):
            # Theirs for torch makes a Python number of the learning rate, which can't be traced: one for all backends.
            update = keras.optimizers.Optimizer._backend_update_step
            scaled._backend_update_step = MethodType(update, scaled)
        new_weights, new_slots = optimizer.stateless_apply(
            list(slots.values()), [gradients[name] for name in weights], list(weights.values())
        )
        return dict(zip(weights, new_weights, strict=True)) | dict(zip(slots, new_slots, strict=True))

    def hold(self, arrays: Mapping[str, np.ndarray], variables: Mapping[str, keras.Variable]) -> dict[str, Any]:
        return {name: _laid_out(_tensor(array).clone()) for name, array in arrays.items()}

    def compile_step(self, step: Step) -> Step:
        graphs: dict[Any, Callable[..., Any]] = {}

        def run(state: dict, data: dict, batch: dict, active: tuple[bool, ...]) -> tuple[dict, dict]:
            batch = {name: _tensor(array) for name, array in batch.items()}
            signature = (active, *((name, tensor.shape) for name, tensor in batch.items()))
            with torch.no_grad():
                if signature not in graphs:
                    graphs[signature] = trace(
                        lambda state, data, batch: step(state, data, batch, active), state, data, batch
                    )
                return graphs[signature](state, data, batch)

        return run

    def compile(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @torch.no_grad()
        def run(*arguments: Any) -> Any:
            return function(*pytree.tree_map(_tensor, arguments))

        return run

    def to_numpy(self, tensor: Tensor) -> np.ndarray:
        if not torch.is_tensor(tensor):
            return np.array(tensor)
        tensor = tensor.detach().cpu()
        return np.array((tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy())

    def device_memory(self, device: torch.device) -> int | None:
        return torch.cuda.get_device_properties(device).total_memory if device.type == "cuda" else None

    def is_out_of_memory(self, error: Exception) -> bool:
        return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _laid_out(tensor: Tensor) -> Tensor:
    """The kernels of convolutions, (H, W, I, O), as torch's own lie in memory with channels last: (O, H, W, I).

    Keras permutes a kernel's axes for torch, which would otherwise copy it into that order in every call. Resident
    images, uint8 (N, H, W, C), stay as they are, each in one piece.
    """
    if tensor.ndim != 4 or not tensor.is_floating_point():
        return tensor
    return tensor.permute(3, 0, 1, 2).contiguous().permute(1, 2, 3, 0)


def _tensor(array: Any) -> Tensor:
    """NumPy arrays become tensors on the device in use; everything else stays as it is."""
    return keras.ops.convert_to_tensor(array) if isinstance(array, np.ndarray | np.generic) else array
