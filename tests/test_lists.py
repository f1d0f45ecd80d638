from pathlib import Path

import pytest

from zoo_core.lists import as_list


@pytest.mark.parametrize("given", ["img", Path("img")])
def test_one_alone_is_a_list_of_one(given: str | Path):
    assert as_list(given) == as_list([given]) == as_list((given,)) == [given]
