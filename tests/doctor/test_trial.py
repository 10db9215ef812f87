"""Steps that are tried, on a loss whose steps can be worked out: the square of a distance.

With the loss (w - t)^2 a step of SGD takes the distance times 1 - 2 rate, and n of them the loss
times (1 - 2 rate)^(2 n).
"""

from __future__ import annotations

import math
import types

import keras
import numpy as np
import pytest

from livegrad.doctor import _learning, examine
from livegrad.doctor._examples import even
from livegrad.doctor._facts import Call, Layer, Optimizer, Pass, Plan, Weight
from livegrad.doctor._keras.data import draw
from livegrad.doctor._keras.probe import KerasProbe, undisturbed
from livegrad.doctor._keras.words import WORDS
from livegrad.doctor._learning import Learning
from livegrad.doctor._path import through
from livegrad.doctor._trial import STEPS, Trial, affordable, cheap, told, tried

L = keras.layers
SGD = keras.optimizers.SGD


def learns(probe, result, baseline, least=0.0, noise=0.0):
    return Learning(probe, result, baseline, least, noise).judge()


class Square:
    """One weight with the loss (w - target of the rows)^2 and a penalty, and plain steps.

    Args:
        rate: of the optimizer.
        w: at the start.
        targets: one a row; the loss is the mean of the squares.
        l2: the penalty, l2 w^2.
        plan: of the training.
        given: of the optimizer.
    """

    words = WORDS
    walk = None
    instead = None

    def __init__(self, rate=0.1, w=1.0, targets=(0.0,), l2=0.0, plan=None, **given):
        self.w, self.targets, self.l2 = w, np.asarray(targets, float), l2
        self.rows, self.plan = len(self.targets), plan or Plan()
        self.optimizer = Optimizer("SGD", False, rate, **given)
        kernel = Weight("kernel", "only/kernel", (1, 1), lambda: np.array([[w]]), place=0)
        kernel.penalty = (0.0, l2)
        self.layers = [Layer("plain", "activation"),
                       Layer("only", "dense", "Dense", weights={"kernel": kernel})]  # fmt: skip
        self.asked = []

    def slopes(self, values, *, rows, bare=False):
        self.asked.append((tuple(rows), bare))
        w = values[0]
        gradient = 2 * np.mean(w - self.targets[rows]) + 2 * self.l2 * w * (not bare)
        return self.at(w, rows, bare), [np.asarray(gradient), None]

    def at(self, w, rows, bare=False):
        with np.errstate(over="ignore", invalid="ignore"):
            charged = self.l2 * w**2 * (not bare)
            return float(np.mean((w - self.targets[rows]) ** 2) + charged)

    def loss(self, values=None, training=True, *, rows=None, bare=False):
        w = self.w if values is None else values[0]
        return self.at(w, np.arange(self.rows) if rows is None else rows, bare)

    def run(self, values=None, *, rows=None, with_loss=True):
        penalty = self.l2 * self.w**2
        return Pass([], [], self.loss(values), [np.array(1.0)], penalty=penalty)

    def stepper(self, rate=None, *, bare=False):
        return Steps(self.w, rate, 0.0 if bare else self.optimizer.decay)


class Steps:
    def __init__(self, w, rate, decay):
        self.values, self.rate, self.decay = [np.asarray(float(w)), np.asarray(0.0)], rate, decay

    def step(self, gradients):
        (w, rest), (gradient, _) = self.values, gradients
        self.values = [w - self.rate * (gradient + self.decay * w), rest]


def judged(probe, baseline=None):
    found, well = learns(probe, probe.run(), baseline)
    return [(one.code, one.layer) for one in found], well


def after(rate, steps=STEPS):
    return (1 - 2 * rate) ** (2 * steps)


# One trial ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rate", "steps"), [(0.01, 30), (0.001, 7), (0.4, 3), (0.1, 0)])
def test_steps_lead_as_far_as_they_can_be_worked_out(rate, steps):
    trial = tried(Square(), rate, steps=steps)
    assert trial.finite and trial.loss == pytest.approx(after(rate, steps))
    if steps:
        assert trial.last == pytest.approx(after(rate, steps - 1))
    else:
        assert math.isnan(trial.last)
    assert tried(Square(), 0.01).loss == pytest.approx(after(0.01, 30))


def square(optimizer, n=16):
    """The same of Keras: one weight, the input 1, the target 0."""
    model = keras.Sequential([keras.Input((1,)), L.Dense(1, use_bias=False, name="only")])
    model.compile(optimizer, "mean_squared_error")
    model.layers[-1].kernel.assign([[1.0]])
    return model, KerasProbe(model, draw(np.ones((n, 1)), np.zeros(n), 64))


