"""The commands that make a record again."""

from collections.abc import Callable

import pytest

from zoo_core.evaluation.protocol import load_protocol
from zoo_core.evaluation.record import Features, Record, Score
from zoo_core.reporting.reproduce import evaluation_command

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
