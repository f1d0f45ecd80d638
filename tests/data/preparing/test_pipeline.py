import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo_core.data import SPLITS, Prepared, load_dataset
from zoo_core.data.preparing import Rules, prepare
from zoo_core.data.preparing.engines import LocalEngine
from zoo_core.errors import Interrupted, UsageError, ZooError

ONE = LocalEngine(1)
SMALL = Rules(size=(16, 16))


def contents(path: Path) -> dict[str, bytes]:
    """Every array of a prepared file, and what it says of itself but where it came from."""
    prepared = Prepared(path)
    found = {
        f"{split}/{name}": column.tobytes() for split in SPLITS for name, column in prepared.columns(split).items()
    }
    return found | {"hash": prepared.content_hash.encode(), "classes": repr(prepared.classes).encode()}


def paths(prepared: Prepared, split: str) -> list[str]:
    return [path.decode() for path in prepared.columns(split)["paths"]]


def test_a_messy_folder_becomes_a_checked_file_and_nothing_is_lost(photos, tmp_path):
    report = prepare([str(photos)], tmp_path / "set.h5", SMALL, engine=ONE)
    prepared = Prepared(tmp_path / "set.h5")
    prepared.verify()
    assert report.set_aside == {"blank": 1, "duplicate": 1, "too small": 1, "truncated": 1, "wrong type": 1}
    assert sum(report.kept.values()) == 60
    assert report.kept == prepared.counts == {"train": 43, "validation": 5, "test": 12}
    assert prepared.classes == ("cat", "dog")
    assert report.sources[0].ignored == {".txt": 1}
    assert report.sources[0].images == 60 + sum(report.set_aside.values())
    told = json.loads((tmp_path / "set.report.json").read_text())
    reasons = {entry["path"]: entry["reason"] for entry in told["images_set_aside"]}
    assert reasons.pop("cat/half.png") == "truncated"
    assert reasons.pop("cat/page.jpg") == "wrong type"
    assert reasons.pop("dog/blank.png") == "blank"
    assert reasons.pop("dog/small.png") == "too small"
    assert list(reasons.values()) == ["duplicate"]
    assert told["content_hash"] == prepared.content_hash
    kept = {path for split in SPLITS for path in paths(prepared, split)}
    assert len(kept) == 60
    assert all((photos / path).is_file() for path in [*kept, *reasons])
    assert set(os.listdir(tmp_path)) == {"photos", "set.h5", "set.report.json"}


def test_what_is_prepared_are_the_pixels_and_labels_of_the_source(photos, tmp_path):
    prepare([str(photos)], tmp_path / "set.h5", SMALL, engine=ONE)
    prepared = Prepared(tmp_path / "set.h5")
    for split in SPLITS:
        columns = prepared.columns(split)
        assert paths(prepared, split) == sorted(paths(prepared, split))
        for image, path, label in zip(columns["images"], paths(prepared, split), columns["labels"], strict=True):
            with Image.open(photos / path) as file:
                width, height = file.size
                left = (width - height) / 2
                fitted = file.resize((16, 16), Image.Resampling.LANCZOS, (left, 0, left + height, height))
            assert np.array_equal(image, np.asarray(fitted))
            assert prepared.classes[label] == path.split("/")[0]
    train = np.asarray(prepared.columns("train")["images"], np.float64)
    np.testing.assert_allclose(prepared.statistics.means(), train.mean((0, 1, 2)))
    np.testing.assert_allclose(prepared.statistics.deviations(), train.std((0, 1, 2)))
    assert load_dataset(f"h5:{tmp_path / 'set.h5'}").spec.classes == ("cat", "dog")


def test_neither_the_order_of_the_files_nor_the_number_of_workers_matters(written, tmp_path, monkeypatch):
    named = {f"{number:03}": (None, "even" if number % 2 else "odd") for number in range(300)}
    for file, order in (("one.h5", 1), ("other.h5", -1)):
        monkeypatch.setattr(
            "zoo_core.data.preparing.pipeline.open_source", lambda *_, order=order: written(named, order)
        )
        prepare(["written"], tmp_path / file, Rules(), engine=ONE)
    assert contents(tmp_path / "one.h5") == contents(tmp_path / "other.h5")


