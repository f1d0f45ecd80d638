"""Whatever happens to a process, its disk or its files: what was saved stays whole, and the run goes on from there."""

import errno
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import jax
import numpy as np
import pytest
from PIL import Image

import zoo_core
from zoo_core.data import SPLITS, Dataset, Split, load_dataset, write_h5
from zoo_core.errors import Interrupted, UsageError, ZooError
from zoo_core.runs import RunFolder
from zoo_core.training import checkpoint
from zoo_core.training.backends import backend
from zoo_core.training.engine import Engine
from zoo_core.training.feeding import Feed
from zoo_core.training.log import MetricsLog
from zoo_core.training.loop import Loop

MakeLoop = Callable[..., Loop]

EVERY_STEP = {"steps": 9, "checkpoint_every": 4, "select_every": 2, "log_every": 1}
SMALL = {"width": 2, "latent": 2}


class Judge:
    name, every = "select/mean", 2

    def __call__(self, weights: dict) -> float:
        return float(sum(np.abs(backend().to_numpy(array)).sum() for array in weights.values()))


class Grid:
    """A callback that writes a file, as sample grids do."""

    every = 3

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, step: int, weights: dict, last: bool) -> None:
        (self.folder / f"{step}.txt").write_text(str(step))


STAGES = {
    "reading a batch": (Feed, "batches"),
    "compiling or stepping": (Engine, "steps"),
    "averaging": (Engine, "average"),
    "judging": (Judge, "__call__"),
    "drawing a grid": (Grid, "__call__"),
    "logging": (MetricsLog, "write"),
    "writing a checkpoint": (os, "fsync"),
    "renaming a checkpoint": (os, "replace"),
}


UNTOUCHED: list[bytes] = []


@pytest.fixture
def whole(make_loop: MakeLoop, tmp_path: Path) -> bytes:
    """The arrays of a run that nothing happened to; they are found once."""
    if not UNTOUCHED:
        loop = make_loop("whole", callbacks=(Grid(tmp_path),), judge=Judge(), **EVERY_STEP)
        loop.run()
        UNTOUCHED.append(contents(loop._run))
    return UNTOUCHED[0]


def contents(run: RunFolder) -> bytes:
    """All arrays of the last checkpoint and of the best one."""
    paths = [checkpoint.latest(run), *(checkpoint.best_path_of(run, step) for step in checkpoint.best_steps_of(run))]
    found = []
    for path in paths:
        with h5py.File(path) as file:
            file.visititems(lambda name, i: found.append((name, i[()].tobytes())) if isinstance(i, h5py.Dataset) else 0)
    return repr(found).encode()


def at_call(
    monkeypatch: pytest.MonkeyPatch,
    owner: object,
    name: str,
    number: int,
    action: Callable[[], None],
    of: object = None,
) -> None:
    """Let the call of this number, from 1, begin with `action`; where `of` is given, of those on this object."""
    original, calls = getattr(owner, name), itertools.count(1)

    def wrapped(*args: object, **named: object) -> object:
        if of in (None, *args[:1]) and next(calls) == number:
            action()
        return original(*args, **named)

    monkeypatch.setattr(owner, name, wrapped)


def interrupt(*numbers: int) -> Callable[[], None]:
    return lambda: [os.kill(os.getpid(), number) for number in numbers] and None


def leftovers(run: RunFolder) -> list[str]:
    return [path.name for path in run.path.rglob("*.tmp")]


@pytest.mark.parametrize(("call", "number"), [(1, signal.SIGINT), (2, signal.SIGTERM)])
@pytest.mark.parametrize("stage", STAGES)
def test_a_signal_at_any_stage_saves_and_loses_nothing(
    make_loop: MakeLoop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: bytes, stage: str, call: int, number
):
    callbacks = (Grid(tmp_path),)
    loop = make_loop("run", callbacks=callbacks, judge=Judge(), **EVERY_STEP)
    with monkeypatch.context() as patched:
        at_call(patched, *STAGES[stage], call, interrupt(number))
        with pytest.raises(Interrupted, match=r"Stopped after step \d of 9; a checkpoint is saved") as caught:
            loop.run()
    assert caught.value.exit_code == 130
    assert f"zoo train --resume {loop._run.path}" in caught.value.hint
    assert not leftovers(loop._run)
    assert loop._run.curves_file.is_file()
    again = make_loop("run", callbacks=callbacks, judge=Judge(), **EVERY_STEP)
    assert again.restore() == int(caught.value.message.split()[3])
    again.run()
    assert contents(loop._run) == whole


