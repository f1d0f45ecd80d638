"""What `zoo plugins new` writes, installed by pip into an environment of its own, as its author would."""

import json
import os
import subprocess
import sys
import venv
from importlib.util import find_spec
from pathlib import Path
from sysconfig import get_path

import pytest
from click.testing import CliRunner

from zoo_core.cli.main import zoo
from zoo_core.cli.scaffold import TASKS


@pytest.fixture
def python(tmp_path: Path) -> str:
    """The interpreter of a fresh environment, which has what is installed in this one, and pip."""
    folder = tmp_path / "environment"
    venv.create(folder, with_pip=True, symlinks=sys.platform != "win32")
    executable = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    asked = [str(executable), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = Path(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip())
    # Not the option --system-site-packages, which would be those of the Python that this environment was made with.
    (site / "outer.pth").write_text(f"import site; site.addsitedir({get_path('purelib')!r})\n")
    return str(executable)


@pytest.mark.slow
@pytest.mark.parametrize("kind", TASKS)
def test_pip_installs_it_and_it_passes_its_own_tests(python: str, tmp_path: Path, kind: str):
    folder = tmp_path / "zoo-my-model"
    written = CliRunner().invoke(zoo, ["plugins", "new", "my-model", "--kind", kind, "--out", str(folder)])
    assert written.exit_code == 0, written.stderr

    def run(*arguments: str) -> str:
        strict = os.environ | {"ZOO_STRICT_PLUGINS": "1"}  # as the workflow that it brings
        done = subprocess.run([python, *arguments], cwd=folder, capture_output=True, text=True, env=strict)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    # Without a network pip can't fetch what builds the package; its dependencies are there.
    offline = ["--no-build-isolation", "--no-index"] if find_spec("hatchling") else []
    run("-m", "pip", "install", "--disable-pip-version-check", *offline, "-e", ".")
    assert "zoo-my-model" in run("-m", "pip", "list", "--disable-pip-version-check")
    assert " passed" in run("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
    command = "from zoo_core.cli.main import run; run()"
    assert "my-model" in run("-c", command, "plugins", "list")
    if kind == "gan":  # the same checks as in its tests, by the command of its workflow
        checked = json.loads(run("-c", command, "plugins", "check", "my-model", "--json"))
        assert {"passed"} <= {result["outcome"] for result in checked} <= {"passed", "skipped"}
    data = "digits@16~noise25" if kind == "translation" else "digits@8"
    arguments = ("--data", data, "--steps", "2", "-o", "width=4", "--out", str(tmp_path / "run"))
    run("-c", command, "train", "my-model", *arguments)
    assert (tmp_path / "run" / "samples" / "final.png").is_file()
