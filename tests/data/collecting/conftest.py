import io
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from zoo_core.data.collecting import open_source


@pytest.fixture
def work(tmp_path):
    """A folder for what is unpacked."""
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


@pytest.fixture
def opened(work):
    """`opened(path)` is the source that a path stands for."""
    return lambda path, data_dir=None: open_source(str(path), work, data_dir)


@pytest.fixture
def found():
    """`found(source)` is what a source says of its images, (split, label), by their paths."""
    return lambda source: {item.path: (item.split, item.label) for item in source.items()}


@pytest.fixture
def contents():
    """`contents(source)` is what a source reads, by path."""
    return lambda source: {item.path: source.read(item) for item in source.items()}


@pytest.fixture
def image():
    """`image(number)` is the content of an image file."""

    def make(number=0, format="PNG"):
        buffer = io.BytesIO()
        pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), np.uint8)
        Image.fromarray(pixels).save(buffer, format)
        return buffer.getvalue()

    return make


@pytest.fixture
def write_tree(tmp_path):
    """`write_tree({path: content})` is the folder with these files."""

    def write(files, name="images"):
        root = tmp_path / name
        root.mkdir()
        for path, content in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
        return root

    return write


@pytest.fixture
def write_tar(tmp_path):
    """`write_tar({path: content or TarInfo}, compression="")` is the archive with these members, in this order."""

    def write(files, compression="", name="images.tar"):
        with tarfile.open(tmp_path / name, f"w:{compression}") as tar:
            for path, content in files.items():
                if isinstance(content, tarfile.TarInfo):
                    tar.addfile(content)
                    continue
                member = tarfile.TarInfo(path)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        return tmp_path / name

    return write


@pytest.fixture
def write_zip(tmp_path):
    """`write_zip({path or ZipInfo: content})` is the archive with these members."""

    def write(files, compression=zipfile.ZIP_STORED, name="images.zip"):
        with zipfile.ZipFile(tmp_path / name, "w", compression) as archive:
            for path, content in files.items():
                archive.writestr(path, content)
        return tmp_path / name

    return write
