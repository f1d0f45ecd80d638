"""The whole of a preparation, from sources to the prepared file; one that was interrupted goes on where it was."""

import math
import os
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from filelock import FileLock, Timeout

from zoo_core.data.collecting import ImageSource, open_source
from zoo_core.data.hdf5 import Prepared
from zoo_core.data.preparing.assembling import IN_THE_FILE, PixelFiles, assemble
from zoo_core.data.preparing.duplicates import find_duplicates, first_alike
from zoo_core.data.preparing.engines import Engine, LocalEngine
from zoo_core.data.preparing.ledger import Ledger, as_text
from zoo_core.data.preparing.listing import list_images, pending
from zoo_core.data.preparing.report import PreparationReport, summarize, write_report
from zoo_core.data.preparing.rules import Rules
from zoo_core.data.preparing.shards import Done
from zoo_core.data.preparing.splitting import divide
from zoo_core.errors import Interrupted, UsageError
from zoo_core.files import NotWritten
from zoo_core.progress import Progress

SAVE_EVERY = 2.0
"""Seconds of work that may be lost when the process is killed."""

_LEDGER = "ledger.sqlite"
_FOUND = """
UPDATE images SET state = ?, detail = ?, note = ?, height = ?, width = ?, channels = ?, area = ?, offset = ?,
digest = ?, hash = ?, input_height = ?, input_width = ?, input_channels = ? WHERE id = ?
"""
_SIZES = "SELECT height, width, COUNT(*) FROM images WHERE state = 'good' GROUP BY height, width"
_INPUT_SIZES = """
SELECT input_height, input_width, COUNT(*) FROM images WHERE input_height IS NOT NULL GROUP BY input_height, input_width
"""
_IN_ORDER_OF_PREFERENCE = """
SELECT id, digest, hash FROM images WHERE state = 'good'
ORDER BY CASE split WHEN 'test' THEN 0 WHEN 'validation' THEN 1 ELSE 2 END, area DESC, path, id
"""
"""What scores are taken against stays as it is, and of two alike the one that was larger is better."""


Label = Callable[[Prepared, Path], Mapping[str, np.ndarray]]
"""Writes a prepared file with other labels, into a second one; says of each split which images are still in it, bool
(N,)."""


def prepare(
    sources: Sequence[str],
    out: Path,
    rules: Rules,
    *,
    inputs: str | None = None,
    engine: Engine | None = None,
    data_dir: Path | None = None,
    label: Label | None = None,
    command: str = "",
    progress: Progress = lambda what, done, total: None,
) -> PreparationReport:
    """Make one prepared file, and `OUT.report.json` beside it.

    Until both are complete all work lies in a hidden folder beside `out`; the same call goes on from there.

    Args:
        sources: each as `open_source` takes it.
        out: the file; neither it nor its report may exist.
        inputs: a source of what the images are to be made from, matched by name; an image is kept with its input.
        engine: who works off the images; by default processes of this machine.
        data_dir: the folder with local copies of built-in sets.
        label: gives what was prepared other labels.
        command: that was typed, for the file's provenance.

    Raises:
        UsageError: for sources that make no sense, too few good images, or images or inputs of several sizes where none
            is named.
        Interrupted: on Ctrl-C.
        ZooError: where a source is broken or can't be read, or there is no room.
    """
    started = time.monotonic()
    report_file = out.with_suffix(".report.json")
    for path in (out, report_file):
        if path.exists():
            raise UsageError(f"'{path}' already exists.", "Remove it, or name another file.")
    with _work_folder(out) as work:
        opened = [open_source(source, _made(work / f"source-{n}"), data_dir) for n, source in enumerate(sources)]
        partners = open_source(inputs, _made(work / "inputs"), data_dir) if inputs else None
        with closing(_ledger(work, opened, partners, rules)) as ledger:
            pixels = PixelFiles(work / "pixels")
            try:
                if not ledger.noted("listed"):
                    progress("listing", 0, 0)
                    list_images(ledger, opened, partners, rules)
                shards = pending(ledger, opened, partners, rules)
                _look_at_all(ledger, (engine or LocalEngine()).run(shards), pixels, progress)
                if not ledger.noted("divided"):
                    with ledger.transaction():
                        _choose(ledger, rules)
                        divide(ledger, rules)
                        ledger.note("divided", True)
            except UsageError:
                (work / _LEDGER).unlink()  # other sources or rules are needed, which begin anew
                raise
            progress("assembling", 0, 0)
            names, partner = [as_text(source) for source in sources], as_text(inputs) if inputs else None
            provenance = {
                "command": as_text(command),
                "sources": names,
                "inputs": partner,
                "options": rules.model_dump(mode="json"),
                "versions": _versions(),
            }
            name = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
            complete = work / "out.h5"
            kept: Mapping[str, np.ndarray] = {}
            assemble(ledger, pixels, complete, name, provenance)
            if label is not None:
                progress("labelling", 0, 0)
                kept = label(Prepared(complete), work / "labelled.h5")
                complete = work / "labelled.h5"
            with ledger.transaction():  # undone where the file does not appear: the next attempt may label more
                _enter_dropped(ledger, kept)
                report = summarize(ledger, names, partner, rules, out, Prepared(complete), time.monotonic() - started)
                write_report(report_file, report, ledger)
                os.replace(complete, out)
    return report


