"""The statistics of the trials against independent ones, and against noise."""

from itertools import chain, combinations

import numpy as np
import pytest
import scipy.stats

from livegrad_lab import chance
from livegrad_lab.chance import (
    both_sides,
    holm,
    interval,
    rank_biserial,
    sign_flip_p,
    smallest_effect,
)

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shift", [-0.5, 0.0, 0.3])
@pytest.mark.parametrize("seeds", [5, 10, 12])
def test_the_p_value_is_that_of_scipys_permutation_test(shift, seeds):
    d = np.random.default_rng(seeds).normal(shift, 1, seeds)
    theirs = scipy.stats.permutation_test(
        (d,), np.mean, permutation_type="samples", alternative="greater", n_resamples=np.inf
    )
    assert sign_flip_p(d) == pytest.approx(theirs.pvalue, abs=1e-12)


def test_the_p_value_is_uniform_where_there_is_nothing_to_find():
    p = [sign_flip_p(d) for d in RNG.normal(0, 1, (400, 10))]
    assert scipy.stats.kstest(p, "uniform").pvalue > 0.01


def test_ties_and_zeros_count_for_the_p_value():
    # Of the four flips of (1, 1), one has a sum of 2; of (0, 1), two have a sum of at least 1.
    assert sign_flip_p([1.0, 1.0]) == 0.25
    assert sign_flip_p([0.0, 1.0]) == 0.5
    assert sign_flip_p([0.0, 0.0]) == 1.0
    # 0.1 + 0.2 - 0.3 is 0 but for rounding, whatever the order.
    assert sign_flip_p([0.1, 0.2, -0.3]) == sign_flip_p([-0.3, 0.2, 0.1])


@pytest.mark.parametrize("bad", [[], np.zeros(21), np.zeros((2, 2))])
def test_too_few_or_too_many_differences(bad):
    with pytest.raises(ValueError, match="differences must be 1 to 20 numbers"):
        sign_flip_p(bad)


@pytest.mark.parametrize("shift", [-0.5, 0.0, 0.2])
def test_the_contrary_is_what_is_said_with_its_sides_changed(shift):
    d = np.random.default_rng(2).normal(shift, 1, 11)
    said, contrary = both_sides(d, "above", 0.1)
    assert (contrary, said) == both_sides(d, "below", 0.1) == both_sides(-d, "above", -0.1)
    theirs = [
        scipy.stats.permutation_test(
            (d - 0.1,), np.mean, permutation_type="samples", alternative=side, n_resamples=np.inf
        ).pvalue
        for side in ("greater", "less")
    ]
    assert (said, contrary) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize(
    ("shift", "said", "contrary"),
    [
        (0.05, 1.0, 2 * 2**-10),  # all ten beyond the margin, on one of two sides
        (-0.05, 1.0, 2 * 2**-10),
        (0.0, 2**-10, 1.0),  # all ten within it
    ],
)
def test_the_p_values_of_equality_and_of_its_contrary(shift, said, contrary):
    d = np.full(10, shift) + np.linspace(-0.001, 0.001, 10)
    assert both_sides(d, "equal", 0.02) == (said, contrary)


@pytest.mark.parametrize("relation", ["above", "below", "equal"])
def test_luck_finds_the_contrary_no_oftener_than_its_p_value_says(relation):
    # The mean lies on the margin, where what is said and its contrary are both as nearly true.
    draws = np.random.default_rng(3).normal(0.3, 1, (2000, 8))
    found = np.array([both_sides(d, relation, 0.3) for d in draws])
    for level in (0.02, 0.05, 0.1):
        assert ((found <= level).mean(axis=0) <= level + 0.012).all()


def test_holm_by_hand():
    # Sorted 0.005, 0.01, 0.03, 0.04; times 4, 3, 2, 1; none below the one before it.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.5]) == pytest.approx([1.0, 1.0])
    assert holm([0.2]) == pytest.approx([0.2])


def test_holm_is_the_closed_test_of_bonferronis():
    # An independent way to the same (Marcus, Peritz and Gabriel 1976): a hypothesis falls when each
    # set of them that holds it does, and a set falls by its smallest p-value times its size.
    for p in RNG.uniform(0, 0.4, (30, 5)):
        sets = list(chain.from_iterable(combinations(range(5), k) for k in range(1, 6)))
        closed = [
            max(min(1.0, len(one) * min(p[k] for k in one)) for one in sets if at in one)
            for at in range(5)
        ]
        assert holm(p) == pytest.approx(closed)


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
    monkeypatch.setattr(chance, "_RESAMPLES", 499)
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


@pytest.mark.parametrize("seeds", [10, 16])
def test_the_smallest_effect_is_that_of_all_seeds_on_one_side(seeds):
    # So many normal numbers of mean m are all above 0 with the chance Phi(m)^seeds.
    exact = scipy.stats.norm.ppf(0.8 ** (1 / seeds))
    assert smallest_effect(2.0**-seeds, seeds) == pytest.approx(exact, rel=0.05)
    assert smallest_effect(0.05, seeds) < 0.6 * exact
    with pytest.raises(ValueError, match=rf"^seeds must be at least {seeds + 1}, got {seeds}"):
        smallest_effect(2.0 ** -(seeds + 1), seeds)


@pytest.mark.parametrize("power", [0.5, 0.8])
def test_the_smallest_effect_is_decided_as_often_as_it_says(power):
    effect = smallest_effect(0.01, 10, power)
    draws = np.random.default_rng(4).normal(effect, 1, (1500, 10))
    # It comes from 400 draws, whose share is uncertain by 0.025.
    assert np.mean([sign_flip_p(d) <= 0.01 for d in draws]) == pytest.approx(power, abs=0.07)