def test_keras_leads_as_far_and_its_model_is_left_as_it_was():
    model, probe = square(SGD(0.5))
    with undisturbed(model):
        for rate, batch in [(0.01, None), (0.002, 4)]:
            trial = tried(probe, rate, batch=batch)
            assert trial.loss == pytest.approx(after(rate), rel=1e-4)
            assert float(trial.values[0][0, 0]) == pytest.approx(after(rate) ** 0.5, rel=1e-4)
        assert learns(probe, probe.run(), None) == ([], True)
    assert float(model.layers[-1].kernel[0, 0]) == 1 and int(model.optimizer.iterations) == 0
    assert float(model.optimizer.learning_rate) == 0.5


def test_a_penalty_and_a_decay_are_left_out_where_they_are_to_be():
    probe = Square(l2=1.0)
    # Of both squares the gradient is 4 w; the loss that is told is the first's alone.
    assert tried(probe, 0.01).loss == pytest.approx((1 - 0.04) ** 60)
    assert tried(probe, 0.01).last == pytest.approx(2 * (1 - 0.04) ** 58)
    assert tried(probe, 0.01, bare=True).loss == pytest.approx(after(0.01))
    probe = Square(decay=2.0)
    assert tried(probe, 0.01).loss == pytest.approx((1 - 0.04) ** 60)
    assert tried(probe, 0.01, bare=True).loss == pytest.approx(after(0.01))


def test_a_batch_is_drawn_from_the_rows_without_return():
    probe = Square(targets=np.arange(10.0))
    tried(probe, 0.01, batch=4, steps=5)
    asked = [rows for rows, _ in probe.asked]
    assert all(len(set(rows)) == 4 and list(rows) == sorted(rows) for rows in asked)
    assert len(set(asked)) > 1
    again = Square(targets=np.arange(10.0))
    tried(again, 0.5, batch=4, steps=5)
    assert again.asked == probe.asked
    for batch in (None, 10, 11):
        probe.asked.clear()
        tried(probe, 0.01, batch=batch, steps=2)
        assert probe.asked == [(tuple(range(10)), False)] * 2


def test_some_rows_are_trained_on_and_asked_at_the_end():
    probe = Square(targets=[0.0, 0.0, 9.0])
    assert tried(probe, 0.01, rows=np.array([0, 1])).loss == pytest.approx(after(0.01))
    probe.asked.clear()
    tried(probe, 0.01, rows=np.array([0, 2]), batch=1, steps=9)
    assert {rows for rows, _ in probe.asked} == {(0,), (2,)}


def test_what_breaks_is_told_with_its_step():
    # Each step takes the weight times 1 - 2e60, and 1e60^6 has no square.
    trial = tried(Square(), 1e60)
    assert not trial.finite and trial.loss == math.inf
    _, step = trial.broken
    assert step == 3 and trial.last == pytest.approx(16e240, rel=1e-6)
    # At the first step nothing was finite before.
    trial = tried(Square(w=math.nan), 0.1)
    assert trial.broken[1] == 0 and math.isnan(trial.last)
    # The last step of all may be the one.
    trial = tried(Square(), 1e60, steps=3)
    assert trial.broken[1] == 3 and trial.loss == math.inf


def test_a_gradient_that_is_not_finite_breaks_where_the_loss_does_not(monkeypatch):
    probe = Square()
    monkeypatch.setattr(probe, "slopes", lambda *a, **k: (1.0, [None, np.array([0.0, np.inf])]))
    trial = tried(probe, 0.1)
    assert trial.broken[1] == 0


# What it costs --------------------------------------------------------------------------------


def made(entries, fan, kind="dense", steps=None):
    kernel = Weight("kernel", "k", (fan, 3), lambda: np.ones((fan, 3)))
    layer = Layer("a", kind, weights={"kernel": kernel} if fan else {})
    given = [] if steps is None else [np.broadcast_to(0.0, (2, steps, 3))]
    return Call(layer, given, np.broadcast_to(0.0, (entries,)), [], True)


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ([], True),
        ([made(10**6, 99)], True),
        ([made(10**6, 100)], False),
        ([made(10**6, 60), made(10**6, 39)], True),
        ([made(10**6, 60), made(10**6, 40)], False),
        ([made(10**9, 0)], True),
        ([Call(made(1, 10**9).layer, [], None, [], True)], True),
        ([made(1, 0, "recurrent", 99)], True),
        ([made(1, 0, "recurrent", 100)], False),
        ([made(1, 0, "recurrent", 60), made(1, 0, "recurrent", 40)], False),
        ([made(1, 0, "dense", 500)], True),
    ],
)
def test_a_pass_is_cheap_below_so_many_multiplications_and_steps(calls, expected):
    assert cheap(Pass(calls, [], 1.0, [])) is expected


# Whether it learns ----------------------------------------------------------------------------

LONG = Plan(batch=1, epochs=10_000, total=1)


