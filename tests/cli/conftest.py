from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from zoo_core.cli.main import zoo


@pytest.fixture
def invoke() -> Callable[..., Result]:
    """Run `zoo` with these arguments in this process."""
    return lambda *arguments, **env: CliRunner().invoke(zoo, arguments, env=env)