@contextmanager
def _work_folder(out: Path) -> Iterator[Path]:
    """Beside the file, for one process at a time; it stays where going on makes sense: where there is a ledger."""
    work = out.with_name(f".{out.name}.work")
    try:
        with FileLock(_made(work) / "lock", timeout=0):
            try:
                yield work
            except UsageError as error:
                if (work / _LEDGER).exists():
                    error.hint = f"{error.hint} What was done so far is kept: the corrected command goes on.".strip()
                else:
                    shutil.rmtree(work)
                raise
            shutil.rmtree(work)
    except KeyboardInterrupt as error:
        raise Interrupted("Stopped.", "What was done so far is kept: run the same again to go on.") from error
    except Timeout:
        raise UsageError(
            f"'{out}' is being prepared by another process.", "Wait for it, or name another file."
        ) from None
    except (OSError, sqlite3.OperationalError) as error:
        raise NotWritten(
            f"Can't write '{out}': {getattr(error, 'strerror', None) or error}.",
            "What was done so far is kept. Free some space or choose another folder, then run the same again.",
        ) from error


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _ledger(work: Path, sources: Sequence[ImageSource], inputs: ImageSource | None, rules: Rules) -> Ledger:
    """That of the preparation that was interrupted, where the same was to become of the same by the same versions;
    otherwise a new one."""
    what: dict[str, Any] = {
        "sources": [[source.name, source.fingerprint()] for source in sources],
        "inputs": [inputs.name, inputs.fingerprint()] if inputs else None,
        "rules": rules.model_dump(mode="json"),
        "versions": _versions(),
    }
    ledger = Ledger(work / _LEDGER)
    if ledger.noted("what") not in (None, what):
        ledger.close()
        (work / _LEDGER).unlink()
        shutil.rmtree(work / "pixels", ignore_errors=True)
        ledger = Ledger(work / _LEDGER)
    ledger.note("what", what)
    return ledger


def _versions() -> dict[str, str]:
    """Of all that the pixels and the hashes depend on."""
    return {name: version(name) for name in ("zoo-core", "pillow", "imagehash", "numpy")}


def _look_at_all(ledger: Ledger, results: Iterator[Done], pixels: PixelFiles, progress: Progress) -> None:
    total = ledger.one("SELECT COUNT(*) FROM images")
    done = ledger.one("SELECT COUNT(*) FROM images WHERE state IS NOT NULL")
    images, inputs = (
        Counter({tuple(size): count for *size, count in ledger.rows(query)}) for query in (_SIZES, _INPUT_SIZES)
    )
    progress("cleaning", done, total)
    unsafe: list[Done] = []  # their pixels may still be on their way to the disk
    saved = time.monotonic()
    for result in results:
        with open(pixels.path(result.number), "wb") as file:
            file.write(result.pixels)
        unsafe.append(result._replace(pixels=b""))
        if time.monotonic() - saved >= SAVE_EVERY:
            _save(ledger, unsafe, pixels)
            saved = time.monotonic()
        done += len(result.findings)
        progress("cleaning", done, total)
        images.update(finding.shape[:2] for finding in result.findings if finding.shape)
        inputs.update(finding.input_shape[:2] for finding in result.findings if finding.input_shape)
        # Only where no size is asked for. As soon as there are two: who would wait to be told?
        _check_sizes("images", images, "--size")
        _check_sizes("inputs", inputs, "--input-size")
    _save(ledger, unsafe, pixels)