# In thirty steps (1 - 2 rate)^60 is left: 0.7 at a rate of 0.00296.
@pytest.mark.parametrize("rate", [0.0030, 0.1, 0.4])
def test_what_falls_below_seven_tenths_in_thirty_steps_learns(rate):
    assert after(0.0030) < 0.7 < after(0.0029)
    probe = Square(rate, plan=Plan(1, 30, 1))
    assert judged(probe) == ([], True) and len(probe.asked) == STEPS


def test_thirty_steps_stand_for_all_at_the_rate_that_makes_them_as_far():
    """1000 steps of 0.0001 go as far as thirty of 0.00333."""
    probe = Square(1e-4, plan=Plan(1, 1000, 1))
    assert judged(probe) == ([], True) and len(probe.asked) == 2 * STEPS
    assert after(1e-4 * 1000 / STEPS) < 0.7 < after(1e-4)
    # Without a plan there are ten thousand.
    assert judged(Square(1e-5)) == ([], True)
    assert judged(Square(1e-6)) == ([("learning-rate", "optimizer")], False)


def test_a_rate_with_which_all_steps_lead_nowhere_is_too_short():
    """300 steps of 1e-5 keep 0.988; ten times as far keep 0.887, a hundred times 0.30."""
    probe = Square(1e-5, plan=Plan(1, 300, 1))
    (found,), well = learns(probe, probe.run(), None)
    assert (found.code, found.layer, well) == ("learning-rate", "optimizer", False)
    kept, further = after(1e-4), after(1e-2)
    assert after(1e-3) > 0.6 * kept > further
    assert found.evidence == (
        f"the 300 steps planned of this rate lead to a loss of {kept:.3g} from 1, and 100 times "
        f"as far to {further:.3g}; must not be so much lower"
    )
    assert found.fix == "model.optimizer.learning_rate = 0.001"
    # Where a thousand times as far are needed, a hundred are advised.
    probe = Square(1e-6, plan=Plan(1, 300, 1))
    (found,), _ = learns(probe, probe.run(), None)
    assert ", and 1000 times as far to " in found.evidence
    assert found.fix == "model.optimizer.learning_rate = 0.0001"
    # Where these do not help either, nothing is said, and it does not learn.
    assert judged(Square(1e-7, plan=Plan(1, 300, 1))) == ([], False)


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize(
    ("rate", "steps", "verdict"),
    [
        (0.0029, 30, None),
        (0.0030, 30, True),
        (1e-4, 1000, True),
        (1e-5, 300, False),
        (0.002, 30_000, True),
        (0.9995, 30, False),
        (0.998, 30, True),
    ],
)
def test_what_is_learned_is_a_share_of_what_there_is_to_learn(size, rate, steps, verdict):
    """The loss is that of a distance 1 times a square, and so is all that it is compared with."""
    probe = Square(rate, w=size, plan=Plan(1, steps, 1))
    unit = Square(rate, plan=Plan(1, steps, 1))
    assert judged(probe) == judged(unit) and len(probe.asked) == len(unit.asked)
    if verdict is not None:
        assert judged(probe)[1] is verdict
    charged = Square(0.002, w=0.01 * size, targets=[size], l2=20.0, plan=Plan(1, 300, 1))
    assert judged(charged) == ([("strong-penalty", "only")], False)


def test_ten_times_as_far_is_tried_first():
    """300 steps of 1e-4 keep 0.887, and ten times as far 0.30."""
    probe = Square(1e-4, plan=Plan(1, 300, 1))
    (found,), _ = learns(probe, probe.run(), None)
    assert f", and 10 times as far to {after(1e-2):.3g}; " in found.evidence
    assert found.fix == "model.optimizer.learning_rate = 0.001"


def test_where_it_starts_is_without_the_penalty():
    """The loss stays at 0.01, of which 1 is charged besides: nothing was learned."""
    probe = Square(1e-12, w=1.0, targets=[1.1], l2=1.0, plan=Plan(1, 30, 1))
    assert probe.run().loss == pytest.approx(1.01) and judged(probe)[1] is False