def test_two_processes_make_the_file_of_one(photos, tmp_path):
    for number in range(300):
        shutil.copy(photos / "cat" / f"{3 * (number % 20):02}.png", photos / "dog" / f"again-{number}.png")
    prepare([str(photos)], tmp_path / "one.h5", SMALL, engine=ONE)
    report = prepare([str(photos)], tmp_path / "two.h5", SMALL, engine=LocalEngine(2))
    assert contents(tmp_path / "one.h5") == contents(tmp_path / "two.h5")
    assert report.set_aside["duplicate"] == 301
    assert report.conflicts == 300


def test_the_splits_of_the_source_are_kept_and_overlaps_are_told(written, tmp_path, monkeypatch):
    image = np.random.default_rng(7).integers(0, 256, (12, 12, 3), "uint8")
    named = {f"train/{number}": ("train", "a") for number in range(20)}
    named |= {f"test/{number}": ("test", "a") for number in range(5)}
    source = written(named, **{"train/3": image, "test/4": image})
    monkeypatch.setattr("zoo_core.data.preparing.pipeline.open_source", lambda *_: source)
    report = prepare(["written"], tmp_path / "set.h5", Rules(), engine=ONE)
    prepared = Prepared(tmp_path / "set.h5")
    assert report.overlap == report.duplicates == 1
    assert paths(prepared, "test") == [f"test/{number}" for number in range(5)]
    assert "train/3" not in paths(prepared, "train") + paths(prepared, "validation")
    assert prepared.counts == {"train": 17, "validation": 2, "test": 5}
    (entry,) = json.loads((tmp_path / "set.report.json").read_text())["images_set_aside"]
    assert (entry["path"], entry["split"], entry["of"], entry["of_split"]) == ("train/3", "train", "test/4", "test")


def test_duplicates_that_are_kept_never_straddle_splits(written, tmp_path, monkeypatch):
    rng = np.random.default_rng(3)
    images = [rng.integers(0, 256, (12, 12, 3), "uint8") for _ in range(30)]
    named = {f"{number:02}-{copy}": (None, None) for number in range(30) for copy in range(3)}
    source = written(named, **{path: images[int(path[:2])] for path in named})
    monkeypatch.setattr("zoo_core.data.preparing.pipeline.open_source", lambda *_: source)
    report = prepare(["written"], tmp_path / "set.h5", Rules(duplicates="report"), engine=ONE)
    prepared = Prepared(tmp_path / "set.h5")
    homes = [{path[:2] for path in paths(prepared, split)} for split in SPLITS]
    assert sum(map(len, homes)) == 30
    assert report.kept == {split: 3 * len(home) for split, home in zip(SPLITS, homes, strict=True)}
    assert report.duplicates == 60
    assert report.set_aside == {}


def test_shares_divide_every_class_alike(written, tmp_path, monkeypatch):
    named = {f"{number:03}": ("test" if number < 5 else "train", "ab"[number % 4 == 0]) for number in range(200)}
    monkeypatch.setattr("zoo_core.data.preparing.pipeline.open_source", lambda *_: written(named))
    report = prepare(["written"], tmp_path / "set.h5", Rules(split="ratio", ratio=(0.5, 0.2, 0.3)), engine=ONE)
    assert report.kept == {"train": 100, "validation": 40, "test": 60}
    assert report.classes == {
        "a": {"train": 75, "validation": 30, "test": 45},
        "b": {"train": 25, "validation": 10, "test": 15},
    }


