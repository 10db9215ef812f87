"""Verdicts on data that are planted, for what is said and against it."""

from dataclasses import replace

import numpy as np
import pytest

from livegrad_lab import trial
from livegrad_lab.chance import both_sides, holm
from livegrad_lab.trial import Case, Claim, judge


def claim(*cases, **changed):
    fields = {
        "code": "planted",
        "statement": "Left is better.",
        "source": "a test",
        "quantity": "accuracy",
        "experiment": lambda seed: {"left": 0.0, "right": 0.0},
        "cases": cases or (Case("always", "left", "above", "right", 0.01),),
        "changes": "other data",
    }
    return Claim(**fields | changed)


def arms(shift, noise=0.01, seeds=16):
    rng = np.random.default_rng(1)
    right = rng.normal(0.8, 0.05, seeds)
    return {"left": right + shift + rng.normal(0, noise, seeds), "right": right}


def test_a_claim_that_its_data_bear_out_holds():
    assert judge(claim(), arms(0.05), 80).verdict == "borne out in every case"


def test_a_claim_that_its_data_contradict_does_not_hold():
    found = judge(claim(), arms(-0.05), 80)
    assert found.verdict == "not borne out"
    assert found.cases[0].outcome == "contradicted"


def test_a_difference_below_the_margin_is_no_difference():
    found = judge(claim(), arms(0.005, noise=0.002), 80)
    assert found.cases[0].outcome == "contradicted"
    assert found.verdict == "not borne out"


def test_what_cannot_be_told_is_open_and_does_not_hold():
    found = judge(claim(), arms(0.01, noise=0.1), 80)
    assert found.cases[0].outcome == "open"
    assert found.verdict == "not borne out"


def test_luck_that_one_claim_alone_would_pass_is_open_among_many():
    d = np.array([3, 2, 1, 1, -1, 2, 1, 3, -1, 2, 1, 1.0]) / 100
    values = {"left": 0.8 + d, "right": np.full(12, 0.8)}
    one = claim(Case("always", "left", "above", "right", 0.0))
    assert judge(one, values, 1).verdict == "borne out in every case"
    assert judge(one, values, 80).cases[0].outcome == "open"


def test_luck_that_one_claim_alone_would_fail_by_is_open_among_many():
    # The interval lies on the other side, and alone the contrary would be found.
    d = -np.array([3, 2, 1, 1, -1, 2, 1, 3, -1, 2, 1, 1.0]) / 100
    values = {"left": 0.8 + d, "right": np.full(12, 0.8)}
    one = claim(Case("always", "left", "above", "right", 0.0))
    assert judge(one, values, 1).cases[0].outcome == "contradicted"
    found = judge(one, values, 80).cases[0]
    assert found.high < 0 and found.p[1] < 0.05 < found.corrected[1]
    assert found.outcome == "open"


@pytest.mark.parametrize("family", [1, 5, 100])
def test_a_contradiction_is_the_contrary_borne_out(family):
    # On the way from one side to the other; what is open is so for both.
    seen = set()
    for shift in np.linspace(-0.04, 0.06, 21):
        values = arms(shift, noise=0.03)
        above, below = (
            judge(claim(Case("always", "left", side, "right", 0.01)), values, family).cases[0]
            for side in ("above", "below")
        )
        assert (above.p, above.corrected) == (below.p[::-1], below.corrected[::-1])
        turned = {"borne out": "contradicted", "contradicted": "borne out", "open": "open"}
        assert below.outcome == turned[above.outcome]
        seen.add(above.outcome)
    assert seen == {"borne out", "contradicted", "open"}


def test_luck_decides_a_case_of_a_claim_no_oftener_than_the_error():
    # Each mean lies on its margin, so that to decide at all is an error. One half of the error is
    # for each side: without it twice as many would be decided.
    rng = np.random.default_rng(5)
    wrong = {"said": 0, "contrary": 0, "any": 0}
    runs = 1500
    for d in rng.normal(0.2, 1, (runs, 3, 11)):
        p = np.array([both_sides(row, "above", 0.2) for row in d])
        found = trial._corrected(p, family=3) < trial.ERROR
        said, contrary = found.any(axis=0)
        wrong["said"] += said
        wrong["contrary"] += contrary
        wrong["any"] += said or contrary
    assert 0.03 < wrong["any"] / runs <= 0.05 + 0.01
    assert 0.01 < wrong["said"] / runs < 0.035 and 0.01 < wrong["contrary"] / runs < 0.035


