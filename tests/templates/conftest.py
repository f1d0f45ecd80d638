import importlib
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from zoo_core.cli.main import zoo
from zoo_core.registry import registry


@pytest.fixture
def new_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Path]]:
    """`new_plugin(kind)` writes a package called `zoo-my-model` and lays it out as pip would, for this process and for
    those it starts; returns its folder."""
    site = tmp_path / "site-packages"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", str(site))

    def make(kind: str) -> Path:
        folder = tmp_path / "zoo-my-model"
        done = CliRunner().invoke(zoo, ["plugins", "new", "my-model", "--kind", kind, "--out", str(folder)])
        assert done.exit_code == 0, done.stderr
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        info = site / f"zoo_my_model-{project['version']}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
        )
        ((name, package),) = project["entry-points"]["zoo_core"].items()
        (info / "entry_points.txt").write_text(f"[zoo_core]\n{name} = {package}\n")
        shutil.copytree(folder / "src" / package, site / package)
        importlib.invalidate_caches()
        registry.cache_clear()
        return folder

    yield make
    for module in [name for name in sys.modules if name.partition(".")[0] == "zoo_my_model"]:
        del sys.modules[module]
