"""Image files in an archive, which is listed twice: once for its layout, and once for its images."""

from pathlib import Path

from zoo_core.data.collecting.files import ImageFiles, stamp
from zoo_core.data.collecting.layout import harmless
from zoo_core.errors import ZooError


class Archive(ImageFiles):
    """Args:
    path: of the archive, absolute, since workers may run elsewhere.
    """

    def __init__(self, name: str, path: Path) -> None:
        super().__init__(name, path)
        self.path = path

    def fingerprint(self) -> str:
        return stamp(self.path)


def visible(name: str) -> str | None:
    """The path of a member; None for a hidden one."""
    path = harmless(name)
    return None if any(part.startswith(".") for part in path.split("/")) else path


def damaged(path: Path, error: Exception) -> ZooError:
    return ZooError(
        f"'{path}' is damaged or incomplete: {' '.join(str(error).split()) or type(error).__name__}.",
        "Fetch it again; or unpack what can be unpacked, and name the folder.",
    )