def test_labels_come_from_a_pattern_and_the_rest_is_kept_or_dropped(written, tmp_path, monkeypatch):
    named = {f"x/{'cat' if number % 2 else 'dog'}_{number}": (None, "x") for number in range(20)}
    named |= {f"x/{number}": (None, "x") for number in range(10)}
    monkeypatch.setattr("zoo_core.data.preparing.pipeline.open_source", lambda *_: written(named))
    for unlabelled, count in (("keep", 30), ("drop", 20)):
        rules = Rules(pattern="/([a-z]+)_", unlabelled=unlabelled)
        report = prepare(["written"], tmp_path / f"{unlabelled}.h5", rules, engine=ONE)
        assert sum(report.kept.values()) == count
        assert list(report.classes) == ["cat", "dog"]
        assert report.set_aside.get("unlabelled", 0) == 30 - count
    kept = Prepared(tmp_path / "keep.h5")
    assert report.unlabelled == 0
    assert kept.dataset().classes == ()  # some have no label
    columns = kept.columns("train")
    assert set(columns["label_origins"][columns["labels"] == -1]) == {0}
    assert set(columns["label_confidences"][columns["labels"] >= 0]) == {1}
    assert Prepared(tmp_path / "drop.h5").dataset().classes == ("cat", "dog")


def test_gray_and_colour_make_colour(written, tmp_path, monkeypatch):
    gray = np.random.default_rng(5).integers(0, 256, (12, 12), "uint8")
    source = written({f"{number}": (None, None) for number in range(9)}, **{"4": gray})
    monkeypatch.setattr("zoo_core.data.preparing.pipeline.open_source", lambda *_: source)
    prepare(["written"], tmp_path / "set.h5", Rules(), engine=ONE)
    prepared = Prepared(tmp_path / "set.h5")
    prepared.verify()
    (image,) = (
        image
        for split in SPLITS
        for image, path in zip(prepared.columns(split)["images"], paths(prepared, split), strict=True)
        if path == "4"
    )
    assert np.array_equal(image, np.repeat(gray[..., None], 3, 2))


@pytest.mark.parametrize("near", [None, 20])
def test_gray_and_colour_of_the_same_pixels_are_exact_duplicates(written, tmp_path, monkeypatch, near):
    gray = np.random.default_rng(5).integers(0, 256, (12, 12, 1), "uint8")
    named = {f"{split}/{number}": (split, None) for split in ("train", "test") for number in range(5)}
    source = written(named, **{"train/1": gray, "test/2": np.repeat(gray, 3, 2)})
    monkeypatch.setattr("zoo_core.data.preparing.pipeline.open_source", lambda *_: source)
    report = prepare(["written"], tmp_path / "set.h5", Rules(near=near), engine=ONE)
    assert report.set_aside == {"duplicate": 1}
    assert report.overlap == 1
    Prepared(tmp_path / "set.h5").verify()


def test_gray_images_alone_stay_gray(written, tmp_path, monkeypatch):
    rng = np.random.default_rng(5)
    images = {f"{number}": rng.integers(0, 256, (12, 12), "uint8") for number in range(9)}
    source = written(dict.fromkeys(images, (None, None)), **images)
    monkeypatch.setattr("zoo_core.data.preparing.pipeline.open_source", lambda *_: source)
    assert prepare(["written"], tmp_path / "set.h5", Rules(), engine=ONE).shape == (12, 12, 1)
    Prepared(tmp_path / "set.h5").verify()


def test_no_name_needs_to_be_text(photos, tmp_path):
    odd = os.fsdecode(b"caf\xe9")
    source, out = photos.rename(tmp_path / odd), tmp_path / f"{odd}.h5"
    (source / "cat").rename(source / odd)
    (source / f"notes.{odd}").touch()
    report = prepare([str(source)], out, SMALL, engine=ONE, command=f"zoo datasets prepare {source}")
    assert sorted(report.classes) == [r"caf\udce9", "dog"]
    assert report.sources[0].ignored == {".txt": 1, r".caf\udce9": 1}
    told = json.loads(out.with_suffix(".report.json").read_text())
    assert told["sources"][0]["name"].endswith(r"caf\udce9")
    assert told["file"].endswith(r"caf\udce9.h5")
    prepared = Prepared(out)
    prepared.verify()
    json.dumps(prepared.provenance, ensure_ascii=False).encode()
    labelled = prepare([str(source)], tmp_path / "by-name.h5", Rules(size=(16, 16), pattern="(.*)/"), engine=ONE)
    assert sorted(labelled.classes) == [r"caf\udce9", "dog"]


