"""The site has the paths of the repository, so that a link leads to the same file in both."""

import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
PAGES = ("*.md", "docs/*.md", "docs/reference/*.md", "plugins/*/README.md", "benchmarks/README.md")
ASSETS = "docs/assets/*"
LINK = re.compile(r"(?<=\]\()[^)\s#:]+")
INDEX = ("README.md", "pyproject.toml")
"""What a link to a folder leads to: a site has no listings of folders."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """The pages of the repository, and every file that one of them links to; of what MkDocs found, the theme's own."""
    pages = [path for pattern in PAGES for path in ROOT.glob(pattern)]
    linked = {
        _file(page.parent / target) for page in pages for target in LINK.findall(page.read_text(encoding="utf-8"))
    }
    paths = {*pages, *ROOT.glob(ASSETS), *(path for path in linked if path.is_file())}
    ours = [
        File(str(path.relative_to(ROOT)), str(ROOT), config.site_dir, config.use_directory_urls)
        for path in sorted(paths)
        if path.is_relative_to(ROOT)
    ]
    return Files([*(file for file in files if file.src_dir != config.docs_dir), *ours])


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Links to folders become links to a file in them."""
    folder = (ROOT / page.file.src_uri).parent

    def link(match: re.Match[str]) -> str:
        path = (folder / match[0]).resolve()
        return f"{match[0].rstrip('/')}/{_file(path).name}" if path.is_dir() else match[0]

    return LINK.sub(link, markdown)


def _file(path: Path) -> Path:
    """The path, or what stands for a folder."""
    path = path.resolve()
    return next((path / name for name in INDEX if (path / name).is_file()), path) if path.is_dir() else path
