"""The page that says how far the site can be trusted says what was counted and measured."""

import json
import pathlib

import pytest

import census
import prose_numbers
import trust

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCORES = json.loads((ROOT / "benchmarks" / "drift.json").read_text("utf-8"))
SCORE = {
    "mutants": 1000,
    "package": "abc",
    "modules": {"dropout": {"noticed": 2, "missed": 1, "same": 3}},
    "survivors": [["dropout.dropout", "x = a | b"]],
}


def test_the_counts_are_the_census():
    table = trust.counts(census.counts())
    for name, count in census.counts().items():
        assert f"| {name} | {count} |" in table


def test_the_numbers_are_sorted_and_added_up():
    one = prose_numbers.Report(verified=["7"], cited=["3", "4"], unverified=[(1, "9", "9 of them")])
    table = trust.numbers({"a": one, "b": one})
    rows = [line.split("|")[2].strip() for line in table.splitlines()[2:]]
    assert rows == ["2", "4", "0", "2", "8"]


def test_the_score_is_shown_by_module_and_as_a_share_with_its_interval():
    shown = trust.drift({"documentation": SCORE}, "abc")
    assert "| `dropout` | 2 of 3, 66.6 % |" in shown
    assert "2 of 3 changes noticed, 66.6 %; 3 more change nothing" in shown
    assert "drawn at random from 1000" in shown and "20.8% and 93.9%" in shown
    assert "The package has not changed since" in shown
    assert "The package has changed since" in trust.drift({"documentation": SCORE}, "other")


def test_a_full_run_needs_no_interval():
    assert "drawn" not in trust.drift({"whole": SCORE | {"mutants": 6}}, "abc")


@pytest.mark.parametrize(
    ("noticed", "tried", "said"),
    [(999, 1000, "99.9 %"), (9999, 10_000, "99.9 %"), (7, 7, "100.0 %"), (0, 0, "none tried")],
)
def test_a_share_is_rounded_down(noticed, tried, said):
    assert trust.percent(noticed, tried) == said


def test_survivors_are_listed_and_so_are_the_reasons():
    same = [{"in": "a.b", "line": "x = 1", "why": "Nobody reads it."}]
    shown = trust.survivors({"documentation": SCORE}, same)
    assert "| `dropout.dropout` | `x = a \\| b` |" in shown
    assert "| `a.b` | `x = 1` | Nobody reads it. |" in shown


def test_a_page_without_a_mark_is_an_error():
    with pytest.raises(ValueError, match="has no mark"):
        trust.filled("no mark")


@pytest.mark.parametrize("suite", SCORES)
def test_the_scores_kept_are_of_many_mutants(suite):
    modules = SCORES[suite]["modules"]
    tried = sum(found["noticed"] + found["missed"] for found in modules.values())
    assert tried >= 300
    assert set(modules) <= {path.stem for path in (ROOT / "src" / "livegrad").glob("*.py")}
    missed = sum(found["missed"] for found in modules.values())
    assert missed == len(SCORES[suite]["survivors"])


def test_each_reason_for_an_equivalent_is_given():
    rows = json.loads((ROOT / "benchmarks" / "equivalent.json").read_text("utf-8"))
    for row in rows:
        assert row.keys() == {"in", "line", "why"} and row["why"].endswith(".")