def test_too_few_steps_are_tried_as_far_again():
    """Ten steps of 0.005 keep 0.818; a hundred and twenty keep 0.0894."""
    probe = Square(0.005, plan=Plan(1, 10, 1))
    (found,), well = learns(probe, probe.run(), None)
    assert (found.code, well) == ("learning-rate", False)
    assert found.evidence == (
        f"the 10 steps planned of this rate lead to a loss of {after(0.005, 10):.3g} from 1, and "
        f"12 times as far to {after(0.005, 120):.3g}; must not be so much lower"
    )
    assert found.fix == "model.optimizer.learning_rate = 0.06"


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        # 300 of 300 examples a step make 12 steps; batches of 32 make 120.
        (Plan(300, 12, 300), "batch-size"),
        (Plan(150, 6, 300), "batch-size"),
        # Twice the batch are all examples, or not all.
        (Plan(250, 6, 500), "batch-size"),
        (Plan(249, 4, 500), "learning-rate"),
        # Batches of 32 are five times as many, or four.
        (Plan(160, 12, 160), "batch-size"),
        (Plan(128, 12, 128), "learning-rate"),
        # Batches of 32 are not five times as many.
        (Plan(100, 12, 128), "learning-rate"),
        (Plan(32, 12, 32), "learning-rate"),
        (Plan(None, None, 300), "learning-rate"),
    ],
)
def test_batches_that_hold_most_examples_make_few_steps(plan, code):
    rate = 1e-6 if plan.batch is None else 0.0005
    probe = Square(rate, plan=plan)
    (found,), _ = learns(probe, probe.run(), None)
    assert (found.code, found.layer) == (
        (code, "data") if code == "batch-size" else (code, "optimizer")
    )
    if code == "batch-size":
        steps = plan.steps()
        assert found.evidence.startswith(
            f"batches of {plan.batch} of {plan.total} examples make {steps} steps in "
            f"{plan.epochs} epochs; that leads to a loss of {after(rate, steps):.3g} from 1, and "
        )
        assert found.fix == "model.fit(..., batch_size=32)"


def test_no_plan_is_no_number_of_steps_planned():
    probe = Square(1e-6)
    (found,), _ = learns(probe, probe.run(), None)
    assert found.evidence.startswith("10000 steps of this rate lead to a loss of ")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, ""),
        ({"schedule": lambda step: 1e-5}, "; the rate is 1e-05 now"),
        ({"began": 1.9e-5}, ""),
        ({"began": 2.1e-5}, "; the rate is 1e-05 now"),
        ({"clipped": ("clipnorm", 0.5)}, "; clipnorm is 0.5"),
    ],
)
def test_what_may_have_made_the_steps_short_is_told(given, said):
    probe = Square(1e-5, plan=Plan(1, 300, 1), **given)
    (found,), _ = learns(probe, probe.run(), None)
    assert found.evidence.endswith("must not be so much lower" + said)


def test_a_schedule_that_falls_makes_fewer_steps_of_the_present_rate():
    """The rate is 1e-5 for most of 10000 steps, which go far, or for sixty, which do not."""
    plan = Plan(1, 10_000, 1)
    assert judged(Square(1e-5, plan=plan, schedule=lambda n: 1e-5 * (n < 9500))) == ([], True)
    short = Square(1e-5, plan=plan, schedule=lambda n: 1e-5 * (n < 60))
    assert judged(short) == ([("learning-rate", "optimizer")], False)


# Too long -------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [1.0, 0.9999, 1.0005])
def test_a_rate_that_jumps_across_is_too_long_where_a_tenth_is_not(rate):
    """The distance keeps its size and changes its side: 1 - 2 rate is about -1."""
    probe = Square(rate, plan=Plan(1, 30, 1))
    (found,), well = learns(probe, probe.run(), None)
    assert (found.code, found.layer, well) == ("learning-rate", "optimizer", False)
    assert found.evidence == (
        f"after 30 steps the loss is {after(rate):.3g}, from 1, and {after(rate / 10):.3g} with a "
        "rate 10 times as small; must not be so much lower"
    )
    assert found.fix == "model.optimizer.learning_rate = 0.1"


def test_a_rate_may_be_ten_or_a_thousand_times_too_long():
    # 30 is taken back to 3, which blows up too, then to 0.3; 300 to 0.3.
    for rate, part in [(30.0, 100), (300.0, 1000)]:
        probe = Square(rate, plan=Plan(1, 30, 1))
        (found,), _ = learns(probe, probe.run(), None)
        assert f"with a rate {part} times as small" in found.evidence
        assert found.fix == "model.optimizer.learning_rate = 0.3"


@pytest.mark.parametrize(("rate", "left"), [(0.9992, "stuck"), (0.99, "learns")])
def test_what_is_stuck_keeps_nine_tenths(rate, left):
    """(1 - 2 rate)^60 is 0.908 and 0.30."""
    assert (after(rate) >= 0.9) == (left == "stuck")
    assert judged(Square(rate, plan=Plan(1, 30, 1)))[1] is (left == "learns")


def test_a_tenth_of_the_rate_that_learns_where_the_rate_half_learns_is_no_fault():
    # Between seven and nine tenths: neither learned nor stuck.
    rate = 0.998
    assert 0.7 < after(rate) < 0.9
    assert judged(Square(rate, plan=Plan(1, 30, 1))) == ([], True)


def test_what_came_trained_is_not_asked_to_get_further():
    """It stays at 1 of a baseline of 2: there is nothing that it should learn."""
    probe = Square(1e-9, plan=Plan(1, 30, 1))
    assert judged(probe, baseline=2.0) == ([], True)
    assert judged(Square(1e-9, plan=Plan(1, 30, 1)), baseline=1.42) == ([], False)
    assert judged(Square(1e-9, plan=Plan(1, 30, 1)), baseline=1.43) == ([], True)