def test_a_claim_that_holds_in_some_cases_says_in_which():
    cases = (
        Case("it rains", "left", "above", "right", 0.01),
        Case("the sun shines", "right", "above", "left", 0.01),
        Case("it snows", "right", "below", "left", -0.01),
    )
    found = judge(claim(*cases), arms(0.05), 80)
    assert found.verdict == "borne out when it rains, or when it snows"
    assert [case.outcome for case in found.cases] == ["borne out", "contradicted", "borne out"]


@pytest.mark.parametrize(
    ("shift", "outcome"), [(0.0, "borne out"), (0.05, "contradicted"), (-0.05, "contradicted")]
)
def test_equality_within_a_margin(shift, outcome):
    equal = claim(Case("always", "left", "equal", "right", 0.02))
    assert judge(equal, arms(shift, noise=0.005), 80).cases[0].outcome == outcome


def test_equality_is_not_what_cannot_be_told_apart():
    equal = claim(Case("always", "left", "equal", "right", 0.02))
    found = judge(equal, arms(0.0, noise=0.1), 80)
    assert found.cases[0].low < 0 < found.cases[0].high
    assert found.verdict == "not borne out"


def test_an_identity_is_held_to_its_tolerance():
    identity = claim(Case("always", "error", "equal", 0.0, 1e-12))
    exact = {"error": np.linspace(0, 1e-15, 12)}
    assert judge(identity, exact, 80).verdict == "borne out in every case"
    assert judge(identity, {"error": np.full(12, 1e-9)}, 80).verdict == "not borne out"


def test_an_identity_has_an_error_and_no_chance():
    values = arms(0.05) | {"same": np.zeros(16), "near": np.full(16, 1e-9)}
    values["near"][3] = -2e-9
    exact = Case("always", "near", "exactly", "same", 1e-8)
    luck = Case("by luck", "left", "above", "right", 0.01)
    found = judge(claim(exact, luck, replace(exact, margin=1e-9)), values, family=10)
    assert [case.outcome for case in found.cases] == ["borne out", "borne out", "contradicted"]
    assert np.isnan([*found.cases[0].p, *found.cases[0].corrected]).all()
    assert found.cases[0].largest == 2e-9
    # One case alone is a matter of chance, and has the claim's whole share, a half on each side.
    assert found.cases[1].corrected[0] == pytest.approx(20 * found.cases[1].p[0])
    assert "largest error 2e-09: borne out" in str(found)
    assert "but for an error of 1e-08" in str(found)


def test_the_correction_is_holms_within_the_claim_times_its_share():
    cases = tuple(Case(f"case {k}", "left", "above", "right", k / 50) for k in range(3))
    found = judge(claim(*cases), arms(0.03, noise=0.02), 30)
    # 30 cases, of which the claim has 3, on two sides: each p-value of a side counts 20 times.
    for side in (0, 1):
        p = [case.p[side] for case in found.cases]
        corrected = [case.corrected[side] for case in found.cases]
        assert corrected == pytest.approx(np.minimum(holm(p) * 20, 1))
    assert found.cases[0].share == 0.05 / 60


def test_the_p_value_that_always_decides_is_the_first_step_of_the_correction():
    p = np.array([[trial.share(100), 1.0], [1.0, trial.share(100)], [0.5, 0.5]])
    found = trial._corrected(p, 100)
    assert found[0, 0] == pytest.approx(trial.ERROR) and found[1, 1] == pytest.approx(trial.ERROR)


def test_one_side_pays_nothing_for_the_other():
    # In one sequence, p-values of 0.0001, 0.0001 and 0.004 would be held to 6, 5 and 4 tests.
    p = np.array([[0.0001, 1.0], [0.0001, 1.0], [0.004, 1.0]])
    assert trial._corrected(p, 3)[:, 0] == pytest.approx([0.0006, 0.0006, 0.008])


def test_the_report_shows_the_p_value_of_the_side_that_was_decided():
    for shift, said in [
        (0.05, "\n  p 1.5e-05, corrected 2.4e-03: borne out\n"),
        (-0.05, "\n  of the contrary p 1.5e-05, corrected 2.4e-03: contradicted\n"),
    ]:
        report = str(judge(claim(), arms(shift), 80))
        assert said in report and "with a chance of 80 %" not in report
        assert report.count("corrected") == 1


