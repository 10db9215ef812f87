"""Width and rate: the two parametrisations, and what one run trains."""

import numpy as np
import pytest

from livegrad import MLP
from livegrad.optimizers import Adam
from livegrad_lab import width


def test_the_images_are_the_first_512_digits_from_0_to_1():
    x, y = width.images()
    assert x.shape == (512, 64) and x.dtype == np.float32 and y.shape == (512,)
    assert x.min() == 0 and x.max() == 1 and set(y) == set(range(10))


def test_at_the_base_width_both_ways_are_the_same_network():
    standard, mup = (width.run(way, 32, 0, [1 / 64]) for way in width.WAYS)
    assert standard == mup and len(standard[0]) == len(width.STEPS)


def test_the_seed_is_that_of_weights_and_batches():
    first, again, other = (width.run("muP", 64, seed, [1 / 64]) for seed in (0, 0, 1))
    assert first == again != other


@pytest.mark.parametrize(("way", "m"), [("standard", 1), ("muP", 4)])
def test_a_rate_behind_the_first_layer_and_the_last_weights_go_with_the_width(way, m, monkeypatch):
    made, nets = [], []

    class Seen(Adam):
        def __init__(self, learning_rate):
            super().__init__(learning_rate)
            made.append(self)
            self.shapes = None

        def step(self, values, gradients):
            self.shapes = [value.shape for value in values]
            super().step(values, gradients)

    class Kept(MLP):
        def forward(self, *given, **more):
            nets.append(self.weights[-1].copy())
            return super().forward(*given, **more)

    monkeypatch.setattr(width, "Adam", Seen)
    monkeypatch.setattr(width, "MLP", Kept)
    width.run(way, 128, 0, [0.01])
    first, rest = made
    assert first.shapes == [(64, 128), (128,), (128,), (128,), (10,)]
    assert rest.shapes == [(128, 128), (128, 128), (128, 10)]
    assert first.learning_rate == 0.01 and rest.learning_rate == 0.01 / m
    usual = MLP([64, 128, 128, 128, 10], "relu", "he_normal", "multiclass", rng=0, dtype="float32")
    np.testing.assert_allclose(nets[0], usual.weights[-1] / np.sqrt(m), rtol=1e-6)


def test_a_run_has_a_row_a_rate():
    rates = [1 / 256, 1 / 64]
    assert width.run("muP", 32, 0, rates) == [width.run("muP", 32, 0, [one])[0] for one in rates]


def test_losses_stand_in_the_order_of_ways_widths_seeds_rates_and_steps(monkeypatch):
    def runs(function, settings, progress):
        assert function is width.run
        return [
            [
                [
                    one["width"] + rate + 100 * one["seed"] + 1000 * (one["way"] == "muP") + step
                    for step in width.STEPS
                ]
                for rate in width.RATES
            ]
            for one in settings
        ]

    monkeypatch.setattr(width, "sweep", runs)
    found = width.losses()
    assert found.shape == (2, 6, 3, 10, 3)
    assert found[1, 2, 2, 3, 1] == 1000 + 128 + 2.0**-10 + 200 + 40
