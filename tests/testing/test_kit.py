"""The three ways into the kit, and what they tell."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import keras
import pytest

import zoo_core
from zoo_core.testing import CheckFailed, CheckSkipped, check_model, parametrize_with_checks
from zoo_core.testing.backends import runs_on_tensorflow, runs_on_torch
from zoo_core.testing.kit import CHECKS, SLOW_CHECKS, perform
from zoo_core.testing.networks_and_losses import layers_fit_the_engine
from zoo_core.testing.spec_and_options import options_survive_toml, unknown_options_are_refused
from zoo_core.testing.subject import Subject

UNKNOWN = "unknown_options_are_refused"
TAKES_ANY = ("options", "(zoo_core.Options):", "(zoo_core.Options):\n    model_config = {'extra': 'allow'}")


@pytest.fixture
def only_option_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kit with its quickest checks alone."""
    monkeypatch.setattr("zoo_core.testing.kit.CHECKS", CHECKS[1:3])


@pytest.mark.usefixtures("only_option_checks")
def test_records(install_toy: Callable[..., None]):
    install_toy(TAKES_ANY)
    survive, unknown = check_model("toy")
    assert (survive.check, survive.outcome, survive.message) == ("options_survive_toml", "passed", "")
    assert (unknown.check, unknown.outcome, unknown.wrong) == (UNKNOWN, "failed", True)
    assert unknown.message == (
        "Expected options that refuse a name that they do not know. Seen: Options(no_such_option=1) was taken. "
        "To mend it: derive it from zoo_core.Options, and leave `extra` out of its model_config."
    )
    assert unknown.seconds >= 0


@pytest.mark.usefixtures("only_option_checks")
def test_the_line_that_raised_is_named(install_toy: Callable[..., None]):
    broken = "    def model_post_init(self, context):\n        raise KeyError('depth')\n\n    width: int"
    install_toy(("options", "    width: int", broken))
    assert "Seen: KeyError in zoo_toy/options.py, line " in check_model("toy")[0].message
    assert keras.config.is_traceback_filtering_enabled()


@pytest.mark.parametrize(
    ("text", "other", "told"),
    [
        (
            "z = keras.Input((3,))",
            "z = keras.Imput((3,))",
            "Expected no exception. Seen: AttributeError in zoo_toy/model.py, line 22: module 'keras' has no attribute "
            "'Imput'. To mend it: correct that line; what is asked for: Images of any size come",
        ),
        (
            'inference = ("generator",)',
            "",
            "Seen: ZooError: Model 'toy' of zoo-toy 1.0: zoo_toy.model:Toy lacks inference. To mend it: Mend or",
        ),
    ],
)
def test_whatever_fails_is_told_with_how_to_mend_it(
    install_toy: Callable[..., None], monkeypatch: pytest.MonkeyPatch, text: str, other: str, told: str
):
    monkeypatch.setattr("zoo_core.testing.kit.CHECKS", CHECKS[3:6])
    install_toy(("model", text, other))
    built, *others = check_model("toy")
    assert (built.check, built.outcome) == ("networks_build_or_refuse_a_shape", "failed")
    assert told in built.message
    assert [result.outcome for result in others] == ["skipped", "skipped"]


@pytest.mark.usefixtures("only_option_checks")
def test_a_failure_that_is_expected_is_none(install_toy: Callable[..., None]):
    install_toy(TAKES_ANY)
    _, unknown = check_model("toy", expected_failed_checks={UNKNOWN: "an old config"})
    assert (unknown.outcome, unknown.wrong) == ("expected failure", False)
    assert unknown.message.startswith("an old config: Expected options")


@pytest.mark.usefixtures("only_option_checks")
def test_a_check_that_passes_where_it_should_not_is_told(install_toy: Callable[..., None]):
    install_toy()
    _, unknown = check_model("toy", expected_failed_checks={UNKNOWN: "an old config"})
    assert (unknown.outcome, unknown.wrong) == ("unexpectedly passed", True)
    assert "an old config" in unknown.message


def test_a_check_that_there_is_not_is_named():
    with pytest.raises(zoo_core.UsageError, match="Did you mean 'unknown_options_are_refused'"):
        check_model("toy", expected_failed_checks={"unknown_option_refused": ""})
    with pytest.raises(zoo_core.UsageError, match="Unknown check 'xyz'"):
        parametrize_with_checks(["toy"], expected_failed_checks={"xyz": ""})


