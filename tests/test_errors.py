import pytest

from zoo_core.errors import Interrupted, UnsupportedShape, UsageError, ZooError, counted, unknown


@pytest.mark.parametrize(("kind", "code"), [(ZooError, 1), (UsageError, 2), (UnsupportedShape, 2), (Interrupted, 130)])
def test_exit_codes_tell_whose_mistake_it_was(kind: type[ZooError], code: int):
    assert kind("Expected a cat.").exit_code == code


def test_message_and_hint_are_both_readable_from_python():
    assert str(UsageError("Expected a cat.", "Bring one.")) == "Expected a cat. Bring one."
    assert str(UsageError("Expected a cat.")) == "Expected a cat."


@pytest.mark.parametrize("typo", ["dcgn", "dgcan", "dcgans"])
def test_a_typo_names_the_nearest(typo: str):
    error = unknown("model", typo, ["vae", "dcgan", "cgan-projection"])
    assert error.message == f"Unknown model '{typo}'."
    assert error.hint == "Did you mean 'dcgan'?"


def test_what_is_near_nothing_lists_everything():
    assert unknown("model", "transformer", ["vae", "dcgan"]).hint == "Known: dcgan, vae."
    assert unknown("model", "vae", []).hint == "Known: none."
    assert unknown("model", "vae", [], "Install one.").hint == "Install one."


def test_one_is_no_plural():
    assert [counted(number, "image") for number in (0, 1, 1000)] == ["0 images", "1 image", "1,000 images"]
