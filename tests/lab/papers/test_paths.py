"""Paths are counted as they are walked, and what a scale does is what the network shows."""

import itertools

import numpy as np
import pytest

from livegrad_lab.papers import paths


def test_shares_are_those_of_all_paths_walked():
    walked = [sum(path) for path in itertools.product((0, 1), repeat=9)]
    assert len(walked) == 512
    for low, high in [(0, 9), (2, 4), (5, 5), (0, 0)]:
        share = np.mean([low <= length <= high for length in walked])
        assert paths.path_share(9, low, high) == pytest.approx(share, abs=1e-15)
    assert paths.mean_path(9) == pytest.approx(np.mean(walked))


def test_the_digits_tell_neighbouring_lengths_apart():
    """0.45 percent is the share of 5 to 17, and not of one length more or less."""
    assert round(100 * paths.path_share(54, 5, 17), 2) == 0.45
    for other in [(5, 16), (5, 18), (15, 17), (17, 17)]:
        assert round(100 * paths.path_share(54, *other), 2) != 0.45


def test_a_normalised_branch_stays_and_the_sum_grows_by_one_a_block():
    sums, branches = paths.sums_and_branches(60, 0)
    assert np.mean(branches) == pytest.approx(1, abs=0.05)
    assert sums[-1] == pytest.approx(60, rel=0.15)


def test_without_normalisation_the_sum_doubles_a_block():
    sums, _ = paths.sums_and_branches(20, 0, normalised=False)
    assert (sums[-1] / sums[0]) ** (1 / 19) == pytest.approx(2, abs=0.15)


def test_only_a_normalised_branch_shrinks_beside_the_sum():
    plain = paths.branch_exponent(range(3), normalised=False, last=64)
    assert max(map(abs, plain)) < 0.3 < min(paths.branch_exponent(range(3), last=64))


@pytest.mark.parametrize("layers", [2, 3])
def test_a_step_moves_as_far_at_each_depth_with_the_papers_scale(layers):
    scaled = [
        paths.step_moves(depth, layers, 0, depth ** (-1 / (2 * layers - 2)))
        for depth in (4, 16, 64)
    ]
    assert max(scaled) < 1.1 * min(scaled)
    wrong = [paths.step_moves(depth, layers, 0, depth ** (-1 / layers)) for depth in (4, 64)]
    plain = [paths.step_moves(depth, layers, 0) for depth in (4, 64)]
    assert plain[1] == pytest.approx(16 * plain[0], rel=0.1)
    if layers == 3:  # with two layers it is the same power
        assert wrong[1] < 0.8 * wrong[0]


def test_what_is_moved_does_not_depend_on_so_small_a_rate(monkeypatch):
    """The last state moves by the sum of what the branches' last layers got, to first order."""
    moved = paths.step_moves(3, 2, 0, width=8, examples=4)
    rng = np.random.default_rng(0)
    x, upstream = rng.standard_normal((4, 8)), rng.standard_normal((4, 8)) / 4
    from livegrad import initializers

    total = np.zeros((4, 8))
    for _ in range(3):
        inside = np.maximum(x @ initializers.he_normal((8, 8), rng), 0)  # (4, 8)
        total += inside @ (inside.T @ upstream)
    assert moved == pytest.approx(np.linalg.norm(total), rel=1e-4)
