from collections.abc import Callable

import pytest

from zoo_core.comparing.diff import Difference, diff
from zoo_core.comparing.results import Comparison, Failure
from zoo_core.evaluation.protocol import load_protocol
from zoo_core.evaluation.record import Features, Record

MakeRecord = Callable[..., Record]


def comparison(records: list[Record], failures: list[Failure] | None = None) -> Comparison:
    return Comparison(title="", command="", created="", records=records, failures=failures or [])


def seeds(make_record: MakeRecord, values: list[float], model: str = "dcgan", **changes: object) -> list[Record]:
    return [make_record(model, seed, fd, **changes) for seed, fd in enumerate(values)]


def verdicts(difference: Difference) -> dict[str, str]:
    return {change.metric: change.verdict for change in difference.changes}


@pytest.mark.parametrize(
    ("after", "verdict"),
    [
        ([10.0, 11.0, 12.0], "same"),
        ([12.0, 10.0, 11.0], "same"),
        ([10.2, 11.1, 12.3], "not significant"),
        ([30.0, 31.0, 32.0], "worse"),
        ([1.0, 1.1, 1.2], "better"),
        ([30.0], "untested"),
    ],
)
def test_a_change_is_called_what_the_seeds_allow(make_record: MakeRecord, after: list[float], verdict: str) -> None:
    difference = diff(comparison(seeds(make_record, [10.0, 11.0, 12.0])), comparison(seeds(make_record, after)))
    assert verdicts(difference)["fd_classifier"] == verdict


def test_higher_is_better_where_the_metric_says_so(make_record: MakeRecord) -> None:
    before, after = seeds(make_record, [10.0, 11.0, 12.0]), seeds(make_record, [110.0, 111.0, 112.0])
    assert verdicts(diff(comparison(before), comparison(after))) == {"fd_classifier": "worse", "precision": "better"}


def test_many_changes_are_corrected_for_their_number(make_record: MakeRecord) -> None:
    alone = diff(comparison(seeds(make_record, [10.0, 11.0, 12.0])), comparison(seeds(make_record, [13.1, 14.0, 15.0])))
    models = [f"model{n}" for n in range(8)]
    before = [r for m in models for r in seeds(make_record, [10.0, 11.0, 12.0], m, run=f"{m}/x")]
    after = [r for m in models for r in seeds(make_record, [13.1, 14.0, 15.0], m)]
    before = [
        r.model_copy(update={"source": r.source.model_copy(update={"run": f"{n}"})}) for n, r in enumerate(before)
    ]
    together = diff(comparison(before), comparison(after))
    assert verdicts(alone)["fd_classifier"] == "worse"
    assert {change.verdict for change in together.changes} == {"not significant"}


def test_what_was_made_differently_is_named(make_record: MakeRecord) -> None:
    before = seeds(make_record, [10.0, 11.0], version="0.1.0")
    after = seeds(make_record, [10.0, 11.0], version="0.2.0", environment={"packages": {"keras": "4.0"}})
    found = diff(comparison(before), comparison(after)).settings["dcgan on digits@16"]
    assert "version: 0.1.0, 0.2.0" in found
    assert "package.keras: 3.15.1, 4.0" in found


def test_what_cannot_be_compared_is_named_and_not_tested(make_record: MakeRecord) -> None:
    pixels = Features(name="pixels", weights_sha256=None)
    difference = diff(comparison(seeds(make_record, [1.0, 2.0])), comparison([make_record(features=pixels)]))
    assert not difference.changes
    assert "features: classifier:digits, pixels" in difference.unlike["dcgan on digits@16"]


def test_the_order_of_tables_changes_nothing(make_record: MakeRecord) -> None:
    digits = load_protocol("digits")
    free = seeds(make_record, [1.0, 2.0, 3.0], run="free")
    fixed = seeds(make_record, [10.0, 11.0, 12.0], protocol=digits, run="fixed")
    difference = diff(comparison([*free, *fixed]), comparison([*fixed, *free]))
    assert (difference.unlike, difference.gone, difference.new) == ({}, [], [])
    assert {(change.data, change.verdict) for change in difference.changes} == {
        ("digits@16 (no protocol, classifier:digits)", "same"),
        ("digits@16 (digits v1, classifier:digits)", "same"),
    }


def test_no_row_is_lost_however_many_share_a_name(make_record: MakeRecord) -> None:
    digits = load_protocol("digits")
    protocols = [digits.model_copy(update={"version": version}) for version in (1, 2)]
    rows = [make_record(fd=10.0, protocol=protocol, run=f"p{n}") for n, protocol in enumerate(protocols)]
    rows += [make_record(fd=20.0, reference=splits, run=splits) for splits in ("test", "validation")]
    difference = diff(comparison(rows), comparison(rows[::-1]))
    assert (difference.unlike, difference.gone, difference.new) == ({}, [], [])
    names = ["digits v1, {}", "digits v2, {}", "no protocol, {}, 3", "no protocol, {}, 4"]
    assert list(dict.fromkeys(change.data for change in difference.changes)) == [
        f"digits@16 ({name.format('classifier:digits')})" for name in names
    ]
    fewer = diff(comparison(rows), comparison(rows[1:2]))
    assert len({change.data for change in fewer.changes}) == 1
    assert fewer.gone == [f"dcgan on digits@16 ({names[n].format('classifier:digits')})" for n in (0, 2, 3)]


def test_models_of_one_side_and_failures_are_listed(make_record: MakeRecord) -> None:
    failure = Failure(model="vae", data="digits", seed=1, error="NaN", run="runs/vae-1")
    other = failure.model_copy(update={"seed": 0})
    difference = diff(comparison([make_record("dcgan")], [other]), comparison([make_record("cgan")], [failure]))
    assert difference.failures_before == ["vae on digits, seed 0: NaN"]
    assert (difference.gone, difference.new) == (["dcgan on digits@16"], ["cgan on digits@16"])
    assert difference.failures == ["vae on digits, seed 1: NaN"]


def test_failures_of_a_sweep_are_told_apart(make_record: MakeRecord) -> None:
    failures = [
        Failure(model="vae", options={"width": width, "latent": 8}, data="digits", seed=0, error="NaN", run=f"{width}")
        for width in (32, 64)
    ]
    difference = diff(comparison([make_record()]), comparison([make_record()], failures))
    assert difference.failures == [f"vae (width={width}) on digits, seed 0: NaN" for width in (32, 64)]
