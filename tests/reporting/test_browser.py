"""The page in headless Chromium: what a reader and a screen reader get, and that it asks the network for nothing.

Scripts are appended to a copy of the page; what they find comes back in an element of it.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from zoo_core.comparing.results import Comparison, Failure
from zoo_core.evaluation.record import Record
from zoo_core.reporting import write_report

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]

LIGHT, DARK = 1, 0
"""Chromium's numbers of colour schemes."""

NARROWEST = 500
"""Of Chromium's windows, in pixels; a narrower one is a frame in it."""

MakeRuns = Callable[[Comparison], dict[str, Path]]

ANSWER = re.compile(r'<template id="found">(.*?)</template>', re.DOTALL)

TELL = """<script>
function tell(found) {
  const place = document.createElement("template");
  place.id = "found";
  place.innerHTML = found;
  document.body.append(place);
}
addEventListener("message", (e) => { if (e.data?.found) tell(e.data.found); });
</script>"""

FRAME = """<!doctype html><meta name="color-scheme" content="light dark">
<iframe src="probe.html" style="width: WIDTHpx; height: 2000px; border: 0"></iframe>"""


class Browser:
    """Opens a page in a window, with a script at its end, and returns what the script's `found` holds then."""

    def __init__(self, page: Path) -> None:
        self.page = page

    def __call__(
        self, script: str, width: int = 1280, scheme: int = LIGHT, library: str = "", timed: bool = False
    ) -> Any:
        """Runs `script`, an async function's body that returns something for JSON.

        Args:
            timed: whether its clocks tell the time; it can't wait for anything then. Otherwise they stand still while
                anything is computed.
        """
        probe = self.page.with_name("probe.html")
        tail = f"""<script>{library}</script><script>
        window.broken = [];
        addEventListener("error", (e) => broken.push(e.message));
        addEventListener("securitypolicyviolation", (e) => broken.push(e.blockedURI));
        addEventListener("load", async () => {{
          const found = encodeURIComponent(JSON.stringify(await (async () => {{ {script} }})()));
          if (window === top) tell(found); else top.postMessage({{ found }}, "*");
        }});</script></body>"""
        probe.write_text(self.page.read_text(encoding="utf-8").replace("</body>", TELL + tail), encoding="utf-8")
        if width < NARROWEST:
            probe = self.page.with_name("frame.html")
            probe.write_text(FRAME.replace("WIDTH", str(width)) + TELL, encoding="utf-8")
        waiting = [] if timed else ["--virtual-time-budget=30000"]
        done = self.run(probe, "--dump-dom", *waiting, width=max(width, NARROWEST), scheme=scheme)
        assert "CONSOLE" not in done.stderr, done.stderr
        (found,) = ANSWER.findall(done.stdout)
        return json.loads(_decoded(found))

    def run(self, page: Path, *arguments: str, width: int, scheme: int) -> subprocess.CompletedProcess[str]:
        command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--log-level=0"]
        command += [f"--user-data-dir={self.page.parent / 'profile'}", f"--window-size={width},2000"]
        command += [f"--blink-settings=preferredColorScheme={scheme}", *arguments]
        return subprocess.run([*command, page.as_uri()], capture_output=True, text=True, timeout=240, check=True)


def _decoded(text: str) -> str:
    from urllib.parse import unquote

    return unquote(text)


@pytest.fixture
def browser(comparison: Comparison, make_runs: MakeRuns, tmp_path: Path) -> Browser:
    failure = Failure(model="vae", data="digits", seed=2, error="vae/loss is nan at step 734", run="runs/vae-2")
    page = tmp_path / "report.html"
    write_report(comparison.model_copy(update={"failures": [failure]}), make_runs(comparison), page)
    return Browser(page)


def test_charts_are_drawn_without_an_error_or_a_request(browser: Browser) -> None:
    found = browser("""
        document.querySelectorAll(".plot").forEach((plot) => plot.scrollIntoView());
        dispatchEvent(new Event("beforeprint"));
        await new Promise((done) => setTimeout(done, 3000));
        const requests = performance.getEntriesByType("resource").map((entry) => entry.name);
        return { broken, requests, drawn: document.querySelectorAll(".plot .main-svg").length > 0,
                 empty: [...document.querySelectorAll(".plot")].filter((plot) => !plot.children.length).length };
    """)
    assert found == {"broken": [], "requests": [], "drawn": True, "empty": 0}


def test_what_is_far_below_is_drawn_on_paper(browser: Browser) -> None:
    undrawn = browser.page.with_name("undrawn.html")
    undrawn.write_text(browser.page.read_text(encoding="utf-8").replace('("beforeprint"', '("never"'), encoding="utf-8")
    printed = [_printed(browser, page) for page in (browser.page, undrawn)]
    assert all(pdf.startswith(b"%PDF") for pdf in printed)
    assert len(printed[0]) > len(printed[1]) + 10_000  # bytes