def test_the_report_of_an_open_case_says_what_it_could_have_shown():
    values = arms(0.01, noise=0.1)
    found = judge(claim(), values, 80)
    (case,) = found.cases
    assert f"  p {case.p[0]:.1e}, corrected {case.corrected[0]:.1e}\n" in str(found)
    assert f"  of the contrary p {case.p[1]:.1e}, corrected {case.corrected[1]:.1e}: open" in str(
        found
    )
    could = f"a mean {case.reach:.2g} beyond the margin is found with a chance of 80 %"
    assert could in str(found)
    # As far beyond the margin as it says, on either side, most such means are decided.
    noise = np.random.default_rng(6).normal(0, case.differences.std(ddof=1), (60, 16))
    for side, sign in enumerate([1, -1]):
        p = [both_sides(0.01 + sign * case.reach + row, "above", 0.01)[side] for row in noise]
        assert 0.65 < np.mean(np.array(p) <= case.share) < 0.95


def test_an_equality_reaches_less_far_since_two_sides_lie_beyond_its_margin():
    values = arms(0.0, noise=0.1)
    equal, above = (
        judge(claim(Case("always", "left", relation, "right", 0.02)), values, 80).cases[0]
        for relation in ("equal", "above")
    )
    assert 1.01 * above.reach < equal.reach < 1.2 * above.reach
    noise = np.random.default_rng(7).normal(0, equal.differences.std(ddof=1), (60, 16))
    p = [both_sides(0.02 + equal.reach + row, "equal", 0.02)[1] for row in noise]
    assert 0.65 < np.mean(np.array(p) <= equal.share) < 0.95


def test_too_few_seeds_can_decide_nothing():
    found = judge(claim(), arms(0.05, seeds=10), 100)
    assert found.cases[0].outcome == "open" and found.cases[0].reach == np.inf
    assert "so few seeds find no mean beyond the margin" in str(found)
    assert judge(claim(), arms(0.05, seeds=12), 100).cases[0].outcome == "borne out"


def test_the_report_shows_what_was_said_measured_and_found():
    said = str(judge(claim(), arms(0.05), 80))
    assert '"Left is better." (a test)' in said
    assert "rule: (left) - (right) is above 0.01" in said
    assert "verdict: borne out in every case" in said
    assert max(map(len, said.splitlines())) <= 82


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"code": "Planted claim"}, "code must be words"),
        ({"seeds": 9}, "seeds must be from 10 to 20, got 9"),
        ({"seeds": 21}, "seeds must be from 10 to 20, got 21"),
    ],
)
def test_a_claim_that_is_no_claim(changed, message):
    with pytest.raises(ValueError, match=message):
        claim(**changed)


def test_a_claim_needs_a_case():
    with pytest.raises(ValueError, match="cases must hold at least one case"):
        claim(cases=())


@pytest.mark.parametrize(
    ("relation", "margin", "message"),
    [
        ("better", 0.1, "relation must be 'above', 'below', 'equal' or 'exactly', got 'better'"),
        ("equal", 0.0, "margin must be above 0"),
        ("exactly", 0.0, "margin must be above 0 for 'exactly'"),
        ("above", float("inf"), "margin must be finite"),
    ],
)
def test_a_case_that_is_no_case(relation, margin, message):
    with pytest.raises(ValueError, match=message):
        Case("always", "left", relation, "right", margin)


@pytest.mark.parametrize(
    ("values", "family", "message"),
    [
        ({"left": np.zeros(12)}, 5, "values must hold the arm 'right'"),
        ({"left": np.zeros(9), "right": np.zeros(9)}, 5, "with 10 to 20 seeds, got"),
        ({"left": np.full(12, np.nan), "right": np.zeros(12)}, 5, "must be finite, got nan"),
        (arms(0.0), 0, "family must be at least 1, got 0"),
    ],
)
def test_numbers_that_do_not_fit(values, family, message):
    with pytest.raises(ValueError, match=message):
        judge(claim(), values, family)


def test_answers_that_are_true_or_false_are_shares():
    case = Case("always", "left", "above", "right", 0.5)
    values = {"left": np.ones(12, bool), "right": np.zeros(12, bool)}
    found = judge(claim(case), values, 1)
    assert found.cases[0].outcome == "borne out" and found.cases[0].mean == 1.0


@pytest.mark.parametrize(
    ("number", "said"),
    [(100.0, "100"), (99.6, "1e+02"), (-123.4, "-123"), (0.0, "0"), (0.0123, "0.012")],
)
def test_a_number_is_shown_with_two_digits_or_whole(number, said):
    assert trial._short(number) == said
