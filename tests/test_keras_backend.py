"""Keras' backend is chosen before Keras is there, or not at all."""

import os
import subprocess
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace

import pytest

from zoo_core import keras_backend
from zoo_core.errors import UsageError
from zoo_core.keras_backend import BACKENDS, use_backend


@pytest.fixture(autouse=True)
def all_installed_and_keras_not_yet_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras_backend, "find_spec", lambda name: ModuleSpec(name, None))
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    monkeypatch.setenv("KERAS_BACKEND", "jax")  # put back afterwards, whatever a test makes of it


def running(name: str) -> ModuleType:
    """A Keras that runs on this backend."""
    return SimpleNamespace(backend=SimpleNamespace(backend=lambda: name))  # type: ignore[return-value]


@pytest.mark.parametrize("name", BACKENDS)
def test_what_is_named_is_what_keras_will_run_on(name: str):
    use_backend(name)
    assert os.environ["KERAS_BACKEND"] == name


def test_auto_is_what_keras_backend_says_and_jax_without_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    use_backend("auto")
    assert os.environ["KERAS_BACKEND"] == "torch"
    for unset in ("", None):
        if unset is None:
            monkeypatch.delenv("KERAS_BACKEND")
        else:
            monkeypatch.setenv("KERAS_BACKEND", unset)
        use_backend("auto")
        assert os.environ["KERAS_BACKEND"] == "jax"


def test_another_name_is_refused_from_wherever_it_comes(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(UsageError, match="a backend of jax, torch, tensorflow, received 'numpy'"):
        use_backend("numpy")
    monkeypatch.setenv("KERAS_BACKEND", "openvino")
    with pytest.raises(UsageError, match="received 'openvino'") as caught:
        use_backend("auto")
    assert "KERAS_BACKEND" in caught.value.hint


def test_one_that_is_not_installed_tells_how_to_get_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(keras_backend, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="The backend torch is not installed") as caught:
        use_backend("torch")
    assert caught.value.hint == "pip install 'zoo-core[torch]'"


def test_it_can_not_be_changed_under_a_keras_that_runs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "keras", running("jax"))
    use_backend("jax")
    with pytest.raises(UsageError, match=r"Keras runs on jax already, so torch can't be chosen") as caught:
        use_backend("torch")
    assert "KERAS_BACKEND=torch" in caught.value.hint
    assert os.environ["KERAS_BACKEND"] == "jax"


def test_choosing_imports_neither_keras_nor_a_backend():
    script = "import sys, zoo_core.keras_backend as k; k.use_backend('jax'); print({'keras', 'jax'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
