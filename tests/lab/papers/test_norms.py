"""What a normalisation does not see, and its gradients, against other ways to get them."""

import numpy as np
import pytest

from livegrad.blocks import BatchNorm
from livegrad_lab.papers import norms


@pytest.mark.parametrize("name", norms.AS_PRINTED)
def test_the_printed_rows_come_out(name):
    assert norms.invariant(name) == [word == "yes" for word in norms.AS_PRINTED[name].split()]


def test_a_printed_entry_that_is_wrong_is_counted(monkeypatch):
    wrong = {**norms.AS_PRINTED, "layer": "yes yes yes yes no yes"}
    monkeypatch.setattr(norms, "AS_PRINTED", wrong)
    assert norms.agreeing("batch", "weight", "layer") == 17


def test_rows_differ_so_that_one_cannot_stand_for_another():
    assert len(set(norms.AS_PRINTED.values())) == 4
    assert all(len(row.split()) == len(norms.CHANGES) for row in norms.AS_PRINTED.values())


def test_with_small_weights_and_an_epsilon_rescaling_is_seen():
    for name in ("batch", "layer", "rms"):
        assert norms.invariant(name, 1e-3, size=1.0) != norms.invariant(name)
        assert not norms.invariant(name, 1e-3, size=0.01)[0]


@pytest.mark.parametrize("times", [0.1, 3.0, 10.0])
def test_larger_weights_have_smaller_gradients(times):
    assert norms.weight_gradient_factor(times) == pytest.approx(1 / times, rel=1e-9)
    assert norms.weight_gradient_factor(times, 0.1) != pytest.approx(1 / times, rel=1e-3)


def test_the_bound_is_met_and_is_that_of_finite_differences():
    assert norms.gradient_bound_met(range(3)) == pytest.approx([1, 1, 1], abs=1e-9)
    rng = np.random.default_rng(0)
    y, g = rng.normal(1, 2, (6, 1)), rng.standard_normal((6, 1))
    norm = BatchNorm(1, epsilon=0.0)

    def loss(y):
        return float((norm.forward(y, training=True) * g).sum())

    numeric = [(loss(y + e[:, None]) - loss(y - e[:, None])) / 2e-6 for e in 1e-6 * np.eye(6)]
    h = norm.forward(y, training=True)
    left = float((g**2).sum() - g.sum() ** 2 / 6 - (g * h).sum() ** 2 / 6)
    assert float(np.square(numeric).sum()) == pytest.approx(left / y.var(), rel=1e-6)


def test_uniform_attention_passes_the_mean_on_and_its_gradient_back():
    block = norms._Average()
    x, up = np.random.default_rng(0).standard_normal((2, 2, 5, 3))
    found = block.forward(x)
    np.testing.assert_allclose(found, np.repeat(x.mean(axis=1, keepdims=True), 5, axis=1))
    back = block.backward(up)
    for at in [(0, 0, 0), (1, 4, 2)]:
        step = np.zeros_like(x)
        step[at] = 1e-6
        rise = ((block.forward(x + step) - block.forward(x - step)) * up).sum() / 2e-6
        assert back[at] == pytest.approx(rise, rel=1e-6)


def test_the_sums_are_those_of_the_paper_written_out():
    """One layer of each kind, by hand."""
    rng = np.random.default_rng(3)

    def normal(z):
        return (z - z.mean(axis=-1, keepdims=True)) / z.std(axis=-1, keepdims=True)

    weights = [norms._square(32, rng).arrays[0] for _ in range(3)]
    x = np.random.default_rng(1003).standard_normal((1, 7, 32))
    for kind in ("pre", "post"):
        seen = normal(x) if kind == "pre" else x
        summed = x + (seen @ weights[0]).mean(axis=1, keepdims=True)
        if kind == "post":
            summed = normal(summed)
        seen = normal(summed) if kind == "pre" else summed
        summed = summed + np.maximum(seen @ weights[1], 0) @ weights[2]
        found = norms.mean_squares(kind, 1, 3, places=7, units=32)
        assert found == pytest.approx([np.mean(summed**2)])


def test_the_last_gradient_is_that_of_finite_differences():
    for kind in ("pre", "post"):
        net = norms._transformer(kind, 2, 6, 0)
        x, upstream = np.random.default_rng(1000).standard_normal((2, 1, 4, 6))
        last = net.arrays[-3]  # behind it the gamma and beta of a normalisation
        assert last.shape == (6, 6)
        squares = 0.0
        for at in np.ndindex(6, 6):
            values = []
            for step in (1e-6, -1e-6):
                last[at] += step
                values.append(float((net.forward(x) * upstream).sum()))
                last[at] -= step
            squares += ((values[0] - values[1]) / 2e-6) ** 2
        found = norms.last_gradient(kind, 2, 0, places=4, units=6)
        assert found == pytest.approx(np.sqrt(squares), rel=1e-5)
