"""The site of the documentation: every page is in it, every public name, and it builds without a warning."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAV = re.findall(r"^ +- (?:[\w ]+: )?(\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
PAGES = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/*.md"),
    *ROOT.glob("docs/reference/*.md"),
    *ROOT.glob("plugins/*/README.md"),
]


def test_every_page_is_in_the_navigation_once():
    assert {str(page.relative_to(ROOT)) for page in PAGES} <= set(NAV)
    assert len(NAV) == len(set(NAV))
    assert all((ROOT / page).is_file() for page in NAV)


@pytest.mark.parametrize("package", ["", ".models", ".models.layers", ".testing"])
def test_every_public_name_is_in_the_reference(package: str):
    pages = "\n".join(page.read_text(encoding="utf-8") for page in ROOT.glob("docs/reference/*.md"))
    documented = set(re.findall(r"^::: (\S+)$", pages, re.MULTILINE))
    for name in importlib.import_module(f"zoo_core{package}").__all__:
        full = f"zoo_core{package}.{name}"
        assert {full, f"{full}.{name}"} & documented, f"{full} is in no page of docs/reference"


@pytest.mark.slow
def test_the_site_builds_without_a_warning():
    done = subprocess.run(["make", "docs", f"PYTHON={sys.executable}"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    site = ROOT / "site"
    for page in ("index.html", "docs/plugins.html", "docs/reference/models.html", "docs/images/report.png"):
        assert (site / page).is_file()
    fetched = r"<(?:script|link|img|iframe)[^>]+(?:src|href)=\"?(https?://[^\"> ]+)"
    assert not {url for page in site.rglob("*.html") for url in re.findall(fetched, page.read_text(encoding="utf-8"))}
    assert "zoo_core.models.GenerativeModel.networks" in (site / "docs/reference/models.html").read_text()
