"""What a plugin's model is written with: the contract, layers, blocks and losses."""

from zoo_core.models.base import Batch, GenerativeModel, Networks, Phase, Tensor, Tools
from zoo_core.models.standardization import standardization

__all__ = ["Batch", "GenerativeModel", "Networks", "Phase", "Tensor", "Tools", "standardization"]