def _printed(browser: Browser, page: Path) -> bytes:
    pdf = page.with_suffix(".pdf")
    settings = (f"--print-to-pdf={pdf}", "--no-pdf-header-footer", "--virtual-time-budget=30000")
    browser.run(page, *settings, width=1280, scheme=LIGHT)
    return pdf.read_bytes()


def test_what_is_far_below_is_drawn_when_it_comes_near(browser: Browser) -> None:
    found = browser("""
        await new Promise((done) => setTimeout(done, 1000));
        const far = [...document.querySelectorAll(".plot")].at(-1);
        far.closest("figure").style.marginTop = "20000px";
        return { count: document.querySelectorAll("script.chart").length };
    """)
    assert found["count"] == 7


def test_a_click_on_a_heading_sorts_and_a_second_one_turns_it_round(browser: Browser) -> None:
    found = browser("""
        const table = document.querySelector("table");
        const order = () => [...table.tBodies[0].rows].map((row) => row.querySelector("th").textContent.trim());
        const press = (label) => {
          const button = [...table.querySelectorAll("th button")].find((b) => b.textContent.startsWith(label));
          button.focus();
          button.click();
          return [order(), button.closest("th").getAttribute("aria-sort")];
        };
        return { first: order(), up: press("FD"), down: press("FD"), names: press("Model"), ssim: press("SSIM"),
                 sorted: table.querySelectorAll("[aria-sort]").length };
    """)
    assert found["first"] == ["cgan", "dcgan", "vae"]
    assert found["up"] == [["cgan", "dcgan", "vae"], "ascending"]
    assert found["down"] == [["vae", "dcgan", "cgan"], "descending"]
    assert found["names"] == [["cgan", "dcgan", "vae"], "ascending"]
    assert found["ssim"][0][0] == "vae"  # what has no number stays last
    assert found["sorted"] == 1


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390], ids=["desk", "phone"])
@pytest.mark.skipif(not find_spec("axe_core_python"), reason="axe-core-python is not installed")
def test_names_and_contrast_satisfy_axe(browser: Browser, scheme: int, width: int) -> None:
    spec = find_spec("axe_core_python")
    assert spec is not None
    assert spec.origin is not None
    axe = (Path(spec.origin).parent / "axe.min.js").read_text(encoding="utf-8")
    found = browser(
        """
        document.querySelectorAll("details").forEach((details) => { details.open = true; });
        await new Promise((done) => setTimeout(done, 2000));
        const result = await axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] });
        return { width: innerWidth, dark: matchMedia("(prefers-color-scheme: dark)").matches,
                 passes: result.passes.map((p) => p.id),
                 wide: document.documentElement.scrollWidth - innerWidth,
                 wrong: result.violations.map((v) => [v.id, v.nodes.map((n) => n.html.slice(0, 200))]) };
        """,
        width=width,
        scheme=scheme,
        library=axe,
    )
    assert found["wrong"] == []
    assert found["width"] == width
    assert found["dark"] == (scheme == DARK)
    assert {"button-name", "color-contrast", "image-alt", "html-has-lang"} <= set(found["passes"])
    assert found["wide"] <= 0  # nothing but the tables scrolls sideways


def test_two_hundred_records_open_without_stutter_and_stay_small(
    make_record: Callable[..., Record], comparison: Comparison, make_runs: MakeRuns, tmp_path: Path
) -> None:
    """Each a model of its own with sheets of 64×64 colour images, which is the worst that 200 records can be."""
    records = [make_record(f"model{n}", fd=10.0 + n, run=f"runs/{n}") for n in range(200)]
    many = comparison.model_copy(update={"records": records})
    runs = make_runs(many)
    noise = np.random.default_rng(0)
    for folder in runs.values():
        (folder / "exhibits").mkdir()
        smooth = Image.fromarray(noise.integers(0, 256, (88, 110, 3), "uint8")).resize((662, 530))
        for name in ("samples", "neighbours", "walk", "reconstructions"):
            smooth.save(folder / "exhibits" / f"{name}.png", compress_level=1)
    page = tmp_path / "report.html"
    write_report(many, runs, page)
    assert page.stat().st_size < 30 * 2**20
    found = Browser(page)("""
        await new Promise((done) => setTimeout(done, 2000));
        return { broken, rows: document.querySelector("table").tBodies[0].rows.length,
                 drawn: document.querySelectorAll(".plot .main-svg").length };
    """)
    assert found["broken"] == []
    assert found["rows"] == 200
    assert found["drawn"] < 60  # those near the window, three pictures each
    found = Browser(page)(
        """
        const loaded = performance.now();
        document.querySelectorAll("th button")[0].click();
        document.body.getBoundingClientRect();  // waits for the new layout
        return { loaded, sorted: performance.now() - loaded };
        """,
        timed=True,
    )
    assert found["loaded"] < 20_000  # milliseconds
    assert 0 < found["sorted"] < 5_000