@pytest.mark.parametrize(
    ("probe", "baseline"),
    [
        (Square(0.0), None),
        (Square(0.1, w=0.0), None),
        (Square(0.1), 0.0),
    ],
)
def test_without_a_rate_or_anything_to_learn_nothing_is_known(probe, baseline):
    assert judged(probe, baseline) == ([], None) and probe.asked == []


def test_what_is_not_cheap_is_not_tried(monkeypatch):
    monkeypatch.setattr(_learning, "cheap", lambda result, share=1.0: False)
    probe = Square()
    assert judged(probe) == ([], None) and probe.asked == []


def noisy(rate, **given):
    """Beside the distance 1 there is a noise of variance 1.857 that no weight takes away."""
    targets = math.sqrt(1.857) * np.where(np.arange(8) % 2, 1, -1)
    return Square(rate, targets=targets, plan=Plan(8, 30, 8), **given)


def test_what_got_worse_need_not_get_as_far_with_shorter_steps():
    """From 2.857, and what is left at best is 1.857: 0.65 of that, or 0.593 of 3.13."""
    up = noisy(1.002)
    (found,), _ = learns(up, up.run(), None)
    assert found.evidence.startswith("after 30 steps the loss is 3.13, from 2.86, and 1.86 with ")
    # Where it has not got worse, or no worse than knowing nothing, 1.857 is no fault.
    assert judged(noisy(0.9995)) == judged(up, baseline=4.0) == ([], True)
    assert judged(up, baseline=3.1) == ([("learning-rate", "optimizer")], False)


def test_a_whole_training_at_once_may_be_too_long_a_step():
    """1000 times 0.002 blows up; four times as many steps as the first keep 0.38."""
    probe = Square(0.002, plan=Plan(1, 30_000, 1))
    assert judged(probe) == ([], True)
    # First, all at once, and as many as may be.
    assert len(probe.asked) == (1 + 1 + 4) * STEPS


def test_the_steps_are_taken_on_batches_and_all_together_on_all_rows():
    probe = Square(1e-5, targets=np.zeros(8), plan=Plan(2, 100, 8))
    judged(probe)
    sizes = [len(rows) for rows, _ in probe.asked]
    # Whether the last have a gradient left is asked of all rows.
    begun = [2] * STEPS + [8] * STEPS + [2] * 4 * STEPS + [8] + [2] * 12 * STEPS
    assert sizes[: len(begun)] == begun
    # Then shorter ones of all, and each longer rate in both ways.
    rest = sizes[len(begun) :]
    assert rest[: 2 * STEPS] == [8] * 2 * STEPS and rest[2 * STEPS : 6 * STEPS] == [2] * 4 * STEPS


# Penalties ------------------------------------------------------------------------------------


def charged(l2=0.0, decay=0.0, targets=(1.0,), rate=0.05, plan=None):
    return Square(rate, w=0.0, targets=targets, l2=l2, decay=decay, plan=plan or Plan(1, 300, 1))


def test_a_penalty_that_keeps_the_loss_up_is_named():
    """The minimum of (w - 1)^2 + 20 w^2 lies at 1/21: of the loss (20/21)^2 is left."""
    probe = charged(l2=20.0, rate=0.002)
    probe.w = 0.01
    (found,), well = learns(probe, probe.run(), None)
    assert (found.code, found.layer, well) == ("strong-penalty", "only", False)
    free = 0.99**2 * after(0.02)
    assert found.evidence == (
        f"after as many steps as planned the loss without penalties is {(20 / 21) ** 2:.3g}, from "
        f"{0.99**2:.3g}, and {free:.3g} where nothing is charged; strength 20"
    )
    assert found.fix.endswith("keras.regularizers.L2(0.2))")


def test_a_decay_that_keeps_the_loss_up_is_the_optimizers():
    probe = charged(decay=40.0, rate=0.01)
    (found,), _ = learns(probe, probe.run(), None)
    assert (found.code, found.layer) == ("strong-penalty", "optimizer")
    assert found.evidence.endswith("; strength 40")
    assert found.fix == "model.optimizer.weight_decay = 0.4"


def test_a_penalty_that_leaves_enough_is_none():
    """The minimum of (w - 1)^2 + w^2 lies at 1/2: a quarter is left."""
    probe = charged(l2=1.0)
    probe.w = 0.1
    assert judged(probe) == ([], True)
    assert judged(charged(decay=0.1)) == ([], True)
    # What does not learn without it either is not its fault.
    probe = charged(l2=20.0, rate=1e-9)
    probe.w = 0.01
    assert judged(probe) == ([], False)


# Numbers that break ---------------------------------------------------------------------------


