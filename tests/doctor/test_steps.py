"""The doctor's judgement of a rate, on a loss whose steps can be worked out: the square of w."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest

from livegrad.doctor import _steps
from livegrad.doctor._facts import Pass
from livegrad.doctor._keras.data import draw
from livegrad.doctor._keras.layers import _epsilon
from livegrad.doctor._keras.probe import KerasProbe, undisturbed
from livegrad.signals import GRADIENT_BOUNDS

L = keras.layers
NOTE = "learning rate: the optimizer cannot be copied (NotImplementedError)"


def square(optimizer, w=1.0, dtype="float32"):
    """One weight, the input 1, the target 0: the loss is w^2, a step of SGD w (1 - 2 rate)."""
    model = keras.Sequential([keras.Input((1,)), L.Dense(1, use_bias=False, dtype=dtype)])
    model.compile(optimizer, "mean_squared_error")
    model.layers[-1].kernel.assign([[w]])
    return model


def judged(model, depth=1, baseline=None, x=None):
    x = np.ones((16, 1)) if x is None else x
    probe = KerasProbe(model, draw(x, np.zeros(len(x)), 64))
    with undisturbed(model):
        return _steps.learning_rate(probe, probe.run(), depth, baseline)


SGD = keras.optimizers.SGD


@pytest.mark.parametrize("rate", [1e-3, 0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("depth", [1, 100])
def test_a_step_that_lowers_the_loss_is_judged_no_further(rate, depth):
    assert judged(square(SGD(rate)), depth) == ([], [])


def test_growth_above_three_is_named_with_a_tenth_of_the_rate_that_helps():
    (found,), notes = judged(square(SGD(1.25)))
    assert notes == [] and (found.code, found.layer) == ("learning-rate", "optimizer")
    # Each step multiplies the weight by 1 - 2.5, and the loss by its square.
    assert found.evidence == (
        f"loss {1.5**6:.3g} times as large after 3 steps on one batch, above 3; "
        "weights move by 2.5 of their size a step"
    )
    assert found.fix == "model.optimizer.learning_rate = 0.1"


@pytest.mark.parametrize(("rate", "better"), [(1.25, 0.1), (10.0, 0.1), (30.0, 0.3), (500.0, 0.5)])
def test_the_rate_advised_is_the_first_tenth_that_lowers_the_loss(rate, better):
    (found,), _ = judged(square(SGD(rate)))
    assert found.fix == f"model.optimizer.learning_rate = {better:g}"
    assert (1 - 2 * better) ** 2 < 1 <= (1 - 20 * better) ** 2


def test_the_search_for_a_rate_ends_after_six_tenths():
    (found,), _ = judged(square(SGD(1e9)))
    assert found.fix == "model.optimizer.learning_rate = 1000"


@pytest.mark.parametrize(("rate", "found"), [(1.1, False), (1.11, True)])
def test_the_bound_on_growth_lies_between_three_steps_of_these_rates(rate, found):
    assert ((2 * rate - 1) ** 6 > 3) == found
    assert bool(judged(square(SGD(rate)))[0]) == found


@pytest.mark.parametrize(
    ("baseline", "found"), [(None, True), (1.0, True), (3.9, False), (3.0, True)]
)
def test_growth_is_from_what_knowing_nothing_costs_where_that_is_more(baseline, found):
    # The loss rises from 1 to 11.4.
    (findings, _) = judged(square(SGD(1.25)), baseline=baseline)
    assert bool(findings) == found
    if found:
        assert findings[0].evidence.startswith(f"loss {1.5**6 / max(1, baseline or 0):.3g} times")


def test_a_step_that_rewrites_deep_weights_is_named_by_its_size():
    longest = GRADIENT_BOUNDS["SGD"][1] ** (1 / 50) - 1
    assert longest < 2.2
    (found,), _ = judged(square(SGD(1.1)), depth=50)
    assert found.evidence == (
        f"a step moves the weights by 2.2 of their size, above {longest:.3g}; "
        "weights move by 2.2 of their size a step"
    )
    assert found.fix == "model.optimizer.learning_rate = 0.1"
    assert judged(square(SGD(1.1)), depth=1) == ([], [])


def test_a_loss_that_is_lower_later_is_no_explosion():
    # Adam's first step leads from 0.1 to -0.15, its second back to -0.09.
    model = square(keras.optimizers.Adam(0.25), w=0.1)
    assert judged(model, depth=100) == ([], [])


@pytest.mark.parametrize("rate", [1e30, 1e12])
def test_a_loss_that_overflows_is_the_largest(rate):
    (found,), _ = judged(square(SGD(rate)), baseline=1e9)
    steps = 1 if rate == 1e30 else 2
    assert found.evidence.startswith(f"loss inf times as large after {steps} steps on one batch")


def test_the_optimizers_state_is_taken_along():
    model = square(SGD(0.1, momentum=0.9))
    model.optimizer.build(model.trainable_variables)
    model.optimizer.momentums[0].assign([[5.0]])
    (found,), _ = judged(model)
    # The velocity 0.9 * 5 - 0.1 * 2 is the step.
    assert found.evidence.endswith("weights move by 4.3 of their size a step")
    assert float(model.optimizer.momentums[0][0, 0]) == 5
    assert float(model.layers[-1].kernel[0, 0]) == 1


def test_a_schedules_rate_is_its_present_one_and_its_state_is_taken_along():
    falling = keras.optimizers.schedules.ExponentialDecay(2.0, 10, 0.1)
    model = square(SGD(falling, momentum=0.9))
    (found,), _ = judged(model)
    assert "above 3; weights move by 4 of their size" in found.evidence
    assert found.fix == "model.compile(..., optimizer=keras.optimizers.SGD(0.2))"
    model.optimizer.build(model.trainable_variables)
    model.optimizer.iterations.assign(10)
    assert judged(model) == ([], [])
    model.optimizer.momentums[0].assign([[5.0]])
    (found,), _ = judged(model)
    assert found.evidence.endswith("weights move by 4.1 of their size a step")


def test_a_schedule_may_begin_with_short_steps():
    rising = keras.optimizers.schedules.PolynomialDecay(1e-9, 100, 0.1)
    note = "learning rate: a schedule may begin with steps as short as these"
    assert judged(square(SGD(rising))) == ([], [note])


@pytest.mark.parametrize("rate", [1e-7, 1e-9, 1e-12, 1e-20])
def test_a_step_is_measured_though_rounding_eats_it_up(rate):
    (found,), _ = judged(square(SGD(rate)))
    assert found.evidence == (
        f"a step moves the weights by {2 * rate:.1e} of their size, below 8 eps = 9.5e-07; one "
        f"{1e-3 / (2 * rate):.0e} times as long lowers the loss from 1 to 0.998"
    )
    assert found.fix == "model.optimizer.learning_rate = 0.005"


@pytest.mark.parametrize(("least", "better"), [(0.0, 0.005), (0.994, 0.005), (0.9948, 0.0005)])
def test_a_hundredth_is_advised_where_it_lowers_the_loss_more(least, better):
    # The minimum lies at w = least: a step of a hundredth leads past it, from a distance of
    # 0.0052 to one of 0.0048, and a step of a thousandth to one of 0.0042.
    model = square(SGD(1e-9 / (1 - least)))
    probe = KerasProbe(model, draw(np.ones((16, 1)), np.full(16, least), 64))
    with undisturbed(model):
        (found,), _ = _steps.learning_rate(probe, probe.run(), 1, None)
    advised = float(found.fix.rpartition(" ")[2])
    assert advised * (1 - least) == pytest.approx(better, rel=0.1)


def test_a_rate_of_0_moves_nothing():
    (found,), _ = judged(square(SGD(0.0)))
    assert found.evidence == (
        "a step moves the weights by 0.0e+00 of their size, below 8 eps = 9.5e-07; one of a "
        "thousandth lowers the loss from 1 to 0.998"
    )
    assert found.fix == "model.optimizer.learning_rate = 0.005"


def test_a_short_step_is_a_fault_only_where_a_longer_one_helps():
    # The curvature of the loss is 2e6: a thousandth of the weight is far too long a step.
    x = np.full((16, 1), 1000.0)
    model = keras.Sequential([keras.Input((1,)), L.Dense(1)])
    model.compile(SGD(1e-12), "mean_squared_error")
    model.layers[-1].kernel.assign([[1.0]])
    model.layers[-1].bias.assign([-999.9])
    assert judged(model, x=x) == ([], [])


def test_a_long_step_is_no_short_one_whatever_its_precision():
    for dtype, eps in [("float16", 2.0**-10), ("bfloat16", 2.0**-7), ("float64", 2.0**-52)]:
        assert _epsilon(dtype) == eps
    assert _epsilon("float32") == pytest.approx(1.19e-7, rel=1e-2)
    assert judged(square(SGD(1e-8), dtype="float64")) == ([], [])
    (found,), _ = judged(square(SGD(1e-17), dtype="float64"))
    assert "below 8 eps = 1.8e-15" in found.evidence


def test_the_precision_is_that_of_the_first_weight_that_trains():
    class Block(keras.Model):
        """Its first weight is its own, and no layer's."""

        def __init__(self, trainable):
            super().__init__()
            self.scale = self.add_weight(shape=(1, 1), dtype="float64", trainable=trainable)
            self.hidden = L.Dense(1, dtype="float16")

        def call(self, x):
            return self.hidden(x * keras.ops.cast(self.scale, x.dtype))

    x = np.ones((4, 1))
    for own, layer, eps in [
        (True, True, 2.0**-52),
        (False, True, 2.0**-10),
        (True, False, 2.0**-52),
    ]:
        model = Block(own)
        model.hidden.trainable = layer
        model(x)
        assert _steps._precision(KerasProbe(model, draw(x, x, 4))) == eps


