"""What all tests share: a clean environment, plugins built on the spot, and the real data sets where there are any."""

import functools
import importlib
import io
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import pytest
from filelock import FileLock
from hypothesis import strategies as st

import zoo_core
from zoo_core.evaluation.record import Cost, DataRecord, Features, Record, Score, Source
from zoo_core.registry import registry

SHARED_DATA = os.environ.get("ZOO_SHARED_DATA", "")
SHARED_FILES = ("mnist.npz", "cifar10-jpg-subset.tar")

MODELS = """
import zoo_core

@zoo_core.hookimpl
def zoo_models():
    yield zoo_core.ModelSpec(
        name="{name}",
        summary="A model for tests",
        target="zoo_{name}.model:Model",
        options="zoo_{name}.options:Options",
        tasks={"generate"},
    )
"""
"""The `__init__.py` of a plugin that is as it should be."""

MODEL = """
class Model:
    def sample(self): ...
"""

OPTIONS = """
from typing import Literal
from pydantic import Field
import zoo_core

class Options(zoo_core.Options):
    width: int = Field(64, ge=8, le=512, description="channels, in [8, 512]")
    rate: float = Field(0.001, gt=0, description="of Adam, above 0")
    loss: Literal["hinge", "logistic"] = Field("hinge", description="of the discriminator")
    depth: int | None = Field(None, ge=1, description="blocks, at least 1; as many as fit where it is not given")
"""

