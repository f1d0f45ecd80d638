"""What a run records of the machine and the software that it ran on."""

import importlib.metadata
import platform
import subprocess
from typing import Any

import keras

from zoo_core.cores import count_cores

PACKAGES = ("zoo-core", "keras", "numpy", "scipy", "scikit-image", "scikit-learn", "pillow", "h5py")

RUNTIMES = {"jax": ("jax", "jaxlib"), "torch": ("torch",), "tensorflow": ("tensorflow",)}


def describe_environment(device: str, devices: int, precision: str) -> dict[str, Any]:
    """Backend, devices, precision, cores, package versions, and the git commit of the working folder if it has one."""
    name = keras.backend.backend()
    return {
        "backend": name,
        "device": device,
        "devices": devices,
        "precision": precision,
        "cores": count_cores(),
        "platform": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {package: importlib.metadata.version(package) for package in (*PACKAGES, *RUNTIMES[name])},
        "git": _git_commit(),
    }


def _git_commit() -> str | None:
    try:
        command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--match="]
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip() or None
    except (OSError, subprocess.SubprocessError):
        return None
