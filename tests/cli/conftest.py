from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

import zoo_core
from zoo_core.cli.main import zoo


@pytest.fixture
def invoke() -> Callable[..., Result]:
    """Run `zoo` with these arguments in this process."""
    return lambda *arguments, **env: CliRunner().invoke(zoo, arguments, env=env)


@pytest.fixture(scope="session")
def vae_run(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A VAE of 8x8 digits, barely trained."""
    options, training = {"width": 2, "latent": 3}, {"steps": 2, "batch_size": 4}
    out = tmp_path_factory.mktemp("runs") / "vae"
    return str(zoo_core.train("vae", "digits@8", out, options=options, training=training).path)