DOUBLING = """
import keras
from keras import ops
from zoo_core.models import GenerativeModel, Phase

class Model(GenerativeModel):
    inference = ("network",)

    def networks(self, data):
        channels = data.image_shape[2]
        ones = keras.initializers.Constant(ops.convert_to_numpy(ops.ones((2, 2, 1, 1)) * ops.eye(channels)))
        double = keras.layers.Conv2DTranspose(channels, 2, strides=2, kernel_initializer=ones)
        inputs = keras.Input(data.fields["inputs"].shape)
        return {"network": keras.Model(inputs, double(inputs))}

    def phases(self):
        return (Phase("error", self.loss, ("network",), keras.optimizers.SGD(0.0)),)

    def loss(self, nets, batch, tools):
        return ops.mean(ops.abs(batch["images"] - nets["network"](batch["inputs"], training=True))), {}

    def transform(self, nets, inputs, tools):
        return nets["network"](inputs, training=False)
"""
"""A model that makes two rows and columns out of one, before and after its training."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = [name for name in SHARED_FILES if not (Path(SHARED_DATA) / name).is_file()] if SHARED_DATA else []
    if SHARED_DATA and not missing:
        return
    reason = f"no {', '.join(missing)} in ZOO_SHARED_DATA" if missing else "ZOO_SHARED_DATA is not set"
    for item in items:
        if item.get_closest_marker("shared_data"):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def shared_data() -> Path:
    """The folder with the real data sets, for tests marked `shared_data`."""
    return Path(SHARED_DATA)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No ZOO_ variable from outside, no features from a cache, and no registry from the test before."""
    for name in list(os.environ):
        if name.startswith("ZOO_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("ZOO_FEATURE_CACHE", "")
    registry.cache_clear()
    yield
    registry.cache_clear()


@pytest.fixture(scope="session")
def damaged() -> Callable[[bytes], st.SearchStrategy[bytes]]:
    """`damaged(content)`: the ways to cut an HDF5 file short, or to alter up to 8 of its bytes."""
    return _damaged


@functools.cache
def _damaged(content: bytes) -> st.SearchStrategy[bytes]:
    with h5py.File(io.BytesIO(content)) as file:
        arrays: list[h5py.Dataset] = []
        file.visititems(lambda name, item: arrays.append(item) if isinstance(item, h5py.Dataset) else None)
        data = {place for a in arrays for place in range(a.id.get_offset(), a.id.get_offset() + a.nbytes)}
    structure = st.sampled_from([place for place in range(len(content)) if place not in data])
    anywhere = st.integers(0, len(content) - 1)

    def alter(changes: dict[int, int]) -> bytes:
        altered = bytearray(content)
        for place, byte in changes.items():
            altered[place] = byte
        return bytes(altered)

    alterations = st.dictionaries(structure | anywhere, st.integers(0, 255), min_size=1, max_size=8)
    return anywhere.map(lambda end: content[:end]) | alterations.map(alter)


@pytest.fixture
def make_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Install a distribution `zoo-NAME`, as pip would lay it out, for this process and for those it starts.

    `make_plugin(name, init=..., version=..., modules={"model": ...})` returns the folder that it is installed in. By
    default the plugin brings the model NAME with its options, and a class that has the method of its task.
    """
    site = tmp_path / "site-packages"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", str(site))

    def make(name: str, init: str = MODELS, version: str = "1.0", modules: dict[str, str] | None = None) -> Path:
        info = f"zoo_{name}-{version}.dist-info"
        files = {
            f"zoo_{name}/__init__.py": init.replace("{name}", name),
            f"zoo_{name}/model.py": MODEL,
            f"zoo_{name}/options.py": OPTIONS,
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: zoo-{name}\nVersion: {version}\n",
            f"{info}/entry_points.txt": f"[zoo_core]\n{name} = zoo_{name}\n",
        }
        files |= {f"zoo_{name}/{module}.py": source for module, source in (modules or {}).items()}
        for path, content in files.items():
            (site / path).parent.mkdir(exist_ok=True)
            (site / path).write_text(content, encoding="utf-8")
        importlib.invalidate_caches()
        return site

    yield make
    for module in list(sys.modules.values()):
        if (getattr(module, "__file__", None) or "").startswith(str(site)):
            del sys.modules[module.__name__]


@pytest.fixture
def torch_only(make_plugin: Callable[..., Path]) -> str:
    """The name of a model that runs on torch alone, and not on JAX as the tests do."""
    make_plugin("bound", MODELS.replace("tasks=", 'backends={"torch"}, tasks='))
    return "bound"


@pytest.fixture
def doubling(make_plugin: Callable[..., Path]) -> str:
    """The name of a model with the task `translate`: each pixel of an input becomes four."""
    make_plugin("doubling", MODELS.replace("generate", "translate"), modules={"model": DOUBLING})
    return "doubling"


@pytest.fixture
def doubling_run(doubling: str, tmp_path: Path) -> Path:
    """A run of it, on inputs of 4x4 and images of 8x8 pixels, gray."""
    out = tmp_path / "runs" / "doubling"
    return zoo_core.train(doubling, "digits@8~downscale2", out, training={"steps": 2, "batch_size": 4}).path


@pytest.fixture
def make_record() -> Callable[..., Record]:
    """`make_record(model, seed, fd, **changes)`: the plausible result record of a run."""
    return _record


def _record(model: str = "dcgan", seed: int = 0, fd: float | None = 12.4, **changes: Any) -> Record:
    """A plausible record. `changes` replace fields of the record, of its source or of its data set."""
    metrics = {}
    if fd is not None:
        metrics["fd_classifier"] = Score(
            value=fd, label="FD (classifier)", better="lower", n_generated=1000, n_reference=360, floor=0.8, n_floor=360
        )
        metrics["precision"] = Score(
            value=0.7 + fd / 1000, label="Precision", better="higher", n_generated=1000, n_reference=360
        )
    if model == "vae":
        metrics["ssim"] = Score(value=0.91, label="SSIM", better="higher", n_generated=360, n_reference=360)
    source = {
        "run": f"runs/{model}-{seed}",
        "model": model,
        "distribution": f"zoo-{model}",
        "version": "0.1.0",
        "trained_on": {"name": "digits@16", "content_hash": "3f" * 32},
        "options": {"width": 32, "latent": 64, "channels": [64, 128]},
        "training": {"steps": 2000, "batch_size": 64, "ema": 0.999},
        "seed": seed,
        "checkpoint": 2000,
        "checkpoint_rule": "final",
        "cost": Cost(
            steps=2000,
            batch_size=64,
            images_seen=128_000,
            seconds=100.0 + 20 * seed,
            wall_seconds=131.5,
            parameters=1_234_567,
            peak_memory_mib=812.3,
        ),
        "environment": {
            "backend": "jax",
            "device": "cpu",
            "precision": "float32",
            "packages": {"keras": "3.15.1"},
        },
    }
    data = {"name": "digits@16", "content_hash": "3f" * 32, "shape": (16, 16, 1), "reference": "test"}
    record = {
        "evaluated": source["run"],
        "features": Features(name="classifier:digits", weights_sha256="9a" * 32),
        "protocol": None,
        "sampling_seed": 0,
        "metrics": metrics,
        "other_checkpoint": None,
        "sampling": None,
        "created": "2026-01-05T12:00:00+00:00",
    }
    for key, value in changes.items():
        next(fields for fields in (record, source, data) if key in fields)[key] = value
    return Record(source=Source(**source), data=DataRecord(**data), **record)


KILLER = """
import os, signal, sys

def hook(name, args):
    path = str(args[1]) if name == "os.rename" else ""
    marker = os.environ["KILLED"]
    if "-s1-" in path and path.endswith("run.json"):
        raise ZeroDivisionError("a bug of the plugin")
    if "-s0-" in path and path.endswith("step-00000004.h5") and not os.path.exists(marker):
        open(marker, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(hook)
"""
"""A `sitecustomize.py`: the first process that trains from seed 0 dies in step 4, before its checkpoint is there, and
none can begin a run from seed 1."""

COMPARED: dict[str, Any] = {
    "models": ["vae"],
    "data": ["digits@8"],
    "seeds": 2,
    "options": {"vae": {"width": 2, "latent": 2}},
    "training": {"steps": 6, "batch_size": 4, "checkpoint_every": 2},
    "count": 80,
    "features": "pixels",
}


@pytest.fixture(scope="session")
def compared_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `zoo_core.compare(**COMPARED)` made, while processes were killed as `KILLER` says."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base  # by all workers
    out = shared / "compared"
    with FileLock(shared / "compared.lock"), pytest.MonkeyPatch.context() as patch:
        if not out.exists():
            site = tmp_path_factory.mktemp("killer")
            (site / "sitecustomize.py").write_text(KILLER)
            patch.setenv("PYTHONPATH", str(site))
            patch.setenv("KILLED", str(site / "killed"))
            patch.setenv("ZOO_FEATURE_CACHE", "")
            zoo_core.compare(**COMPARED, out=out)
    return out


@pytest.fixture
def compared(compared_once: Path, tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """A copy of a finished comparison's folder, and what `zoo_core.compare` made it of; the cell of seed 1 failed."""
    return Path(shutil.copytree(compared_once, tmp_path / "compared")), COMPARED