def _save(ledger: Ledger, done: list[Done], pixels: PixelFiles) -> None:
    """Enter what was found in some shards, once their pixels would outlive a power cut; then forget it here."""
    for shard in done:
        with open(pixels.path(shard.number), "rb+") as file:
            os.fsync(file.fileno())
    with ledger.transaction():
        for shard in done:
            ledger.execute_many(_FOUND, _rows(ledger, shard))
    done.clear()


def _rows(ledger: Ledger, shard: Done) -> Iterator[tuple]:
    query, offset = "SELECT id FROM images WHERE shard = ? AND state IS NULL ORDER BY id", 0
    for (number,), found in zip(ledger.rows(query, (shard.number,)), shard.findings, strict=True):
        shape, input_shape = (given or (None, None, None) for given in (found.shape, found.input_shape))
        entry = (found.reason, found.detail, found.note, *shape, found.area, offset)
        yield (*entry, found.digest, found.hash, *input_shape, number)
        offset += sum(math.prod(given) for given in (found.shape, found.input_shape) if given)


def _enter_dropped(ledger: Ledger, kept: Mapping[str, np.ndarray]) -> None:
    """Images that are not in the file any more, since they got no label. Told by their rows, as paths may repeat."""
    for split, there in kept.items():
        numbers = ledger.rows(f"SELECT id {IN_THE_FILE}", (split,))
        dropped = (number for number, stays in zip(numbers, there, strict=True) if not stays)
        ledger.execute_many("UPDATE images SET state = 'unlabelled' WHERE id = ?", dropped)


def _check_sizes(what: str, sizes: Counter[tuple[int, ...]], option: str) -> None:
    if len(sizes) < 2:
        return
    common = ", ".join(f"{height}x{width}" for (height, width), _ in sizes.most_common(3))
    raise UsageError(
        f"All {what} should have one size, but there are {common}{' and others' if len(sizes) > 3 else ''} "
        "(height x width).",
        f"Name the size to bring them to: {option} 64",
    )


class _Loaded(NamedTuple):
    ids: np.ndarray
    digests: np.ndarray
    hashes: np.ndarray


def _choose(ledger: Ledger, rules: Rules) -> None:
    """Set aside what has no label, where that is asked for, and duplicates; or only mark the latter."""
    if rules.unlabelled == "drop":
        ledger.execute("UPDATE images SET state = 'unlabelled' WHERE state = 'good' AND label IS NULL")
    loaded = _load(ledger)
    found = find_duplicates(loaded.digests, loaded.hashes, rules.near)
    places = np.flatnonzero(found.of >= 0)
    ledger.execute_many(
        "UPDATE images SET duplicate_of = ?, distance = ? WHERE id = ?",
        ((int(loaded.ids[found.of[place]]), int(found.distance[place]), int(loaded.ids[place])) for place in places),
    )
    if rules.duplicates == "remove":
        ledger.execute(
            "UPDATE images SET alike = duplicate_of, state = CASE digest = (SELECT kept.digest FROM images AS kept "
            "WHERE kept.id = images.duplicate_of) WHEN 1 THEN 'duplicate' ELSE 'near duplicate' END "
            "WHERE duplicate_of IS NOT NULL"
        )
        return
    first = first_alike(loaded.digests, loaded.hashes, rules.near, found)
    ledger.execute_many(
        "UPDATE images SET alike = ? WHERE id = ?",
        ((int(loaded.ids[first[place]]), int(loaded.ids[place])) for place in np.flatnonzero(first >= 0)),
    )


def _load(ledger: Ledger) -> _Loaded:
    ids, digests, hashes = [], bytearray(), bytearray()
    for number, digest, hashed in ledger.stream(_IN_ORDER_OF_PREFERENCE):
        ids.append(number)
        digests += digest
        hashes += hashed
    count = len(ids)
    as_rows = (np.frombuffer(bytes(joined), np.uint8).reshape(count, -1) for joined in (digests, hashes))
    return _Loaded(np.array(ids, np.int64), *as_rows)
