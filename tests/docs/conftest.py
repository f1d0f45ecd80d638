import importlib
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from zoo_core.registry import registry

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """`install("zoo-gmmn")` lays out a project of `docs/examples` as pip would, from what its `pyproject.toml` says,
    for this process and for those it starts; returns the project's folder. `instead` names files of `docs/examples`
    that are put in the place of some of its modules."""
    site = tmp_path / "site-packages"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", str(site))
    packages = []

    def install(name: str, instead: Mapping[str, str] | None = None) -> Path:
        folder = EXAMPLES / name
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        assert project["name"] == name
        info = site / f"{name.replace('-', '_')}-{project['version']}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {project['version']}\n")
        entry_points = project["entry-points"]["zoo_core"]
        (info / "entry_points.txt").write_text(
            "[zoo_core]\n" + "".join(f"{k} = {v}\n" for k, v in entry_points.items())
        )
        for package in entry_points.values():
            (source,) = folder.glob(f"**/{package}/")
            shutil.copytree(source, site / package, ignore=shutil.ignore_patterns("__pycache__"))
            for module, file in (instead or {}).items():
                shutil.copy(EXAMPLES / file, site / package / module)
            packages.append(package)
        importlib.invalidate_caches()
        registry.cache_clear()
        return folder

    yield install
    for module in [name for name in sys.modules if name.partition(".")[0] in packages]:
        del sys.modules[module]
