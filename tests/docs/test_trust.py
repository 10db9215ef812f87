"""The page that says how far the site can be trusted says what was counted and measured."""

import json
import pathlib
import re

import pytest

from livegrad_site.check import census, perturb, turns
from livegrad_site.read import prose_numbers
from livegrad_site.show import trust

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCORES = json.loads((ROOT / "benchmarks" / "drift.json").read_text("utf-8"))
EQUIVALENT = json.loads((ROOT / "benchmarks" / "equivalent.json").read_text("utf-8"))
SAME = [{"in": "dropout.dropout", "line": "x = 1", "why": "Nobody reads it."}]
ROW = {
    "digest": "abc",
    "mutants": 1000,
    "tried": 6,
    "survived": [["m1", "dropout.dropout", "x = a | b"], *3 * [["m2", "dropout.dropout", "x = 1"]]],
}
SCORE = {"dropout": ROW}


def test_the_counts_are_the_census():
    table = trust.counts(census.counts())
    for name, count in census.counts().items():
        assert f"| {name} | {count} |" in table


def test_the_numbers_are_sorted_and_added_up():
    one = prose_numbers.Report(verified=["7"], unverified=[(1, "9", "9 of them")])
    table = trust.numbers({"a": one, "b": one})
    rows = [line.split("|")[2].strip() for line in table.splitlines()[2:]]
    assert rows == ["2", "0", "2", "4"]


def test_no_sentence_that_wants_a_proof_is_without_one():
    counted = census.proven()
    assert counted["of these without a proof"] == 0
    asking = counted["all sentences that count, compare or quantify"]
    assert counted["nothing: it sets something, or gives advice"] < asking / 2


@pytest.mark.parametrize("seed", turns.one([*trust.SEEDS, 3], turns.commit(ROOT)))
def test_changes_in_the_sentences_are_noticed(seed):
    found = perturb.measure(seed)
    for kind in ("digits", "signs"):
        assert found[kind].tried > 1000
        assert found[kind].by_any >= 0.98 * found[kind].tried
    assert found["bound digits"].by_values >= 0.99 * found["bound digits"].tried
    assert found["turned sentences"].tried == 100 == found["turned checks"].tried
    assert found["turned sentences"].by_any >= 99
    assert found["turned checks"].by_values >= 99
    for kind in ("digits of predictions", "turned checks of predictions"):
        assert found[kind].by_any == found[kind].tried > 20


def test_a_change_that_nothing_notices_is_counted():
    score = perturb.Score()
    for by_values, by_locks in [(True, True), (False, True), (False, False)]:
        score.add(by_values, by_locks)
    assert score == perturb.Score(3, 1, 2)
    assert "| digits | 5 | 3 | 33.3" in trust.words({5: {"digits": score}})


def test_a_survivor_that_changes_nothing_does_not_count():
    assert trust.score(ROW, SAME) == trust.Score(2, [("dropout.dropout", "x = a | b")], 3)
    assert trust.score(ROW, []).same == 0


def test_the_score_is_shown_by_module_and_as_a_share_with_its_interval():
    shown = trust.drift({"documentation": SCORE}, SAME, {"dropout": "abc"})
    assert "| `dropout` | 2/3, 66.6\N{NO-BREAK SPACE}% |" in shown
    assert "2 of 3 changes noticed, 66.6 %; 3 more are held to change nothing" in shown
    assert "Tried were 6 of 1000" in shown and "20.8% and 93.9%" in shown
    assert "Changed since" not in shown
    other = trust.drift({"documentation": SCORE}, SAME, {"dropout": "other"})
    assert "Changed since it was measured: `dropout`." in other


def test_a_full_run_needs_no_interval():
    shown = trust.drift({"whole": {"dropout": ROW | {"mutants": 6}}}, SAME, {"dropout": "abc"})
    assert "Tried were" not in shown


