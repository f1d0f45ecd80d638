"""What was interrupted goes on where it was, and only where the same is to become of the same."""

import shutil
from pathlib import Path

import pytest

from zoo_core.data.preparing import Rules, prepare
from zoo_core.data.preparing.engines import LocalEngine
from zoo_core.errors import Interrupted, UsageError

ONE = LocalEngine(1)
SMALL = Rules(size=(16, 16))


def interrupted(sources: list[str], out: Path, **more) -> None:
    """A preparation that ends before its file is put together."""

    def stop(what: str, done: int, total: int) -> None:
        if what == "assembling":
            raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        prepare(sources, out, SMALL, engine=ONE, progress=stop, **more)


def resumed(sources: list[str], out: Path, **more) -> bool:
    """Whether a preparation goes on with what an interrupted one left."""
    done_at_first = []
    prepare(
        sources,
        out,
        SMALL,
        engine=ONE,
        progress=lambda what, done, total: done_at_first.append(done) if what == "cleaning" else None,
        **more,
    )
    return done_at_first[0] > 0


def test_a_misspelt_source_loses_nothing_of_an_interrupted_preparation(photos, tmp_path):
    interrupted([str(photos)], tmp_path / "set.h5")
    with pytest.raises(UsageError, match=r"There is no file or folder.*What was done so far is kept"):
        prepare([f"{photos}/x"], tmp_path / "set.h5", SMALL, engine=ONE)
    assert resumed([str(photos)], tmp_path / "set.h5")


def test_inputs_are_not_taken_for_one_more_source(photos, tmp_path):
    other = str(shutil.copytree(photos, tmp_path / "other"))
    interrupted([str(photos)], tmp_path / "set.h5", inputs=other)
    assert not resumed([str(photos), other], tmp_path / "set.h5")


def test_what_other_versions_decoded_is_not_mixed_with_what_these_do(photos, tmp_path, monkeypatch):
    interrupted([str(photos)], tmp_path / "set.h5")
    monkeypatch.setattr("zoo_core.data.preparing.pipeline.version", lambda name: "0.0.1")
    assert not resumed([str(photos)], tmp_path / "set.h5")
