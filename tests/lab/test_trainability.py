"""Where training stops: what was changed, how it is trained, and how a bound is read off."""

import itertools

import numpy as np
import pytest

from livegrad_lab import trainability
from livegrad_lab.trainability import CHANGES, GRIDS, Network, threshold


def network(late, changed="all", factor=1.0):
    return Network("tanh", 3, changed, factor, "SGD", 0, 1.0, 1.0, (0.1, 0.2), late)


def test_the_factors_of_all_weights_go_from_a_quarter_to_four():
    factors = [factor for changed, factor in CHANGES if changed == "all"]
    assert min(factors) == 1 / 4 and max(factors) == 4 and 1.0 in factors
    assert {changed for changed, _ in CHANGES} == {"all", "first", "output"}


def test_a_network_trains_if_it_does_at_one_rate():
    assert network((0.1, 0.95, 0.2)).trained and network((0.1, 0.95, 0.2)).best == 1
    assert not network((0.1, 0.89)).trained
    assert network((0.9, 0.1)).trained


def test_the_images_have_mean_square_one_and_all_classes():
    x, y = trainability.images()
    assert x.shape == (trainability.IMAGES, 64) and set(y) == set(range(10))
    assert np.mean(x**2) == pytest.approx(1) and np.mean(x) == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("lower", [True, False])
def test_a_bound_makes_the_fewest_errors(lower):
    rng = np.random.default_rng(0)
    for _ in range(50):
        products = np.exp(rng.normal(0, 4, 12))
        trained = (products > 1) == lower
        trained[rng.choice(12, 2, replace=False)] ^= True
        if trained.all() or not trained.any():
            continue
        found = threshold(products, trained, lower=lower)
        cuts = [np.sqrt(a * b) for a, b in itertools.pairwise(sorted(products))]
        errors = [np.sum((products > cut) == (trained != lower)) for cut in cuts]
        assert found.wrong == min(errors) and found.of == 12
        assert found.value == pytest.approx(cuts[int(np.argmin(errors))])


def test_a_bound_needs_networks_on_either_side():
    with pytest.raises(ValueError, match="got 2 of 2"):
        threshold([1.0, 2.0], [True, True], lower=True)


def test_a_change_is_of_the_layers_it_names():
    for found in trainability.run("relu", 3, "SGD", 0, epochs=0):
        if (found.changed, found.factor) == ("first", 1e-4):
            small_first = found
        if (found.changed, found.factor) == ("output", 1e-4):
            small_output = found
        if (found.changed, found.factor) == ("all", 1.0):
            plain = found
    assert small_first.signal < 1e-3 * plain.signal
    assert small_first.gradient == pytest.approx(plain.gradient, rel=0.3)
    assert small_output.gradient < 1e-3 * plain.gradient
    assert small_output.signal == pytest.approx(plain.signal)
    assert len(plain.late) == len(GRIDS["SGD"])


def test_networks_train_at_the_rates_of_their_grid_on_batches():
    found = trainability.run("tanh", 3, "SGD", 0, epochs=10)
    (plain,) = [net for net in found if (net.changed, net.factor) == ("all", 1.0)]
    rates = dict(zip(GRIDS["SGD"], plain.late, strict=True))
    assert rates[0.001] < 0.5 < 0.9 < rates[0.1]  # in ten steps on all images none gets there
    assert plain.best == GRIDS["SGD"].index(0.1) or plain.late[plain.best] >= rates[0.1]
