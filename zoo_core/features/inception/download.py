"""Fetching the published weights, once, and believing nothing but their hash."""

import hashlib
import http.client
import urllib.request
import warnings
from pathlib import Path

import platformdirs

from zoo_core.errors import ZooError
from zoo_core.features.inception.weights import read_bytes
from zoo_core.files import write_bytes

SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
SIZE = 95_628_359
FILE = "pt_inception-2015-12-05-6726825d.pth"
URLS = (
    f"https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/{FILE}",
    "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
)
"""Where pytorch-fid and torch-fidelity publish the same file."""

TIMEOUT = 30.0
"""Seconds without a byte."""


def published_weights() -> Path:
    """The published weights, from the user's cache or, the first time, from the network.

    Raises:
        ZooError: where they can't be fetched, or are not the published ones; nothing is kept then.
    """
    path = platformdirs.user_cache_path("zoo") / "weights" / FILE
    if path.is_file() and path.stat().st_size == SIZE and _sha256(read_bytes(path)) == SHA256:
        return path
    warnings.warn(f"Downloading the Inception weights, {SIZE / 1e6:.0f} MB, this once.", stacklevel=2)
    write_bytes(path, _download())
    return path


def _download() -> bytes:
    failures = []
    for url in URLS:
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT) as response:
                content = response.read(SIZE + 1)
        except (OSError, http.client.HTTPException) as error:
            failures.append(f"{url}: {error}")
            continue
        if (found := _sha256(content)) == SHA256:
            return content
        failures.append(f"{url}: expected SHA-256 {SHA256}, received {found} in {len(content)} bytes")
    raise ZooError(
        f"Can't download the Inception weights. {'; '.join(failures)}.",
        "Fetch either file on a machine that can, and give it by --weights FILE.",
    )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