@pytest.mark.parametrize(
    ("stage", "call", "second"),
    [
        ("reading a batch", 1, signal.SIGTERM),
        ("compiling or stepping", 1, signal.SIGINT),
        ("compiling or stepping", 6, signal.SIGTERM),
        ("judging", 1, signal.SIGINT),
        ("drawing a grid", 2, signal.SIGTERM),
        ("writing a checkpoint", 2, signal.SIGINT),  # the first one of the state
        ("writing a checkpoint", 5, signal.SIGTERM),
        ("renaming a checkpoint", 5, signal.SIGINT),
    ],
)
def test_a_second_signal_stops_at_once_and_what_was_saved_before_stays(
    make_loop: MakeLoop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: bytes, stage: str, call: int, second
):
    callbacks = (Grid(tmp_path),)
    loop = make_loop("run", callbacks=callbacks, judge=Judge(), **EVERY_STEP)
    with monkeypatch.context() as patched:
        at_call(patched, *STAGES[stage], call, interrupt(signal.SIGTERM, second))
        with pytest.raises(Interrupted, match="Stopped at once") as caught:
            loop.run()
    saved = checkpoint.steps_of(loop._run)
    expected = f"The last good checkpoint, of step {saved[-1]}, is kept" if saved else "There is no checkpoint yet"
    assert expected in caught.value.message
    assert not leftovers(loop._run)
    again = make_loop("run", callbacks=callbacks, judge=Judge(), **EVERY_STEP)
    assert again.restore() == (saved[-1] if saved else 0)
    again.run()
    assert contents(loop._run) == whole


def test_handlers_are_put_back(make_loop: MakeLoop):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    make_loop("run", steps=2).run()
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


FILLS_UP = """
import resource, sys
import zoo_core

class Fill:
    every = 3

    def __call__(self, step, weights, last):
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))  # less than a checkpoint

options, training = {"width": 2, "latent": 2}, {"steps": 6, "batch_size": 4, "checkpoint_every": 2, "log_every": 1}
try:
    zoo_core.train("vae", "digits@8", sys.argv[1], options=options, training=training, callbacks=[Fill()])
except zoo_core.ZooError as error:
    print(error.exit_code, error.message, "|", error.hint)
"""


def test_a_disk_that_fills_up_leaves_the_last_good_checkpoint(tmp_path: Path):
    """A real limit on file size in a process of its own: the kernel refuses the write half-way."""
    run = RunFolder(tmp_path / "run")
    done = subprocess.run([sys.executable, "-c", FILLS_UP, run.path], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"1 Can't write '{checkpoint.path_of(run, 4)}': File too large."), done.stderr
    assert "The last good checkpoint, of step 2, is kept." in done.stdout
    assert done.stdout.endswith(f"| Free some space. Go on with: zoo train --resume {run.path}\n")
    assert checkpoint.steps_of(run) == [2]
    assert not leftovers(run)
    zoo_core.resume(run.path)
    assert [line["step"] for line in run.metrics()] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("file", ["metrics.jsonl", "step-00000004.h5", "best-00000002.h5"])
def test_wherever_the_disk_is_full_the_run_goes_on_later(
    make_loop: MakeLoop, monkeypatch: pytest.MonkeyPatch, whole: bytes, tmp_path: Path, file: str
):
    def full() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    loop = make_loop("run", callbacks=(Grid(tmp_path),), judge=Judge(), **EVERY_STEP)
    with monkeypatch.context() as patched:
        if file == "metrics.jsonl":
            at_call(patched, Path, "open", 6, full, of=loop._run.metrics_file)
        else:
            # of the file and its folder; before it, at a checkpoint, of the log
            at_call(patched, os, "fsync", 1 if file.startswith("best") else 4, full)
        with pytest.raises(ZooError, match=rf"Can't write '.*{file}': No space left on device") as caught:
            loop.run()
    assert "Free some space. Go on with: zoo train --resume" in caught.value.hint
    assert not leftovers(loop._run)
    again = make_loop("run", callbacks=(Grid(tmp_path),), judge=Judge(), **EVERY_STEP)
    again.restore()
    again.run()
    assert contents(loop._run) == whole


