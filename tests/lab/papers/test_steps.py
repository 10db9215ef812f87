"""The longest step, the edge of stability and the ends of float16, each by a second way."""

import math

import numpy as np
import pytest

from livegrad_lab.papers import steps


def by_hand(gradients, beta_1=0.9, beta_2=0.999):
    mean = square = 0.0
    for gradient in gradients:
        mean = beta_1 * mean + (1 - beta_1) * gradient
        square = beta_2 * square + (1 - beta_2) * gradient**2
    t = len(gradients)
    return abs(mean / (1 - beta_1**t)) / math.sqrt(square / (1 - beta_2**t))


def test_a_length_is_that_of_the_papers_algorithm():
    gradients = np.random.default_rng(0).standard_normal(30)
    assert steps.adam_length(gradients) == pytest.approx(by_hand(gradients), rel=1e-9)
    assert steps.adam_length([0.3]) == pytest.approx(1)


def test_one_gradient_after_many_of_0_makes_the_papers_bound():
    assert steps.adam_length([*20_000 * [0.0], 5.0]) == pytest.approx(
        steps.sparse_bound(), rel=1e-6
    )
    assert steps.adam_length([*100 * [0.0], 5.0]) < 1 < steps.sparse_bound()


def test_gradients_that_grow_go_beyond_it_and_no_others_go_further():
    longest = steps.longest_gradients(300)
    found = steps.adam_length([*20_000 * [0.0], *longest])
    beta_1, beta_2 = 0.9, 0.999
    assert found == pytest.approx(
        steps.sparse_bound() / math.sqrt(1 - beta_1**2 / beta_2), rel=1e-6
    )
    rng = np.random.default_rng(0)
    for _ in range(5):
        other = longest * (1 + 0.1 * rng.standard_normal(300))
        assert by_hand([*20_000 * [0.0], *other]) < found


def test_where_a_condition_begins_to_hold_is_found():
    assert steps.first_true(lambda x: x > 0.3, 0, 1) == pytest.approx(0.3, abs=1e-12)
    for never in (lambda x: False, lambda x: True):
        with pytest.raises(ValueError, match="must begin to hold between 0 and 1"):
            steps.first_true(never, 0, 1)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_the_edge_is_where_the_largest_root_leaves_the_circle(momentum):
    found = steps.largest_curvature(0.01, momentum)

    def largest(product):
        return max(abs(np.roots([1, -(1 + momentum - product), momentum])))

    assert largest(found - 0.01) <= 1 + 1e-9 < largest(found + 0.01)


def test_the_edge_does_not_depend_on_the_rate():
    assert steps.largest_curvature(0.3) == pytest.approx(steps.largest_curvature(0.01), abs=1e-3)


def test_what_is_lost_is_what_rounding_to_the_nearest_loses():
    """A number above half of the smallest becomes the smallest, and not 0."""
    assert steps.lost_below(np.float16) == pytest.approx(2.0**-25, rel=1e-9)
    assert np.float16(0.75 * 2.0**-24) == 2.0**-24 and np.float16(2.0**-25) == 0


@pytest.mark.parametrize(("weight", "ratio"), [(1.0, 2048), (1.5, 3072), (2 - 2**-10, 4096)])
def test_a_weight_keeps_from_which_ratio_on(weight, ratio):
    assert steps.lost_ratio(weight) == pytest.approx(ratio)
    update = np.float16(weight / ratio)
    assert np.float16(weight) + update == np.float16(weight)


def test_scores_have_the_variance_of_their_keys():
    for key in (16, 256):
        assert steps.score_variance(key, 0) == pytest.approx(key, rel=0.05)
