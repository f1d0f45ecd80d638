"""What a plugin's model is written with: the contract, layers, blocks and losses."""

from zoo_core.models.base import Batch, GenerativeModel, Networks, Phase, Tensor, Tools

__all__ = ["Batch", "GenerativeModel", "Networks", "Phase", "Tensor", "Tools"]
