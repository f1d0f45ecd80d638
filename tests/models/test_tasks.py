import pytest

from zoo_core.models.tasks import Likelihood


def test_a_likelihood_says_what_it_is_by_known_words():
    assert Likelihood("exact", "discrete").kind == "exact"
    assert Likelihood("lower bound", "binarized").pixels == "binarized"
    with pytest.raises(ValueError, match="'exact' or a 'lower bound', received 'upper bound'"):
        Likelihood("upper bound", "discrete")
    with pytest.raises(ValueError, match="'discrete' or 'binarized' pixels, received 'gray'"):
        Likelihood("exact", "gray")