def test_a_rate_that_breaks_the_numbers_is_named_where_its_tenth_does_not():
    """The weight is multiplied by -3e5 a step, and by -3e4: to 1e308 go 28 steps, and 34."""
    probe = Square(1.5e5, w=1.0, plan=Plan(1, 30, 1))
    assert 2 * 29 * math.log10(3e5) > 308.3 > 2 * 28 * math.log10(3e5) > 2 * 30 * math.log10(3e4)
    (found,), well = learns(probe, probe.run(), None)
    assert (found.code, found.layer, well) == ("learning-rate", "optimizer", False)
    assert found.evidence == (
        "after 29 steps the loss or a gradient is not finite, and with a tenth of the rate all of "
        "30 steps are"
    )
    assert found.fix == "model.optimizer.learning_rate = 20000"


class Rooted(Square):
    """A gradient that breaks where the distance has become small, as that of a root does."""

    def slopes(self, values, *, rows, bare=False):
        loss, gradients = super().slopes(values, rows=rows, bare=bare)
        return loss, [gradients[0] / (loss > 0.25), None]


def test_a_formula_that_breaks_where_the_loss_is_small_is_not_the_rates_fault():
    with np.errstate(divide="ignore"):
        probe = Rooted(0.1, plan=Plan(1, 30, 1))
        (found,), well = learns(probe, probe.run(), None)
    assert (found.code, found.layer, well) == ("non-finite", "loss", False)
    # 0.8^(2 n) is below a quarter from the fourth step on.
    assert found.evidence == (
        "a gradient is not finite, though loss and outputs are; after 4 steps, the loss of the "
        f"last of them is {after(0.1, 3):.3g}"
    )


class Broken(Square):
    """It breaks at the third step, whatever the rate; a call of it gives infinity then."""

    def slopes(self, values, *, rows, bare=False):
        loss, gradients = super().slopes(values, rows=rows, bare=bare)
        return (loss if len(self.asked) % 3 else math.inf), gradients

    def run(self, values=None, *, rows=None, with_loss=True):
        result = super().run(values)
        if values is not None:
            cut = np.array([[np.inf, 1.0]])
            result.calls = [Call(Layer("cut", "other"), [], cut, [], True, gradient=cut)]
        return result


def test_what_breaks_with_a_tenth_of_the_rate_too_is_named_where_it_was_first():
    probe = Broken(1.1, plan=Plan(1, 30, 1))
    (found,), well = learns(probe, probe.run(), None)
    assert (found.code, found.layer, well) == ("non-finite", "cut", False)
    assert found.evidence == (
        "1 of 2 activations are not finite, above 0; after 2 steps, the loss of the last of them "
        f"is {after(1.1, 1):.3g}"
    )


# Held-out labels ------------------------------------------------------------------------------


def test_held_out_rows_are_told_by_what_was_learned_on_the_others():
    probe = Square(0.01, w=1.0, targets=np.zeros(32))
    assert told(probe, 1.0) is True
    for rows, _ in probe.asked:
        assert len(rows) == 16
    assert told(Square(0.01, targets=np.zeros(31)), 1.0) is False
    assert told(probe, None) is False
    # Noise about a mean of 0 is told no better than by that mean, the baseline.
    noise = np.random.default_rng(0).standard_normal(64)
    probe = Square(0.01, w=0.0, targets=noise)
    assert told(probe, float(np.var(noise))) is False


@pytest.mark.parametrize(("baseline", "expected"), [(1 / 0.949, False), (1 / 0.951, False)])
def test_telling_is_one_twentieth_below_the_baseline(baseline, expected):
    # A rate of 1e-12 learns nothing whatever the factor: the loss stays 1.
    probe = Square(1e-12, targets=np.zeros(32))
    assert told(probe, baseline) is (0.95 * baseline > 1)


def test_a_rate_that_is_planned_for_longer_is_tried_as_far():
    targets = np.zeros(32)
    # Ten times the rate leaves 0.94, ten thousand steps as far as 100 times 0.55.
    rate = 1e-4
    assert after(10 * rate) > 0.85 > after(100 * rate)
    assert told(Square(rate, targets=targets), 0.9) is True
    assert told(Square(rate, targets=targets, plan=Plan(32, 30, 32)), 0.9) is False
    probe = types.SimpleNamespace(rows=0)
    assert told(probe, 1.0) is False


def test_the_way_that_a_finding_comes_from_may_tell_too():
    probe = Square(1e-6, targets=np.zeros(32), plan=Plan(32, 30, 32))
    assert told(probe, 0.9) is False
    assert told(probe, 0.9, {"rate": 1e-3, "batch": 8, "steps": 20}) is False
    assert told(probe, 0.9, {"rate": 1e-3, "batch": 8, "steps": 200}) is True