def test_what_can_not_be_found_is_set_aside_and_the_rest_goes_on(photos, tmp_path):
    (photos / "cat" / "itself.png").symlink_to(photos / "cat" / "itself.png")
    (photos / "cat" / "nothing.png").symlink_to("nowhere")
    assert prepare([str(photos)], tmp_path / "set.h5", SMALL, engine=ONE).set_aside["unreadable"] == 2
    listed = [str(path.relative_to(tmp_path)) for path in photos.glob("cat/[0-9]*.png")]
    (tmp_path / "list.csv").write_text("\n".join(["path", *listed, "x" * 300 + ".png", *["y/" * 3000 + "z.png"]]))
    assert prepare([str(tmp_path / "list.csv")], tmp_path / "list.h5", SMALL, engine=ONE).set_aside == {"unreadable": 2}


def test_a_machine_that_fails_is_no_reason_and_the_same_command_goes_on(written, tmp_path, monkeypatch):
    source = written({f"{number:03}": (None, None) for number in range(300)})
    monkeypatch.setattr("zoo_core.data.preparing.pipeline.open_source", lambda *_: source)
    monkeypatch.setattr("zoo_core.data.preparing.pipeline.SAVE_EVERY", 0)
    prepare(["written"], tmp_path / "whole.h5", Rules(), engine=ONE)
    read = source.read

    def no_more_files(item):
        if item.path == "200":
            raise OSError(errno.EMFILE, "Too many open files")
        return read(item)

    monkeypatch.setattr(source, "read", no_more_files)
    with pytest.raises(ZooError, match=r"Can't read '200' of 'written'.*Too many open files"):
        prepare(["written"], tmp_path / "set.h5", Rules(), engine=ONE)
    monkeypatch.setattr(source, "read", read)
    looked = []
    prepare(["written"], tmp_path / "set.h5", Rules(), engine=ONE, progress=lambda *done: looked.append(done[:2]))
    assert ("cleaning", 0) not in looked
    assert contents(tmp_path / "set.h5") == contents(tmp_path / "whole.h5")


def test_a_split_without_its_other_half_says_what_to_type(written, tmp_path, monkeypatch):
    source = written({f"{number}": ("test", None) for number in range(9)})
    monkeypatch.setattr("zoo_core.data.preparing.pipeline.open_source", lambda *_: source)
    with pytest.raises(UsageError, match="a split 'test', but no 'train'") as caught:
        prepare(["written"], tmp_path / "set.h5", Rules(), engine=ONE)
    assert "--split 80/10/10" in caught.value.hint


def test_pairs_are_matched_by_name(photos, tmp_path):
    inputs = tmp_path / "inputs"
    for path in photos.glob("*/*.png"):
        if path.stem not in ("half", "07"):
            (inputs / path.parent.name).mkdir(parents=True, exist_ok=True)
            with Image.open(path) as image:
                image.convert("L").save(inputs / path.parent.name / f"{path.stem}.bmp")
    (inputs / "cat" / "00.bmp").write_bytes(b"BM")
    rules = Rules(size=(16, 16), input_size=(8, 8))
    report = prepare([str(photos)], tmp_path / "set.h5", rules, inputs=str(inputs), engine=ONE)
    assert report.set_aside["unpaired"] == 3  # half, 07, and page.jpg
    told = json.loads((tmp_path / "set.report.json").read_text())["images_set_aside"]
    assert [entry["detail"][:10] for entry in told if entry["path"] == "cat/00.png"] == ["its input:"]
    prepared = Prepared(tmp_path / "set.h5")
    prepared.verify()
    columns = prepared.columns("train")
    assert columns["inputs"].shape == (len(columns["images"]), 8, 8, 1)
    with Image.open(inputs / paths(prepared, "train")[3].replace("png", "bmp")) as image:
        width, height = image.size
        left = (width - height) / 2
        fitted = image.resize((8, 8), Image.Resampling.LANCZOS, (left, 0, left + height, height))
    assert np.array_equal(columns["inputs"][3, ..., 0], np.asarray(fitted))


