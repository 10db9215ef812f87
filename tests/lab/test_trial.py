"""The statistics of a trial against independent ones, and verdicts on data that are planted."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.stats

from livegrad_lab import trial
from livegrad_lab.trial import Case, Claim, holm, interval, judge, rank_biserial

RNG = np.random.default_rng(0)


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


@pytest.mark.parametrize("shift", [-0.5, 0.0, 0.3])
@pytest.mark.parametrize("seeds", [5, 10, 12])
def test_the_p_value_is_that_of_scipys_permutation_test(shift, seeds):
    d = np.random.default_rng(seeds).normal(shift, 1, seeds)
    theirs = scipy.stats.permutation_test(
        (d,), np.mean, permutation_type="samples", alternative="greater", n_resamples=np.inf
    )
    assert trial.sign_flip_p(d) == pytest.approx(theirs.pvalue, abs=1e-12)


def test_the_p_value_is_uniform_where_there_is_nothing_to_find():
    p = [trial.sign_flip_p(d) for d in RNG.normal(0, 1, (400, 10))]
    assert scipy.stats.kstest(p, "uniform").pvalue > 0.01


def test_ties_and_zeros_count_for_the_p_value():
    # Of the four flips of (1, 1), one has a sum of 2; of (0, 1), two have a sum of at least 1.
    assert trial.sign_flip_p([1.0, 1.0]) == 0.25
    assert trial.sign_flip_p([0.0, 1.0]) == 0.5
    assert trial.sign_flip_p([0.0, 0.0]) == 1.0
    # 0.1 + 0.2 - 0.3 is 0 but for rounding, whatever the order.
    assert trial.sign_flip_p([0.1, 0.2, -0.3]) == trial.sign_flip_p([-0.3, 0.2, 0.1])


def test_holm_by_hand():
    # Sorted 0.005, 0.01, 0.03, 0.04; times 4, 3, 2, 1; none below the one before it.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.5]) == pytest.approx([1.0, 1.0])
    assert holm([0.2]) == pytest.approx([0.2])


@pytest.mark.parametrize("bad", [[-0.1], [1.1], [float("nan")]])
def test_holm_takes_chances_alone(bad):
    with pytest.raises(ValueError, match="p must hold numbers from 0 to 1"):
        holm(bad)


def test_holm_keeps_the_error_of_a_family():
    p = RNG.uniform(0, 1, (4000, 5))
    assert np.mean([holm(row).min() < 0.05 for row in p]) == pytest.approx(0.05, abs=0.012)


def test_the_rank_biserial_correlation_is_wilcoxons():
    d = RNG.normal(0.3, 1, 14)
    positive = scipy.stats.wilcoxon(d, alternative="greater").statistic
    assert rank_biserial(d) == pytest.approx(2 * positive / (14 * 15 / 2) - 1)
    assert rank_biserial(np.abs(d)) == 1.0
    assert rank_biserial(-np.abs(d)) == -1.0
    assert rank_biserial(np.zeros(10)) == 0.0


def test_the_interval_covers_the_mean_as_often_as_it_says(monkeypatch):
    monkeypatch.setattr(trial, "_RESAMPLES", 499)
    for draw, mean in [
        (lambda: RNG.normal(2, 1, 16), 2.0),
        (lambda: RNG.uniform(0, 1, 16), 0.5),
    ]:
        ends = [interval(draw()) for _ in range(300)]
        covered = np.mean([low <= mean <= high for low, high in ends])
        # 16 numbers are few: the bootstrap covers a little less than it says.
        assert 0.88 <= covered <= 0.98


def test_the_interval_is_that_of_scipy_and_always_the_same():
    d = RNG.normal(0, 1, 12)
    theirs = scipy.stats.bootstrap((d,), np.mean, n_resamples=20000, rng=5).confidence_interval
    assert interval(d) == pytest.approx((theirs.low, theirs.high), abs=0.05)
    assert interval(d) == interval(d.copy())


def test_the_interval_of_equal_numbers_is_that_number():
    assert interval(np.full(10, 0.3)) == (0.3, 0.3)
    assert interval(np.zeros(10)) == (0.0, 0.0)


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
    assert np.isnan([found.cases[0].p, found.cases[0].corrected]).all()
    assert found.cases[0].largest == 2e-9
    # One case alone is a matter of chance, and has the claim's whole share.
    assert found.cases[1].corrected == pytest.approx(10 * found.cases[1].p)
    assert "largest error 2e-09: borne out" in str(found)
    assert "but for an error of 1e-08" in str(found)


def test_the_correction_is_holms_within_the_claim_times_its_share():
    cases = tuple(Case(f"case {k}", "left", "above", "right", k / 50) for k in range(3))
    found = judge(claim(*cases), arms(0.03, noise=0.02), 30)
    p = [case.p for case in found.cases]
    assert [case.corrected for case in found.cases] == pytest.approx(np.minimum(holm(p) * 10, 1))


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


@pytest.mark.parametrize("bad", [[], np.zeros(21), np.zeros((2, 2))])
def test_too_few_or_too_many_differences(bad):
    with pytest.raises(ValueError, match="differences must be 1 to 20 numbers"):
        trial.sign_flip_p(bad)


@pytest.mark.parametrize(("shift", "side"), [(0.05, "above"), (-0.05, "below"), (0.0, "within")])
def test_the_p_value_of_equality_is_that_of_the_side_it_lies_nearer_to(shift, side):
    case = Case("always", "left", "equal", "right", 0.02)
    d = np.full(10, shift) + np.linspace(-0.001, 0.001, 10)
    p = trial._p_value(case, d)
    assert p == (2**-10 if side == "within" else 1.0)


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