def test_as_many_of_each_class_are_learned_where_one_in_fifty_is_not():
    """One label in sixty-four: the same steps that leave its loss learn it among equals."""
    x = np.random.default_rng(0).standard_normal((128, 2)).astype("float32")
    y = (x[:, 0] >= np.sort(x[:, 0])[-2]).astype("float32")
    for rate, learned in [(0.01, True), (1e-7, False)]:
        keras.utils.set_random_seed(0)
        layers = [L.Dense(16, "relu"), L.Dense(1, "sigmoid")]
        model = keras.Sequential([keras.Input((2,)), *layers])
        model.compile(keras.optimizers.Adam(rate), "binary_crossentropy")
        probe = KerasProbe(model, draw(x, y, 128), Plan(32, 10, 128))
        with undisturbed(model):
            (head,), _ = probe.outputs(probe.run())
            rows = even(head)
            assert len(rows) == 252 and np.mean(y[rows]) == 0.5
            assert Learning(probe, probe.run(), math.log(2)).balanced(rows) is learned


# Real steps ------------------------------------------------------------------------------------


def test_all_steps_are_taken_where_they_are_few():
    """A hundred steps of 0.003 keep 0.30, as far as thirty of 0.01; none is longer than planned."""
    assert affordable(Pass([], [], 1.0, []), 1.0, 100, False) == 100
    assert affordable(Pass([], [], 1.0, []), 1.0, 1e4, False) == 4 * STEPS
    assert affordable(Pass([], [], 1.0, []), 1.0, 1e4, True) == 1000
    assert affordable(Pass([made(10**6, 100)], [], 1.0, []), 0.25, 1e4, True) == 4 * STEPS
    assert affordable(Pass([made(1, 0, "recurrent", 50)], [], 1.0, []), 1.0, 1e4, True) == 100


@pytest.mark.parametrize("batch", [None, 4])
def test_many_steps_at_once_lead_where_they_lead_one_by_one(batch):
    model, probe = net_of_two()
    with undisturbed(model):
        at_once = tried(probe, 0.05, batch=batch, steps=40)
        again = tried(probe, 0.05, batch=batch, steps=40)
        probe.__class__ = type("Slow", (KerasProbe,), {"walk": None})
        one_by_one = tried(probe, 0.05, batch=batch, steps=40)
    assert at_once.loss == again.loss and at_once.loss < 0.9 * one_by_one.last + 1
    np.testing.assert_allclose(at_once.values[0], one_by_one.values[0], rtol=1e-3, atol=1e-5)
    assert at_once.last == pytest.approx(one_by_one.last, rel=1e-3)


def net_of_two(*layers, optimizer=None, n=64, plan=None):
    """Points in the plane, of which each quadrant's class is the product of its signs."""
    x = np.random.default_rng(0).standard_normal((n, 2)).astype("float32")
    y = (x[:, 0] * x[:, 1] > 0).astype("float32")
    inside = layers or (L.Dense(32, "relu", kernel_initializer="he_normal"),)
    model = keras.Sequential([keras.Input((2,)), *inside, L.Dense(1, "sigmoid", name="output")])
    model.compile(optimizer or keras.optimizers.Adam(0.01), "binary_crossentropy")
    return model, KerasProbe(model, draw(x, y, n), plan)


def test_where_a_number_breaks_many_steps_end_as_one_by_one():
    model, probe = square(SGD(1e20))
    with undisturbed(model):
        at_once = tried(probe, 1e20, steps=5)
        probe.__class__ = type("Slow", (KerasProbe,), {"walk": None})
        one_by_one = tried(probe, 1e20, steps=5)
    assert not at_once.finite and at_once.broken[1] == one_by_one.broken[1] > 0


def test_masks_differ_from_step_to_step_and_bury_what_they_hide():
    """Behind four masks of nine tenths nothing is learned in the planned steps; without, all is."""
    layers = [
        part
        for at in range(3)
        for part in (
            L.Dense(32, "relu", kernel_initializer="he_normal"),
            L.Dropout(0.75, name=f"mask_{at}"),
        )
    ]
    model, probe = net_of_two(*layers, n=128, plan=Plan(32, 60, 128))
    with undisturbed(model):
        losses = probe.walk(1e-12, np.tile(np.arange(32), (5, 1)), masks=True)[0]
        assert len({round(float(loss), 6) for loss in losses}) == 5
        (found,), well = learns(probe, probe.run(), math.log(2), noise=9.0)
        assert (found.code, found.layer, well) == ("dropout-rate", "mask_0", False)
        # Masks that add little are not tried.
        assert learns(probe, probe.run(), math.log(2), noise=0.5) == ([], True)


