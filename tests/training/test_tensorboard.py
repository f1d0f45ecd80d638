"""What TensorBoard is told, read back record by record."""

import struct
import sys
from pathlib import Path

import pytest

import zoo_core
from zoo_core.errors import UsageError

pytest.importorskip("tensorboardX")

SMALL = {"width": 2, "latent": 2}
FEW = {"steps": 2, "batch_size": 4, "log_every": 1}


def events(folder: Path) -> list:
    """The events of all files, whose checksums fit."""
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.record_writer import masked_crc32c

    content, found = b"".join(file.read_bytes() for file in sorted(folder.iterdir())), []
    while content:
        end = 12 + struct.unpack("<Q", content[:8])[0]
        for part, checksum in ((content[:8], content[8:12]), (content[12:end], content[end : end + 4])):
            assert struct.pack("<I", masked_crc32c(part)) == checksum
        found.append(Event.FromString(content[12:end]))
        content = content[end + 4 :]
    return found


def test_all_that_is_logged_and_where_a_run_sets_out(tmp_path: Path):
    run = zoo_core.train("vae", "digits@8", tmp_path / "run", options=SMALL, training=FEW, tensorboard=True)
    zoo_core.resume(run.path, steps=3)  # goes on with it without being asked
    version, start, first, second, *resumed = events(run.path / "tensorboard")
    assert version.file_version == "brain.Event:2"
    assert (start.session_log.status, start.step) == (start.session_log.START, 1)
    assert [first.step, second.step, *(event.step for event in resumed)] == [1, 2, 0, 3, 3]
    assert resumed[1].session_log.status == start.session_log.START  # what came from step 3 on is void
    for event, line in zip((first, second, resumed[2]), run.metrics(), strict=True):
        told = {value.tag: value.simple_value for value in event.summary.value}
        assert told == pytest.approx({name: line[name] for name in line.keys() - {"step"}})


def test_a_run_without_it_stays_so(tmp_path: Path):
    run = zoo_core.train("vae", "digits@8", tmp_path / "run", options=SMALL, training=FEW)
    zoo_core.resume(run.path, steps=3)
    assert not (run.path / "tensorboard").exists()


def test_a_run_that_can_not_go_on_with_it_says_how_to_go_on_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    run = zoo_core.train("vae", "digits@8", tmp_path / "run", options=SMALL, training=FEW, tensorboard=True)
    monkeypatch.setitem(sys.modules, "tensorboardX.proto", None)
    with pytest.raises(UsageError, match="need the package tensorboardX") as caught:
        zoo_core.resume(run.path, steps=3)
    assert f"or remove '{run.path / 'tensorboard'}' to go on without it." in caught.value.hint