TENSORBOARD_FILLS_UP = """
import resource, sys
from pathlib import Path
from zoo_core.cli.main import zoo
from zoo_core.training.tensorboard import TensorBoard

def log(self, line):
    if line["step"] == 6:
        size = sum(path.stat().st_size for path in self._folder.iterdir())
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, resource.RLIM_INFINITY))  # within a record
    original(self, line)

original, TensorBoard.log = TensorBoard.log, log
zoo(sys.argv[1:])
"""


def test_a_disk_that_tensorboard_fills_says_how_to_go_on_and_no_more(tmp_path: Path):
    """A real limit on file size in a process of its own, whose end is told too."""
    pytest.importorskip("tensorboardX")
    run = RunFolder(tmp_path / "run")
    options = ["--data", "digits@8", "-o", "width=2", "-o", "latent=2", "--batch-size", "4", "--steps", "9"]
    options += ["-t", "checkpoint_every=4", "-t", "log_every=1", "--tensorboard", "--out", str(run.path)]
    command = [sys.executable, "-c", TENSORBOARD_FILLS_UP, "train", "vae", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    folder = run.path / "tensorboard"
    _, _, told = " ".join(done.stderr.split()).partition("Error: ")
    assert told == (
        f"Can't write '{folder}': File too large. The last good checkpoint, of step 4, is kept. "
        f"Free some space. Go on with: zoo train --resume {run.path}"
    )
    zoo_core.resume(run.path)
    assert [line["step"] for line in run.metrics()] == list(range(1, 10))


def test_a_disk_that_a_trace_fills_says_how_to_go_on(make_loop: MakeLoop, monkeypatch: pytest.MonkeyPatch):
    @contextmanager
    def trace(folder: Path) -> Iterator[None]:
        yield
        raise jax.errors.JaxRuntimeError(f"OUT_OF_RANGE: {folder}/x.pb; No space left on device")

    monkeypatch.setattr(backend(), "trace", trace)
    loop = make_loop("run", **EVERY_STEP)
    loop._profile = True
    with pytest.raises(ZooError, match=r"Can't write '.*profile': .*No space left.*of step 9, is kept\.") as caught:
        loop.run()
    assert "Free some space. Go on with: zoo train --resume" in caught.value.hint


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="/sys is Linux' own")
def test_a_place_that_can_not_be_written_is_told():
    with pytest.raises(ZooError, match="Can't create '/sys/zoo'") as caught:
        zoo_core.train("vae", "digits@8", "/sys/zoo", options=SMALL, training={"steps": 1, "batch_size": 4})
    assert caught.value.exit_code == 1
    assert "--out" in caught.value.hint


def test_a_run_that_has_become_read_only_is_told(make_loop: MakeLoop):
    loop = make_loop("run", steps=4)
    folders = (loop._run.path, loop._run.checkpoints)
    try:
        for folder in folders:
            folder.chmod(0o555)
        if os.access(loop._run.path, os.W_OK):
            pytest.skip("nothing is read-only for this user")
        with pytest.raises(ZooError, match=r"Permission denied.*There is no checkpoint yet"):
            loop.run()
        with pytest.raises(ZooError, match=r"Can't write to .*: Permission denied") as caught, loop._run.lock():
            pass
        assert "Make the folder writable" in caught.value.hint
    finally:
        for folder in folders:
            folder.chmod(0o755)


@pytest.mark.parametrize(("batch_size", "accumulate", "ways"), [
    (8, 1, ["--batch-size 4", "-t accumulate=2", "a smaller network"]),
    (2, 2, ["--batch-size 1", "a smaller network"]),
    (1, 1, ["a smaller network"]),
])  # fmt: skip
def test_a_device_whose_memory_is_too_small_says_what_to_lower(
    make_loop: MakeLoop,
    monkeypatch: pytest.MonkeyPatch,
    out_of_memory: Exception,
    batch_size: int,
    accumulate: int,
    ways: list[str],
):
    def exhausted() -> None:
        raise out_of_memory

    loop = make_loop("run", steps=9, batch_size=batch_size, accumulate=accumulate)
    at_call(monkeypatch, loop._engine, "_compiled_step", 6, exhausted)
    with pytest.raises(ZooError) as caught:
        loop.run()
    assert f"memory is too small for batches of {batch_size} images" in caught.value.message
    assert "The last good checkpoint, of step 4, is kept." in caught.value.message
    hint = caught.value.hint.removeprefix("Start a new run with ").removesuffix(" (zoo models show toy).")
    parts = hint.split(", or ")
    assert len(parts) == len(ways)
    assert all(way in part for way, part in zip(ways, parts, strict=True))


