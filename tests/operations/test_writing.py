"""Where results go: refused before the work begins, whole or not there at all."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo_core.errors import UsageError
from zoo_core.files import NotWritten
from zoo_core.operations.writing import check_file, check_folder, whole_folder, write_images


def test_a_file_is_new_and_named_after_its_format(tmp_path: Path):
    check_file(tmp_path / "a.PNG", (".png", ".gif"))
    (tmp_path / "a.png").touch()
    for there in (tmp_path, tmp_path / "a.png"):
        with pytest.raises(UsageError, match="already exists"):
            check_file(there, (".png",))
    for name in ("a.jpg", "a", ".png"):
        with pytest.raises(UsageError, match=r"is written as \.png or \.gif, received '.*" + name):
            check_file(tmp_path / name, (".png", ".gif"))


def test_a_file_lies_where_one_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    check_file(tmp_path / "new" / "deep" / "a.zool")
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"'.*a\.zool' can't be written, since '.*file' can't.*another folder"):
        check_file(tmp_path / "file" / "a.zool")
    monkeypatch.setattr("os.access", lambda path, mode: path != tmp_path)  # root, whom tests may run as, can write
    with pytest.raises(UsageError, match="can't be written"):
        check_file(tmp_path / "new" / "a.zool")


def test_a_folder_is_new_or_empty_and_not_named_as_an_image(tmp_path: Path):
    check_folder(tmp_path)
    check_folder(tmp_path / "v1.5")
    with pytest.raises(UsageError, match=r"go into a folder, received '.*a\.PNG'. Or so."):
        check_folder(tmp_path / "a.PNG", "Or so.")
    (tmp_path / "file").touch()
    for there in (tmp_path, tmp_path / "file"):
        with pytest.raises(UsageError, match="already exists"):
            check_folder(there)


def fill(out: Path, *, interrupted: bool = False) -> None:
    with whole_folder(out) as folder:
        (folder / "sub").mkdir()
        (folder / "sub" / "file").touch()
        if interrupted:
            raise KeyboardInterrupt


@pytest.mark.parametrize("place", ["new", "deep/er/new", "empty", "link"])
def test_a_folder_is_there_whole_or_not_at_all(tmp_path: Path, place: str):
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("empty")
    before = sorted(tmp_path.rglob("*"))
    out = tmp_path / place
    with pytest.raises(KeyboardInterrupt):
        fill(out, interrupted=True)
    assert sorted(tmp_path.rglob("*")) == before
    fill(out)
    assert [path.relative_to(out).as_posix() for path in sorted(out.rglob("*"))] == ["sub", "sub/file"]
    assert out.stat().st_mode == (tmp_path / "empty").stat().st_mode  # others may look into it, too
    assert not list(tmp_path.rglob(".*"))


def test_a_folder_that_can_not_be_written_is_told(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(NotWritten, match=r"Can't write '.*new'.*Choose another folder"):
        fill(tmp_path / "file" / "new")


def test_images_are_numbered_whatever_parts_they_come_in(tmp_path: Path):
    images = np.random.default_rng(0).integers(0, 256, (5, 4, 6, 3), "uint8")
    written = write_images(tmp_path / "out", (images[:2], images[2:]))
    assert written == [tmp_path / "out" / f"{number:06d}.png" for number in range(5)]
    assert sorted((tmp_path / "out").iterdir()) == written
    for path, image in zip(written, images, strict=True):
        with Image.open(path) as file:
            np.testing.assert_array_equal(np.asarray(file), image)


def test_images_that_could_not_all_be_made_leave_nothing(tmp_path: Path):
    def parts() -> Iterator[np.ndarray]:
        yield np.zeros((2, 4, 4, 1), "uint8")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_images(tmp_path / "out", parts())
    assert not list(tmp_path.iterdir())