@pytest.mark.parametrize(
    ("noticed", "tried", "said"),
    [(999, 1000, "99.9 %"), (9999, 10_000, "99.9 %"), (7, 7, "100.0 %"), (0, 0, "none tried")],
)
def test_a_share_is_rounded_down(noticed, tried, said):
    assert trust.percent(noticed, tried) == said


def test_survivors_are_listed_and_so_are_the_reasons():
    shown = trust.survivors({"documentation": SCORE}, SAME)
    assert shown.count("| `dropout.dropout` | `x = a \\| b` |") == 1
    assert "| `dropout.dropout` | `x = 1` | Nobody reads it. |" in shown


def test_a_sample_of_a_room_is_shown_with_what_was_missed(tmp_path):
    (tmp_path / "src" / "livegrad").mkdir(parents=True)
    (tmp_path / "src" / "livegrad" / "a.py").write_text("x = 1\n")
    row = {
        "digests": {"livegrad.a": census.module_digest(tmp_path / "src" / "livegrad" / "a.py")},
        "mutants": 9,
        "tried": [
            "livegrad.a.x_f__mutmut_1",
            "livegrad.a.x_f__mutmut_2",
            "livegrad.a.x_g__mutmut_1",
        ],
        "survived": [["livegrad.a.x_f__mutmut_2", "x = 2"], ["livegrad.a.x_g__mutmut_1", "y = 3"]],
    }
    same = [{"in": "livegrad.a.x_g", "line": "y = 3", "why": "Nobody reads it."}]
    shown = trust.apart({"room": row}, same, tmp_path)
    assert "| room | 9 | 3 | 1 | 1 | 50.0 % |" in shown
    assert "| `livegrad.a.x_f` | `x = 2` |" in shown and "y = 3" not in shown
    assert "Changed since" not in shown
    (tmp_path / "src" / "livegrad" / "a.py").write_text("x = 2\n")
    changed = trust.apart({"room": row}, same, tmp_path)
    assert "Changed since it was measured: `livegrad.a`." in changed


def test_what_is_held_to_change_nothing_in_a_room_was_not_noticed_there():
    rooms = json.loads((ROOT / "benchmarks" / "apart.json").read_text("utf-8"))
    held = json.loads((ROOT / "benchmarks" / "apart_equivalent.json").read_text("utf-8"))
    survived = {
        (name.partition("__mutmut_")[0], line)
        for room in rooms.values()
        for name, line in room["survived"]
    }
    assert {(entry["in"], entry["line"]) for entry in held} <= survived


def test_a_page_without_a_mark_is_an_error():
    with pytest.raises(ValueError, match="has no mark"):
        trust.filled("no mark")


def share_noticed(suite):
    found = [trust.score(row, EQUIVALENT) for row in SCORES[suite].values()]
    noticed = sum(one.noticed for one in found)
    return noticed / (noticed + sum(len(one.missed) for one in found))


GOALS = {"documentation": 0.97, "whole": 1.0}


@pytest.mark.parametrize("suite", GOALS)
def test_the_scores_kept_are_of_all_mutants_and_reach_the_goal(suite):
    assert set(SCORES[suite]) == set(census.rooms(ROOT)) - {"__main__"}
    assert [row for row in SCORES[suite].values() if row["tried"] < row["mutants"]] == []
    assert share_noticed(suite) >= GOALS[suite]


def test_what_is_held_to_change_nothing_is_what_nothing_noticed():
    rows = [row for module in SCORES["whole"].values() for row in module["survived"]]
    survived = {(function, line) for _, function, line in rows}
    assert {(row["in"], row["line"]) for row in EQUIVALENT} == survived


def test_each_reason_for_an_equivalent_is_given():
    for row in EQUIVALENT:
        assert row.keys() == {"in", "line", "why"} and row["why"].endswith(".")
        # Data can be made that fall on any bound: that wants a test, not a reason.
        assert not re.search("exactly|irrational", row["why"])