def test_what_cannot_be_stepped_is_a_note():
    class Stubborn(SGD):
        def get_config(self):
            raise NotImplementedError

    assert judged(square(Stubborn(1.25))) == ([], [NOTE])
    model = square(SGD(1.25))
    probe = KerasProbe(model, draw(np.ones((16, 1)), np.zeros(16), 64))
    nothing = Pass([], [], 1.0, [None])
    with undisturbed(model):
        found = _steps.learning_rate(probe, nothing, 1, None)
    assert found == ([], ["learning rate: no trainable variable has a gradient"])


def test_kernels_of_0_have_no_size_to_move_by():
    assert judged(square(SGD(1.25), w=0.0)) == ([], [])


def test_the_share_is_the_median_over_kernels_and_leaves_biases_out():
    weights = [np.full(shape, 2.0, "float32") for shape in [(2, 2), (3, 2), (4,), (1, 1)]]
    copies = [w * np.float32(f) for w, f in zip(weights, (1.1, 1.3, 9, 1.2), strict=True)]
    assert _steps._relative(copies, weights) == pytest.approx(0.2)
    assert _steps._relative(copies[2:3], weights[2:3]) is None


@pytest.mark.parametrize(("rate", "rounded"), [(0.0123, 0.01), (0.0176, 0.02), (9.7e-6, 1e-5)])
def test_a_rate_is_advised_with_one_digit(rate, rounded):
    assert _steps._rounded(rate) == rounded and math.isfinite(rounded)