def test_another_error_of_the_backend_is_not_taken_for_it(make_loop: MakeLoop, monkeypatch: pytest.MonkeyPatch):
    def fail() -> None:
        raise jax.errors.JaxRuntimeError("INTERNAL: something else")

    loop = make_loop("run", steps=2)
    at_call(monkeypatch, loop._engine, "_compiled_step", 1, fail)
    with pytest.raises(jax.errors.JaxRuntimeError, match="something else"):
        loop.run()


def test_a_loss_that_is_not_finite_leaves_the_curves_that_led_to_it(make_loop: MakeLoop):
    loop = make_loop("run", steps=9, log_every=1, attributes={"break_at": 5})
    with pytest.raises(ZooError, match=r"phase 'generator' is nan at step 6\."):
        loop.run()
    assert loop._run.curves_file.is_file()
    assert checkpoint.steps_of(loop._run) == [4]


HOLDS = """
import sys, time
from pathlib import Path
from zoo_core.runs import RunFolder

with RunFolder(Path(sys.argv[1])).lock():
    print("locked", flush=True)
    time.sleep(60)
"""


def test_a_run_that_another_process_trains_is_left_alone(tmp_path: Path):
    run = zoo_core.train("vae", "digits@8", tmp_path / "run", options=SMALL, training={"steps": 1, "batch_size": 4})
    with subprocess.Popen([sys.executable, "-c", HOLDS, run.path], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "locked\n"
            with pytest.raises(UsageError, match="is in use: another process trains it"):
                zoo_core.resume(run.path, steps=2)
        finally:
            process.kill()  # and its lock goes with it
    zoo_core.resume(run.path, steps=2)
    assert [line["step"] for line in run.metrics()] == [1, 2]


def test_a_folder_that_another_process_begins_a_run_in_is_left_alone(tmp_path: Path):
    """That process has its lock, and nothing else yet."""
    training = {"steps": 1, "batch_size": 4}
    with subprocess.Popen([sys.executable, "-c", HOLDS, tmp_path], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "locked\n"
            with pytest.raises(UsageError, match="is in use: another process trains it"):
                zoo_core.train("vae", "digits@8", tmp_path, options=SMALL, training=training)
            assert [path.name for path in tmp_path.iterdir()] == [".lock"]
        finally:
            process.kill()
    run = zoo_core.train("vae", "digits@8", tmp_path, options=SMALL, training=training)
    assert [line["step"] for line in run.metrics()] == [1]


@pytest.mark.parametrize("damage", ["cut short", "one bit"])
def test_a_damaged_checkpoint_is_named_and_without_it_the_one_before_serves(
    make_loop: MakeLoop, whole: bytes, tmp_path: Path, damage: str
):
    loop = make_loop("run", callbacks=(Grid(tmp_path),), judge=Judge(), **EVERY_STEP | {"steps": 8})
    loop.run()
    last = checkpoint.latest(loop._run)
    content = bytearray(last.read_bytes())
    with h5py.File(last) as file:
        array = file["state/networks/critic/trainable/000.kernel"]
        place = array.id.get_offset() + array.nbytes // 2
    content[place] ^= 0b100
    last.write_bytes(content if damage == "one bit" else content[:place])
    again = make_loop("run", callbacks=(Grid(tmp_path),), judge=Judge(), **EVERY_STEP)
    with pytest.raises(ZooError, match=f"'{last}' can't be read") as caught:
        again.restore()
    assert "Remove it, and the run goes on from the one before" in caught.value.hint
    assert [line["step"] for line in loop._run.metrics()] == list(range(1, 9))  # nothing was dropped
    last.unlink()
    assert again.restore() == 4
    again.run()
    assert contents(loop._run) == whole


@pytest.mark.parametrize("jump", [1e9, -1e9])
def test_a_clock_that_is_set_does_not_move_what_a_run_took(
    make_loop: MakeLoop, monkeypatch: pytest.MonkeyPatch, jump: float
):
    now, shift = time.time, itertools.cycle(range(3))  # others ask for the time too, and know no years before 1
    monkeypatch.setattr(time, "time", lambda: now() + jump * next(shift))
    loop = make_loop("run", steps=8, log_every=1)
    loop.run()
    resumed = make_loop("run", steps=12, log_every=1)
    resumed.restore()
    resumed.run()
    lines = resumed._run.metrics()
    assert len(lines) == 12
    for key in ("seconds", "wall_seconds"):
        taken = [line[key] for line in lines]
        assert taken == sorted(taken)
        assert 0 <= taken[0] <= taken[-1] < 600


def test_a_prepared_file_that_was_altered_since_is_not_gone_on_with(tmp_path: Path):
    """Also where only the images were, and not the hash that the file states."""
    path = tmp_path / "digits.h5"
    write_h5(load_dataset("digits@8"), path, {})
    training = {"steps": 1, "batch_size": 4}
    run = zoo_core.train("vae", f"h5:{path}", tmp_path / "run", options=SMALL, training=training)
    zoo_core.resume(run.path, steps=2)
    with h5py.File(path) as file:
        place = file["train/images"].id.get_offset() + 1000
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(ZooError, match="was changed after it was written"):
        zoo_core.resume(run.path, steps=3)
    write_h5(load_dataset("digits@8#train+validation"), path, {})
    with pytest.raises(UsageError, match=r"is not the one that .* was started with: its content hash is"):
        zoo_core.resume(run.path, steps=3)
    assert checkpoint.steps_of(run)[-1] == 2


def test_a_folder_whose_images_changed_is_not_gone_on_with(tmp_path: Path):
    images = tmp_path / "images"
    images.mkdir()
    for i, image in enumerate(np.random.default_rng(0).integers(0, 256, (12, 8, 8), "uint8")):
        Image.fromarray(image).save(images / f"{i}.png")
    training = {"steps": 1, "batch_size": 4}
    run = zoo_core.train("vae", f"folder:{images}", tmp_path / "run", options=SMALL, training=training)
    Image.new("L", (8, 8), 7).save(images / "3.png")
    with pytest.raises(UsageError, match=r"is not the one that .* was started with.*Restore the images"):
        zoo_core.resume(run.path, steps=2)


def test_a_folder_whose_files_changed_their_names_is_not_gone_on_with(tmp_path: Path):
    images = tmp_path / "images"
    for i, image in enumerate(np.random.default_rng(0).integers(0, 256, (12, 8, 8), "uint8")):
        folder = images / ("test" if i < 2 else "validation" if i < 4 else "train")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{i}.png")
    training = {"steps": 1, "batch_size": 4}
    run = zoo_core.train("vae", f"folder:{images}", tmp_path / "run", options=SMALL, training=training)
    zoo_core.resume(run.path, steps=2)
    (images / "train" / "5.png").rename(images / "train" / "99.png")
    with pytest.raises(UsageError, match=r"was started with in another order.*give the files their names back"):
        zoo_core.resume(run.path, steps=3)


def test_mapped_arrays_in_another_order_are_not_gone_on_with(tmp_path: Path):
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 1), "uint8")

    def mapped(name: str, array: np.ndarray) -> Dataset:
        np.save(tmp_path / name, array)
        split = Split(np.load(tmp_path / name, mmap_mode="r"), None)
        return Dataset("mapped", dict.fromkeys(SPLITS, split))

    training = {"steps": 1, "batch_size": 4}
    run = zoo_core.train("vae", mapped("a.npy", images), tmp_path / "run", options=SMALL, training=training)
    zoo_core.resume(run.path, data=mapped("b.npy", images), steps=2)
    with pytest.raises(UsageError, match=r"was started with in another order.*or the arrays their order"):
        zoo_core.resume(run.path, data=mapped("c.npy", images[::-1]), steps=3)


def test_what_was_asked_wrong_has_written_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "tensorboardX.proto", None)
    with pytest.raises(UsageError, match="tensorboardX"):
        zoo_core.train("vae", "digits@8", tmp_path / "run", options=SMALL, tensorboard=True)
    assert list(tmp_path.iterdir()) == []
