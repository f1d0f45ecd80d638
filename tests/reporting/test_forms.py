import csv
import io
import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from zoo_core.comparing.results import Comparison, Failure, read_results
from zoo_core.errors import UsageError
from zoo_core.evaluation.record import Record
from zoo_core.reporting import form_of
from zoo_core.reporting.figure import figure
from zoo_core.reporting.table_files import csv_table, latex_table

MakeRuns = Callable[[Comparison], dict[str, Path]]

WITHOUT_A_ROW = Failure(model="vqvae", data="digits", seed=0, error="out of memory", run="runs/vqvae-0")


def drawn(comparison: Comparison) -> str:
    """As SVG, in which matplotlib leaves each text in a comment beside its outlines."""
    return figure(comparison, {}, "svg").decode()


@pytest.mark.parametrize("suffix", [".html", ".md", ".csv", ".tex", ".json", ".svg"])
def test_every_form_is_written_twice_alike(
    suffix: str, comparison: Comparison, make_runs: MakeRuns, tmp_path: Path
) -> None:
    runs = make_runs(comparison)
    outs = [tmp_path / f"{name}{suffix}" for name in "ab"]
    for out in outs:
        form_of(out)(comparison, runs, out)
    assert outs[0].read_bytes() == outs[1].read_bytes()


def test_an_unknown_form_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"\.html, \.md, \.csv"):
        form_of(Path("report.pdf"))


def test_json_can_be_read_again(comparison: Comparison, tmp_path: Path) -> None:
    form_of(tmp_path / "a.json")(comparison, {}, tmp_path / "a.json")
    assert read_results(tmp_path / "a.json") == comparison


def test_figures_have_a_size_to_print_and_survive_without_runs(
    comparison: Comparison, make_runs: MakeRuns, tmp_path: Path
) -> None:
    for name, runs in (("with.png", make_runs(comparison)), ("without.png", {})):
        form_of(Path(name))(comparison, runs, tmp_path / name)
    widths = {}
    for name in ("with.png", "without.png"):
        with Image.open(tmp_path / name) as image:
            widths[name] = image.width
    assert widths["without.png"] > 1500
    assert widths["with.png"] == pytest.approx(
        1.5 * widths["without.png"], rel=0.01
    )  # a third panel, of held-out scores
    empty = comparison.model_copy(update={"records": []})
    assert drawn(empty).startswith("<?xml")


def test_a_figure_ranks_by_a_score_of_which_more_is_better(restored: Comparison) -> None:
    text = drawn(restored)
    assert "<!-- PSNR (dB) -->" in text
    assert text.index("<!-- srgan -->") < text.index("<!-- pix2pix -->")  # the best is above


def test_a_figure_shows_names_that_look_like_mathematics(comparison: Comparison) -> None:
    data = comparison.records[0].data.model_copy(update={"name": r"folder:x$\foo$"})
    records = [record.model_copy(update={"data": data}) for record in comparison.records]
    assert r"folder:x$\foo$" in drawn(comparison.model_copy(update={"records": records}))


def test_every_form_names_what_failed_and_the_options_that_set_it_apart(
    comparison: Comparison, make_record: Callable[..., Record]
) -> None:
    options = {"width": 64, "latent": 64, "channels": [64, 128]}  # the other runs have width 32
    failure = Failure(model="dcgan", options=options, data="digits", seed=2, error="NaN\nat step 7", run="runs/wide")
    infinite = make_record("gan", fd=math.inf)
    failed = comparison.model_copy(
        update={"records": [*comparison.records, infinite], "failures": [failure, WITHOUT_A_ROW]}
    )
    name = "dcgan (width=64) on digits, seed 2"
    *_, first, second = csv.DictReader(io.StringIO(csv_table(failed)))
    assert (first["model"], first["metric"], first["failure"]) == ("dcgan", "", f"{name}: NaN at step 7")
    assert second["failure"] == "vqvae on digits, seed 0: out of memory"
    assert f"% failed: {name}: NaN at step 7\n" in latex_table(failed)
    text = drawn(failed)
    assert f"<!-- failed: {name}" in text
    assert "digits@16 (16×16×1), without a finite FD (classifier): gan" in text


def test_a_figure_grows_with_what_it_names(comparison: Comparison) -> None:
    failures = [WITHOUT_A_ROW.model_copy(update={"seed": seed}) for seed in range(20)]
    before, after = (
        float(re.findall(r'<svg [^>]*height="([0-9.]+)pt"', drawn(one))[0])
        for one in (comparison, comparison.model_copy(update={"failures": failures}))
    )
    assert after > before + 20 * 9  # points


def test_csv_has_unrounded_numbers_in_a_row_for_each_model_and_metric(comparison: Comparison) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_table(comparison))))
    assert len(rows) == 2 * 2 + 3  # the VAE has SSIM too
    (best,) = [row for row in rows if (row["model"], row["metric"]) == ("cgan", "fd_classifier")]
    assert (best["rank_first"], best["rank_last"], best["mean"], best["seeds"]) == ("1", "2", "12.7", "2")
    assert float(best["low"]) < 12.7 < float(best["high"])
    assert best["values"] == "11.9 13.5"
    assert best["images_per_second"] == ""


def test_csv_counts_failed_seeds_and_leaves_out_ranks_that_nothing_tells(comparison: Comparison) -> None:
    failure = Failure(model="cgan", data="digits@16", seed=2, error="NaN", run="runs/cgan-2")
    rows = list(csv.DictReader(io.StringIO(csv_table(comparison.model_copy(update={"failures": [failure]})))))
    scores = [row for row in rows if not row["failure"]]
    assert {row["model"]: row["failed_seeds"] for row in scores} == {"cgan": "1", "dcgan": "0", "vae": "0"}
    rows = list(
        csv.DictReader(io.StringIO(csv_table(comparison.model_copy(update={"records": comparison.records[:1]}))))
    )
    assert {(row["rank_first"], row["rank_last"]) for row in rows} == {("", "")}


def test_latex_has_booktabs_and_nothing_that_latex_would_stumble_over(
    comparison: Comparison, make_record: Callable[..., Record]
) -> None:
    hostile = make_record("50%_of_{a}&b\\c#$~^", fd=1.0)
    text = latex_table(comparison.model_copy(update={"records": [*comparison.records, hostile]}))
    assert r"50\%\_of\_\{a\}\&b\textbackslash{}c\#\$\textasciitilde{}\textasciicircum{}" in text
    body = text.partition(r"\toprule")[2]
    assert all(rule in text for rule in (r"\toprule", r"\midrule", r"\bottomrule"))
    rows = [line for line in body.splitlines() if line.endswith(r"\\")]
    assert len({len(re.findall(r"(?<!\\)&", row)) for row in rows}) == 1
    assert text.isascii()
    assert "1--3 & cgan" in text  # the hostile one, of one seed, may have any place
