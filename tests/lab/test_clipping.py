import numpy as np
import pytest

from livegrad.optimizers import SGD
from livegrad_lab import clipping
from livegrad_lab.stack import Arm


@pytest.mark.parametrize("form", clipping.STEPS)
@pytest.mark.parametrize("threshold", [0.001, 0.3, 1e6])
def test_a_step_is_clipped_as_fit_clips_it(form, threshold):
    label = clipping._label(form, threshold, 0.5)
    arms = {label: Arm(learning_rate=0.5), "no clipping|inf|2.0": Arm(learning_rate=2.0)}
    stack = clipping._Clipped([4, 6, 3], arms, seed=0)
    rng = np.random.default_rng(0)
    by_weights = [rng.standard_normal(w.shape) for w in stack.weights]
    by_biases = [rng.standard_normal(b.shape) for b in stack.biases]
    before = [array.copy() for array in [*stack.weights, *stack.biases]]
    stack._step(by_weights, by_biases)
    moved = [old - new for old, new in zip(before, [*stack.weights, *stack.biases], strict=True)]
    limits = {"clipvalue": None, "clipnorm": None, "global_clipnorm": None, form: threshold}
    expected = SGD(1.0, **limits)._clip([array[0] for array in [*by_weights, *by_biases]])
    for step, own, other in zip(expected, moved, [*by_weights, *by_biases], strict=True):
        np.testing.assert_allclose(own[0], 0.5 * step, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(own[1], 2.0 * other[1], rtol=1e-9, atol=1e-12)


def test_the_training_examples_choose_and_the_fresh_ones_do_not(monkeypatch):
    def runs(function, settings, progress):
        labels = list(clipping._arms())
        loss = {label: 1.0 + at for at, label in enumerate(labels)}
        loss["clipnorm|1.0|0.1"] = 0.0
        fresh = dict.fromkeys(labels, 0.5) | {"clipnorm|1.0|0.3": 0.9}
        train = dict.fromkeys(labels, 0.7) | {"clipnorm|0.01|10.0": 0.6, "clipvalue|1.0|0.1": 0.8}
        one = {"loss": loss, "train": train, "fresh": fresh}
        return [dict.fromkeys(clipping.EPOCHS, one) for _ in settings]

    monkeypatch.setattr(clipping, "sweep", runs)
    forms = clipping.compare(seeds=[0, 1])
    assert [form.name for form in forms[:5]] == [*clipping.RATES, *clipping.STEPS]
    (best,) = (f for f in forms if f.name == "clipvalue" and f.epochs == clipping.EPOCHS[0])
    assert (best.threshold, best.rate, best.train) == (1.0, 0.1, (0.8, 0.8))
    (chosen,) = (f for f in forms if f.name == "clipnorm" and f.epochs == clipping.EPOCHS[0])
    assert (chosen.threshold, chosen.rate, chosen.loss) == (1.0, 0.1, 0.0)
    assert chosen.fresh == (0.5, 0.5)
    assert chosen.best_fresh == 0.9
