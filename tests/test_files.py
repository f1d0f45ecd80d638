import subprocess
import sys
from pathlib import Path

import pytest

from zoo_core.errors import ZooError
from zoo_core.files import atomic, write_bytes, write_text

DISK_FULL = """
import resource, sys
from pathlib import Path
from zoo_core.errors import ZooError
from zoo_core.files import write_bytes

resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))  # Python ignores SIGXFSZ: the write itself fails, as it would
try:
    write_bytes(Path(sys.argv[1]), bytes(5000))
except ZooError as error:
    print(error)
"""


def test_writes_what_it_is_given_and_makes_the_folder(tmp_path: Path):
    write_text(tmp_path / "new" / "file.txt", "Grüße\n")
    write_bytes(tmp_path / "new" / "file.txt", "größer".encode())
    assert (tmp_path / "new" / "file.txt").read_text(encoding="utf-8") == "größer"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["file.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_half_way_leaves_the_old_content_and_nothing_else(tmp_path: Path, error: type[BaseException]):
    file = tmp_path / "file"
    file.write_text("old")

    def write_half() -> None:
        with atomic(file) as temporary:
            temporary.write_text("ne")
            raise error

    with pytest.raises(error):
        write_half()
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("before", [None, "old"])
def test_a_full_disk_leaves_the_old_content_and_nothing_else(tmp_path: Path, before: str | None):
    file = tmp_path / "file"
    if before is not None:
        file.write_text(before)
    done = subprocess.run([sys.executable, "-c", DISK_FULL, file], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"Can't write '{file}': File too large. Nothing was changed there.")
    assert [path.read_text() for path in tmp_path.iterdir()] == ([] if before is None else [before])


def test_a_folder_that_is_a_file_is_told(tmp_path: Path):
    (tmp_path / "file").write_text("old")
    with pytest.raises(ZooError, match=r"Can't write '.*file/below'"):
        write_text(tmp_path / "file" / "below", "new")
    assert (tmp_path / "file").read_text() == "old"