def test_a_model_that_there_is_not_is_an_error():
    with pytest.raises(zoo_core.UsageError, match="Unknown model 'no-such'"):
        check_model("no-such")


def test_each_model_and_check_is_a_test(install_toy: Callable[..., None]):
    install_toy(TAKES_ANY)
    mark = parametrize_with_checks(["toy", "other"], expected_failed_checks={UNKNOWN: "an old config"}).mark
    name, parameters = mark.args
    assert name == "check"
    assert [p.id for p in parameters] == [f"{model}-{c.__name__}" for model in ("toy", "other") for c in CHECKS]
    by_id = {p.id: p for p in parameters}
    (xfail,) = by_id[f"toy-{UNKNOWN}"].marks
    assert (xfail.name, xfail.kwargs) == ("xfail", {"reason": "an old config", "strict": True})
    by_id["toy-options_survive_toml"].values[0]()
    with pytest.raises(CheckFailed, match="no_such_option"):
        by_id[f"toy-{UNKNOWN}"].values[0]()
    with pytest.raises(pytest.skip.Exception, match="labels are ignored"):
        by_id["toy-labels_matter_where_required"].values[0]()


def test_what_a_model_prints_is_no_data(install_toy: Callable[..., None], capsys: pytest.CaptureFixture[str]):
    install_toy(("options", "class Options", "print('hello')\n\nclass Options"))
    perform(unknown_options_are_refused, Subject("toy"))
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "hello\n"


@pytest.mark.parametrize(
    ("field", "width"),
    [
        ("width: int = Field(64, ge=1)", 2),
        ("width: int = Field(64, ge=8)", 8),
        ("width: int = Field(64, gt=8)", 9),
        ("width: int = 64", 2),
        ("width: int = Field(66, multiple_of=3)", 66),
        ("width: float = Field(0.5, ge=0.1)", 0.5),
    ],
)
def test_a_model_is_checked_with_the_smallest_width_that_it_takes(
    install_toy: Callable[..., None], field: str, width: float
):
    install_toy(("options", 'width: int = Field(64, ge=1, description="of the hidden layers, at least 1")', field))
    assert Subject("toy").options.model_dump() == {"width": width, "depth": 2}
    assert Subject("toy", {"width": width, "depth": 5}).options.model_dump() == {"width": width, "depth": 5}


def test_what_a_model_changes_for_all_is_put_back(install_toy: Callable[..., None]):
    first = "shape, width ="
    changes = ("os.environ['TOY'] = '1'", "keras.config.set_image_data_format('channels_first')")
    install_toy(("model", first, "\n        ".join([*changes, first])))
    subject = Subject("toy")
    perform(layers_fit_the_engine, subject)
    assert subject.changed == {"the environment variables", "Keras' image data format"}
    assert "TOY" not in os.environ
    assert keras.config.image_data_format() == "channels_last"


def test_a_model_that_can_not_be_loaded_is_one_fault(install_toy: Callable[..., None]):
    install_toy(("init", "zoo_toy.model:Toy", "zoo_toy.model:Top"))
    subject = Subject("toy")
    with pytest.raises(zoo_core.ZooError, match="has no attribute 'Top'"):
        perform(options_survive_toml, subject)
    for check in CHECKS[3:]:
        with pytest.raises(
            CheckSkipped, match=r"found broken|Keras runs on|not installed|are ignored|has not the task"
        ):
            perform(check, subject)


def test_backends_that_a_model_does_not_run_on_are_skipped(install_toy: Callable[..., None]):
    install_toy(("init", "tasks=", 'backends={"jax"}, tasks='))
    for check in (runs_on_torch, runs_on_tensorflow):
        with pytest.raises(CheckSkipped, match="the model runs on jax alone"):
            perform(check, Subject("toy"))


def test_every_check_is_documented():
    text = (Path(__file__).parents[2] / "docs" / "contract.md").read_text(encoding="utf-8")
    _, _, section = text.partition("## The checks\n")
    cells = re.findall(r"^\| (`.*?`) \|", section.partition("\n## ")[0], re.MULTILINE)
    documented = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
    assert documented == [check.__name__ for check in CHECKS + SLOW_CHECKS]