def test_inputs_without_an_image_and_what_is_odd_about_inputs_are_told(photos, tmp_path):
    inputs = shutil.copytree(photos, tmp_path / "inputs")
    shutil.copy(inputs / "cat" / "00.png", inputs / "cat" / "alone.png")
    (inputs / "dog" / "02.png").rename(inputs / "dog" / "02.jpg")
    report = prepare([str(photos)], tmp_path / "set.h5", SMALL, inputs=str(inputs), engine=ONE)
    assert report.set_aside["unpaired"] == 1
    assert report.inputs is not None
    assert (report.inputs.images, report.inputs.ignored) == (66, {".txt": 1})
    assert report.notes == {"its input: PNG by its content": 1}
    told = json.loads((tmp_path / "set.report.json").read_text())
    (entry,) = (entry for entry in told["images_set_aside"] if entry["reason"] == "unpaired")
    assert entry == {"path": "cat/alone.png", "split": None, "reason": "unpaired", "detail": "an input"}
    assert len(told["images_set_aside"]) == sum(report.set_aside.values())
    assert told["images_noted"] == [{"path": "dog/02.png", "note": "its input: PNG by its content"}]


def test_inputs_of_several_sizes_need_a_size_of_theirs(photos, tmp_path):
    images = tmp_path / "images"
    for path in photos.glob("*/[0-9]*.png"):
        (images / path.parent.name).mkdir(parents=True, exist_ok=True)
        with Image.open(path) as image:
            image.crop((0, 0, 24, 24)).save(images / path.parent.name / path.name)
    told = []
    with pytest.raises(UsageError, match="All inputs should have one size") as caught:
        prepare(
            [str(images)],
            tmp_path / "set.h5",
            Rules(),
            inputs=str(photos),
            engine=ONE,
            progress=lambda what, done, total: told.append(what),
        )
    assert "--input-size" in caught.value.hint
    assert "assembling" not in told
    assert sorted(os.listdir(tmp_path)) == ["images", "photos"]


def test_several_sources_keep_their_paths_apart(photos, tmp_path):
    other = shutil.copytree(photos, tmp_path / "other")
    report = prepare([str(photos), str(other)], tmp_path / "set.h5", SMALL, engine=ONE)
    assert [source.images for source in report.sources] == [65, 65]
    assert report.duplicates == 62
    assert all(path.startswith("0-photos/") for path in paths(Prepared(tmp_path / "set.h5"), "train"))


KILLED = """
import os, signal, sys
from pathlib import Path
from zoo_core.data.preparing import Rules, prepare
from zoo_core.data.preparing.engines import LocalEngine
from zoo_core.data.preparing import pipeline
pipeline.SAVE_EVERY = 0
after = int(sys.argv[3])
def progress(what, done, total):
    global after
    after -= 1
    if not after:
        os.kill(os.getpid(), signal.SIGKILL)
prepare([sys.argv[1]], Path(sys.argv[2]), Rules(size=(16, 16)), engine=LocalEngine(1), progress=progress)
"""


