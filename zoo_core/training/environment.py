"""What a run records of the machine and the software that it ran on."""

import importlib.metadata
import os
import platform
import subprocess
from typing import Any

PACKAGES = ("zoo-core", "keras", "jax", "jaxlib", "numpy", "scipy", "scikit-image", "scikit-learn", "pillow", "h5py")


def describe_environment(device: Any) -> dict[str, Any]:
    """Backend, device, precision, cores, package versions, and the git commit of the working folder if it has one.

    Args:
        device: the JAX device that the run uses.
    """
    return {
        "backend": "jax",
        "device": " ".join(dict.fromkeys((device.platform, device.device_kind))),  # a CPU's kind is "cpu" again
        "precision": "float32",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "platform": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
        "git": _git_commit(),
    }


def _git_commit() -> str | None:
    try:
        command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--match="]
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip() or None
    except (OSError, subprocess.SubprocessError):
        return None