# Half precision and normalised weights --------------------------------------------------------


def test_an_explosion_of_half_precision_is_named_by_its_precision():
    (found,), notes = judged(square(SGD(1.25), dtype="float16"))
    assert (found.code, found.layer, notes) == ("precision", "optimizer", [])
    assert found.evidence.startswith("loss 11.4 times as large after 3 steps on one batch, above 3")
    assert found.fix == "optimizer = keras.optimizers.LossScaleOptimizer(optimizer)"
    assert found.why.startswith("Weights in half precision: ") and math.isnan(found.advised)
    # The coarser half precision has all exponents of single precision.
    for dtype in ("bfloat16", "float32"):
        (found,), _ = judged(square(SGD(1.25), dtype=dtype))
        assert found.code == "learning-rate" and found.advised == 0.1


def test_weights_that_normalisations_follow_may_take_a_long_step():
    x = np.ones((16, 1))
    for rate, found in [(1.25, False), (1e30, True)]:
        model = square(SGD(rate))
        probe = KerasProbe(model, draw(x, np.zeros(16), 64))
        with undisturbed(model):
            result = probe.run()
            assert len(_steps.learning_rate(probe, result, 1, None)[0]) == 1
            said, notes = _steps.learning_rate(probe, result, 1, None, normalised=True)
        assert (bool(said), notes) == (found, [])
    # A step that is too short is one whatever follows.
    model = square(SGD(1e-9))
    probe = KerasProbe(model, draw(x, np.zeros(16), 64))
    with undisturbed(model):
        (found,), _ = _steps.learning_rate(probe, probe.run(), 1, None, normalised=True)
    assert "below 8 eps" in found.evidence and found.advised == 0.005


@pytest.mark.parametrize(("rate", "short"), [(4.5e-7, True), (4.9e-7, False)])
def test_a_step_is_short_below_eight_eps_of_the_weight(rate, short):
    """It moves the weight 1 by 2 rate; 8 eps are 9.54e-7."""
    assert (2 * rate < 8 * 2.0**-23) == short
    assert bool(judged(square(SGD(rate)))[0]) == short


@pytest.mark.parametrize(("distance", "found"), [(1e-3, False), (0.013, False), (0.02, True)])
def test_a_short_step_that_lowers_the_loss_by_a_ten_thousandth_is_long_enough(distance, found):
    """A step of 8e-7 of the weight 1 towards a minimum so near takes twice its share away."""
    assert (2 * 8e-7 / distance < 1e-4) == found
    model = square(SGD(4e-7 / distance))
    probe = KerasProbe(model, draw(np.ones((16, 1)), np.full(16, 1 - distance), 64))
    with undisturbed(model):
        said, notes = _steps.learning_rate(probe, probe.run(), 1, None)
    assert (bool(said), notes) == (found, [])