def test_a_preparation_that_was_killed_goes_on(photos, tmp_path):
    for number in range(300):
        shutil.copy(photos / "dog" / "02.png", photos / "dog" / f"again-{number}.png")
    prepare([str(photos)], tmp_path / "whole.h5", SMALL, engine=ONE)
    out = tmp_path / "killed.h5"
    for moment in (4, 3, 2):  # after two shards; after the third, before the file is put together; there again
        done = subprocess.run([sys.executable, "-c", KILLED, str(photos), str(out), str(moment)], capture_output=True)
        assert done.returncode == -signal.SIGKILL, done.stderr.decode()
        assert not out.exists()
    looked = []
    prepare([str(photos)], out, SMALL, engine=ONE, progress=lambda what, done, total: looked.append((what, done)))
    assert ("cleaning", 0) not in looked
    assert contents(out) == contents(tmp_path / "whole.h5")


def test_ctrl_c_says_how_to_go_on(photos, tmp_path):
    def stop(what: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="run the same again to go on"):
        prepare([str(photos)], tmp_path / "set.h5", SMALL, engine=ONE, progress=stop)
    assert sum(prepare([str(photos)], tmp_path / "set.h5", SMALL, engine=ONE).kept.values()) == 60


def test_other_rules_or_a_changed_source_start_anew(photos, tmp_path):
    out = tmp_path / "set.h5"
    subprocess.run([sys.executable, "-c", KILLED, str(photos), str(out), "3"], check=False)
    (photos / "dog" / "02.png").unlink()
    report = prepare([str(photos)], out, SMALL, engine=ONE)
    assert sum(report.kept.values()) == 59
    subprocess.run([sys.executable, "-c", KILLED, str(photos), str(tmp_path / "next.h5"), "3"], check=False)
    assert prepare([str(photos)], tmp_path / "next.h5", Rules(size=(8, 8)), engine=ONE).shape == (8, 8, 3)


def test_images_of_several_sizes_need_a_size(photos, tmp_path):
    with pytest.raises(UsageError, match="All images should have one size") as caught:
        prepare([str(photos)], tmp_path / "set.h5", Rules(), engine=ONE)
    assert "--size" in caught.value.hint
    assert os.listdir(tmp_path) == ["photos"]


def test_nothing_is_overwritten(photos, tmp_path):
    (tmp_path / "set.h5").write_text("precious")
    with pytest.raises(UsageError, match="already exists"):
        prepare([str(photos)], tmp_path / "set.h5", SMALL, engine=ONE)
    assert (tmp_path / "set.h5").read_text() == "precious"
    (tmp_path / "other.report.json").write_text("precious")
    with pytest.raises(UsageError, match=r"other\.report\.json' already exists"):
        prepare([str(photos)], tmp_path / "other.h5", SMALL, engine=ONE)
    assert (tmp_path / "other.report.json").read_text() == "precious"


def test_too_few_good_images_are_refused(tmp_path):
    for number in range(2):
        (tmp_path / "few").mkdir(exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (9, 9), "uint8")
        Image.fromarray(pixels).save(tmp_path / "few" / f"{number}.png")
    with pytest.raises(UsageError, match="At least 3 good images are needed"):
        prepare([str(tmp_path / "few")], tmp_path / "set.h5", Rules(), engine=ONE)


FULL = """
import resource
after = -1
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writes fail then, as on a full disk
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
"""


@pytest.mark.parametrize("limit", [20_000, 40_000], ids=["ledger", "pixels"])
def test_a_full_disk_loses_nothing(photos, tmp_path, limit):
    code = KILLED.replace("after = int(sys.argv[3])", FULL)
    out = tmp_path / "set.h5"
    done = subprocess.run(
        [sys.executable, "-c", code, str(photos), str(out), str(limit)], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "Can't write" in done.stderr
    assert not out.exists()
    assert sum(prepare([str(photos)], out, SMALL, engine=ONE).kept.values()) == 60


def test_a_file_is_prepared_by_one_process_at_a_time(photos, tmp_path):
    def again(what: str, done: int, total: int) -> None:
        with pytest.raises(UsageError, match="being prepared by another process"):
            prepare([str(photos)], tmp_path / "set.h5", SMALL, engine=ONE)

    prepare([str(photos)], tmp_path / "set.h5", SMALL, engine=ONE, progress=again)
