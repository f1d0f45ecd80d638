import io
from collections.abc import Callable

from rich.console import Console

from zoo_core.comparing.results import Comparison, Failure
from zoo_core.evaluation.record import Record
from zoo_core.reporting import markdown_table, print_table

FAILURE = Failure(model="vae", data="digits", seed=2, error="the loss is not finite | at step 7", run="runs/vae-2")


def printed(comparison: Comparison, **settings: object) -> str:
    stream = io.StringIO()
    print_table(comparison, Console(file=stream, **settings))
    return stream.getvalue()


def test_markdown_has_a_table_for_each_group_with_equally_many_cells_in_each_row(
    comparison: Comparison, make_record: Callable[..., Record]
) -> None:
    elsewhere = make_record("dcgan", name="mnist", content_hash="00" * 32)
    text = markdown_table(comparison.model_copy(update={"records": [*comparison.records, elsewhere]}))
    assert [line for line in text.splitlines() if line.startswith("###")] == [
        "### digits@16 (16×16×1)",
        "### mnist (16×16×1)",
    ]
    first = [line for line in text.split("### mnist")[0].splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in first}) == 1
    assert "| 1–2 | cgan | 2 | 12.7 ± 0.8 |" in text
    assert "features: classifier:digits, weights 9a9a9a9a9a9a" in text


def test_markdown_escapes_what_would_break_the_table(
    comparison: Comparison, make_record: Callable[..., Record]
) -> None:
    hostile = make_record("a|b<script>*x*")
    text = markdown_table(comparison.model_copy(update={"records": [hostile], "failures": [FAILURE]}))
    assert r"| a\|b\<script\>\*x\* |" in text
    assert r"- vae on digits, seed 2: the loss is not finite \| at step 7" in text


def test_a_pipe_gets_plain_unwrapped_lines(comparison: Comparison) -> None:
    text = printed(comparison, width=40)
    assert "\x1b" not in text
    row = next(line for line in text.splitlines() if "cgan" in line)
    assert " ".join(row.split()) == "1–2 cgan 2 12.7 ± 0.8 0.7127 ± 0.0008 – 110 ◆ 1,164 128,000 1,234,567 ◆"


def test_a_narrow_terminal_gets_blocks_of_whole_columns(comparison: Comparison) -> None:
    table = printed(comparison, width=80, force_terminal=True, color_system=None).split("N: generated")[0]
    lines = [line for line in table.splitlines() if line.strip()][2:]
    assert max(map(len, lines)) <= 80
    assert sum("dcgan" in line for line in lines) == 3  # blocks
    assert "0.7127 ± 0.0008" in table
    assert "1,234,567" in table


def test_a_terminal_without_colour_gets_none(comparison: Comparison) -> None:
    comparison = comparison.model_copy(update={"failures": [FAILURE]})
    assert "\x1b[31m" in printed(comparison, force_terminal=True, width=200)
    assert "\x1b[31m" not in printed(comparison, force_terminal=True, width=200, no_color=True)


def test_failures_and_names_that_look_like_markup_are_printed(
    comparison: Comparison, make_record: Callable[..., Record]
) -> None:
    text = printed(comparison.model_copy(update={"records": [make_record("[red]x")], "failures": [FAILURE]}))
    assert "[red]x" in text
    assert "failed: vae on digits, seed 2: the loss is not finite" in text


def test_a_failed_run_is_told_from_others_by_the_options_that_differ(comparison: Comparison) -> None:
    options = {"width": 64, "latent": 64, "channels": [64, 128]}  # the other runs have width 32
    failure = Failure(model="dcgan", options=options, data="digits", seed=0, error="NaN", run="runs/wide")
    text = markdown_table(comparison.model_copy(update={"failures": [failure, FAILURE]}))
    assert "- dcgan (width=64) on digits, seed 0: NaN" in text
    assert "- vae on digits, seed 2: the loss" in text
    text = printed(comparison.model_copy(update={"records": [], "failures": [failure]}))
    assert "failed: dcgan on digits, seed 0: NaN" in text  # a model without a row, too