@pytest.mark.parametrize(
    ("count", "noise", "losses", "taken"),
    [
        # Of the start, 1, what is left after 30 steps, after a third and after all of them.
        (180, 0, {30: 0.49}, [30]),
        (180, 0, {30: 0.51, 60: 0.49}, [30, 60]),
        (180, 0, {30: 0.51, 60: 0.51, 180: 0.49}, [30, 60, 180]),
        # Long steps that stand for many tell nothing of these.
        (180, 0, {30: 0.8, None: 0.1, 60: 0.51, 180: 0.49}, [30, None, 60, 180]),
        (180, 0, {30: 0.8, None: 0.8, 180: 0.49}, [30, None, 180]),
        # Those that are cheap are all taken, and those with masks on.
        (1000, 0, {30: 0.01, 1000: 0.49}, [30, 1000]),
        (180, 2, {30: 0.01, 180: 0.49}, [30, 180]),
    ],
)
def test_steps_that_are_dear_end_where_enough_is_learned(count, noise, losses, taken, monkeypatch):
    asked = []

    def told(*given, steps=None, **more):
        asked.append(steps)
        return Trial(losses[steps], None, [])

    monkeypatch.setattr(_learning, "tried", told)
    probe = Square()
    probe.walk = lambda *given, **more: None
    learning = Learning(probe, Pass([], [], 1.0, []), None, noise=noise)
    learning.count = count
    assert learning.judge() == ([], True) and asked == taken


def test_labels_that_are_shares_leave_a_loss_that_nothing_takes_away():
    """Of the loss 1.9 + (w - t)^2 the first part stays: a half of the second is half of it."""
    probe = Square(0.002, plan=Plan(1, 1000, 1))
    assert judged(probe)[1] is True
    far = Square(0.01, plan=Plan(1, 30, 1))
    far.at = lambda w, rows, bare=False: 1.9 + float(w**2)
    assert learns(far, Pass([], [], 2.9, [np.array(1.0)]), None) != ([], True)
    assert learns(far, Pass([], [], 2.9, [np.array(1.0)]), None, 1.9) == ([], True)


def test_answers_of_a_relu_that_die_on_the_way_are_named():
    """A rate that silences the only answer: all targets are above 0, and no weight has a slope."""
    x = np.random.default_rng(0).standard_normal((64, 4)).astype("float32")
    y = np.full(64, 0.05, "float32")
    y[::2] = 0.5

    def probe(end):
        keras.utils.set_random_seed(1)
        last = L.Dense(1, end, name="output", bias_initializer="ones")
        model = keras.Sequential([keras.Input((4,)), L.Dense(8, "relu"), last])
        model.compile(SGD(20.0), "mean_squared_error")
        return model, KerasProbe(model, draw(x, y, 64), Plan(64, 40, 64))

    model, dying = probe("relu")
    with undisturbed(model):
        codes = {one.code for one in learns(dying, dying.run(), float(np.var(y)))[0]}
        assert "dead-units" in codes and "learning-rate" in codes


def test_flat_curves_that_lead_nowhere_are_named_where_relus_learn():
    def deep(kind):
        return [L.Dense(16, kind, name=f"hidden_{at}") for at in range(1, 5)]

    model, probe = net_of_two(*deep("sigmoid"), n=128, plan=Plan(32, 50, 128))
    with undisturbed(model):
        result = probe.run()
        learning = Learning(probe, result, math.log(2))
        before = [value.copy() for value in probe.values()]
        (found,) = learning.bent(through(result.calls, result.outputs))
        assert (found.code, found.layer) == ("vanishing-gradient", "hidden_1")
        # The model is as it was.
        assert all(map(np.array_equal, before, probe.values()))
        assert model.get_layer("hidden_1").activation is keras.activations.sigmoid
    model, probe = net_of_two(*deep("relu"), n=128, plan=Plan(32, 50, 128))
    with undisturbed(model):
        result = probe.run()
        learning = Learning(probe, result, math.log(2))
        assert learning.bent(through(result.calls, result.outputs)) == []


class Centred(keras.optimizers.RMSprop):
    """An optimizer of one's own, which changes the gradients before its step."""

    def apply(self, grads, trainable_variables=None):
        ops = keras.ops
        centred = [g - ops.mean(g, axis=0) if len(g.shape) > 1 else g for g in grads]
        return super().apply(centred, trainable_variables)


def by_numpy(y, predicted):
    """A loss that can only be computed, not compiled."""
    size = predicted.numpy().shape[-1]
    return keras.ops.mean((keras.ops.reshape(y, (-1, 1)) - predicted) ** 2) / size


def test_an_optimizer_of_ones_own_takes_many_steps_at_once():
    model, probe = net_of_two(optimizer=Centred(0.01))
    with undisturbed(model):
        at_once = tried(probe, 0.01, steps=20)
        probe.__class__ = type("Slow", (KerasProbe,), {"walk": None})
        one_by_one = tried(probe, 0.01, steps=20)
    np.testing.assert_allclose(at_once.values[0], one_by_one.values[0], rtol=1e-3, atol=1e-5)


def test_what_training_does_not_compile_is_not_compiled_here():
    model, _ = net_of_two(n=128)
    model.compile(keras.optimizers.Adam(0.01), by_numpy, run_eagerly=True)
    x = np.random.default_rng(0).standard_normal((128, 2)).astype("float32")
    report = examine(model, x, (x[:, 0] > 0).astype("float32"), batch_size=32, epochs=50)
    assert report.healthy, report
