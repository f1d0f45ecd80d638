"""The commands that make a record again."""

from collections.abc import Callable

import pytest

from zoo_core.comparing.results import Comparison, Failure
from zoo_core.evaluation.protocol import load_protocol
from zoo_core.evaluation.record import Features, Record, Score
from zoo_core.reporting.reproduce import commands, evaluation_command, training_command

MakeRecord = Callable[..., Record]


def scored(**counts: int) -> dict[str, Score]:
    return {
        key: Score(value=1.0, label=key, better="lower", n_generated=count, n_reference=9)
        for key, count in counts.items()
    }


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"fd_classifier": 1000, "ssim": 10_000, "bits_per_dim": 0}, "-n 1000 "),
        ({"ms_ssim_diversity_1": 2000, "ms_ssim_1": 10_000}, "-n 2000 "),
        ({"ms_ssim_2": 500, "psnr": 500}, "-n 500 "),  # of a model that makes as many images as it has inputs
        ({"bits_per_dim": 0}, ""),
    ],
)
def test_the_number_of_images_is_not_that_of_pairs(
    make_record: MakeRecord, counts: dict[str, int], expected: str
) -> None:
    record = make_record(metrics=scored(**counts)).model_copy(update={"requested": ["fd"]})
    assert f"--seed 0 {expected}--metrics fd" in evaluation_command(record)


def test_files_of_one_s_own_are_to_be_named(make_record: MakeRecord) -> None:
    features = Features(name="classifier@1a2b3c4d", weights_sha256="9a" * 32)
    assert "--features classifier --weights FILE" in evaluation_command(make_record(features=features))
    digits = load_protocol("digits")
    changed = digits.model_copy(update={"version": 2})
    own = digits.model_copy(update={"name": "mine"})
    for protocol, named in ((digits, "digits"), (changed, "FILE"), (own, "FILE")):
        assert evaluation_command(make_record(protocol=protocol)).endswith(f"--protocol {named}")
    assert evaluation_command(make_record(protocol=own, features=features)).endswith("--protocol FILE --weights FILE")


def test_a_budget_of_images_is_the_only_one(make_record: MakeRecord) -> None:
    command = training_command(make_record(training={"steps": 250, "images": 16_000, "seconds": 0.0}))
    assert "-t images=16000 -t seconds=0.0" in command
    assert "steps" not in command


def test_whatever_brought_something_is_installed(comparison: Comparison, make_record: MakeRecord) -> None:
    entropy = Score(value=1.0, label="Entropy", better="lower", n_generated=9, n_reference=9, plugin="zoo-entropy 0.3")
    features = Features(name="dino", weights_sha256=None, plugin="zoo-dino 2.0")
    trained_on = {"name": "shapes", "content_hash": "00" * 32, "plugin": "zoo-shapes 1.1"}
    about = {
        "features": features,
        "metrics": {"entropy": entropy},
        "trained_on": trained_on,
    }
    record = make_record("dcgan", **about)
    found = commands(comparison.model_copy(update={"records": [make_record("vae"), record]}), record)
    assert (
        "pip install keras==3.15.1 zoo-vae==0.1.0 zoo-dcgan==0.1.0 zoo-shapes==1.1 zoo-dino==2.0 zoo-entropy==0.3\n"
    ) in found
    assert found.endswith(comparison.command)


def test_of_one_record_alone_its_own_plugins_are_installed(comparison: Comparison) -> None:
    found = commands(comparison.model_copy(update={"command": "zoo report runs/a"}), comparison.records[0])
    assert "pip install keras==3.15.1 zoo-dcgan==0.1.0\n" in found
    assert found.splitlines()[-1].startswith("zoo evaluate runs/dcgan-0")


def test_what_can_not_be_installed_is_named(comparison: Comparison, make_record: MakeRecord) -> None:
    own = make_record("mlp", distribution="mlp.py", version="sha256:1a2b3c4d5e6f")
    failure = Failure(model="gan", data="digits", seed=0, error="NaN\n", run="runs/gan-0")
    command = "zoo compare plan.toml --protocol 'my own.toml'"
    changes = {"records": [own, comparison.records[0]], "failures": [failure], "command": command}
    assert commands(comparison.model_copy(update=changes), own).splitlines()[1:] == [
        "pip install keras==3.15.1 zoo-dcgan==0.1.0",
        "# needed: mlp.py, of sha256:1a2b3c4d5e6f",
        "export ZOO_MODEL_FILES=mlp.py",
        "export KERAS_BACKEND=jax",
        "# needed: the plugin of gan, of which no run was scored",
        "# needed: plan.toml, or in its place the commands of each record below",
        "# needed: 'my own.toml', the protocol below",
        command,
    ]
