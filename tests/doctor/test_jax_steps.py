"""Optimizers of Optax: what is known of them, and twins that step as they do."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("flax", reason="needs livegrad[jax]")

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from livegrad.doctor._facts import Optimizer
from livegrad.doctor._jax.steps import Moves, Stepper
from livegrad.doctor._jax.words import WORDS


class Net(nnx.Module):
    def __init__(self):
        rngs = nnx.Rngs(0)
        self.a, self.b = nnx.Linear(4, 4, rngs=rngs), nnx.Linear(4, 1, rngs=rngs)


def params(model):
    return nnx.as_pure(nnx.state(model, nnx.Param))


def known(tx):
    moves = Moves(tx)
    moves.learn(params(Net()))
    return moves.known


def kernels(tree):
    return jax.tree.map(lambda leaf: leaf.ndim > 1, tree)


def labels(tree):
    return jax.tree.map(lambda leaf: "a" if leaf.ndim > 1 else "b", tree)


@pytest.mark.parametrize(
    ("tx", "name", "adaptive", "rate"),
    [
        (optax.sgd(0.1), "sgd", False, 0.1),
        (optax.sgd(0.0), "sgd", False, 0.0),
        (optax.sgd(0.1, momentum=0.9, nesterov=True), "sgd", False, 0.1),
        (optax.adam(1e-3), "adam", True, 1e-3),
        (optax.adamw(1e-3), "adamw", True, 1e-3),
        (optax.rmsprop(1e-2), "rmsprop", True, 1e-2),
        (optax.adagrad(0.1), "adagrad", True, 0.1),
        (optax.lion(1e-4), "lion", True, 1e-4),
        (optax.inject_hyperparams(optax.adam)(learning_rate=2e-3), "adam", True, 2e-3),
        (optax.chain(optax.scale_by_adam(), optax.scale(-3e-4)), "adam", True, 3e-4),
        (optax.MultiSteps(optax.adam(1e-3), 4), "adam", True, 1e-3),
        (optax.sgd(optax.cosine_decay_schedule(0.2, 100)), "sgd", False, 0.2),
        # Nothing can be read of these: a step is all that is known.
        (optax.multi_transform({"a": optax.adam(1), "b": optax.sgd(1)}, labels), "chain", True, 1),
        (optax.stateless(lambda g, p: jax.tree.map(lambda a: -0.3 * a, g)), "chain", False, 0.3),
        (optax.stateless(lambda g, p: jax.tree.map(jnp.sign, g)), "chain", True, 1.0),
    ],
)
def test_name_and_rate_are_read_and_the_rest_is_tried(tx, name, adaptive, rate):
    found = known(tx)
    assert (found.name, found.adaptive) == (name, adaptive)
    assert found.rate == pytest.approx(rate, rel=1e-5)
    assert found.taken == 0 and found.moved is None


def test_what_wants_more_than_a_gradient_is_not_known():
    assert known(optax.lbfgs()) == Optimizer("", True, 0.0)


def test_decay_beside_the_gradient_and_in_it_are_told_apart():
    beside = known(optax.adamw(1e-3, weight_decay=0.1, mask=kernels))
    assert beside.decay == pytest.approx(0.1, rel=1e-3)
    moves = Moves(optax.chain(optax.add_decayed_weights(0.02, mask=kernels), optax.sgd(0.5)))
    moves.learn(params(Net()))
    assert moves.known.decay == 0
    assert moves.decays == pytest.approx([0, 0.02, 0, 0.02], rel=1e-3)


def test_momentum_clipping_and_schedules_are_read():
    found = known(optax.chain(optax.clip_by_global_norm(2.0), optax.sgd(0.1, momentum=0.8)))
    assert found.clipped == ("clip_by_global_norm", 2.0) and found.momentum == 0.8
    rise = optax.linear_schedule(0.0, 1.0, 10)
    for tx in (optax.adamw(rise), optax.inject_hyperparams(optax.adam)(learning_rate=rise)):
        found = known(tx)
        assert found.rate == 0 and found.schedule is not None
        assert found.schedule(5) == pytest.approx(0.5)
    assert known(optax.adamw(rise, weight_decay=0.1)).decay == pytest.approx(0.1, rel=1e-3)


def trained(tx, steps=3):
    """Return a model and its optimizer after some steps, and the gradients of each."""
    model = Net()
    optimizer = nnx.Optimizer(model, tx, wrt=nnx.Param)
    for _ in range(steps):
        optimizer.update(model, jax.tree.map(jnp.sin, nnx.state(model, nnx.Param)))
    return model, optimizer


@pytest.mark.parametrize(
    "tx",
    [
        optax.sgd(0.1, momentum=0.9),
        optax.adam(1e-2),
        optax.adamw(1e-2, weight_decay=0.5),
        optax.inject_hyperparams(optax.adam)(learning_rate=1e-2),
        optax.chain(optax.clip_by_global_norm(0.1), optax.adam(1e-2)),
    ],
)
def test_a_twin_steps_as_the_optimizer_does(tx):
    model, optimizer = trained(tx)
    moves = Moves(optimizer)
    moves.learn(params(model))
    assert moves.known.taken == 3
    before = [np.array(leaf) for leaf in jax.tree.leaves(nnx.state(optimizer))]
    twin = Stepper(moves, params(model), None, bare=False)
    for _ in range(2):
        gradients = [np.cos(value) for value in twin.values]
        twin.step(gradients)
    own = twin.values
    for now, then in zip(jax.tree.leaves(nnx.state(optimizer)), before, strict=True):
        np.testing.assert_array_equal(now, then)
    for _ in range(2):
        optimizer.update(model, jax.tree.map(jnp.cos, nnx.state(model, nnx.Param)))
    for found, true in zip(own, jax.tree.leaves(params(model)), strict=True):
        np.testing.assert_allclose(found, true, rtol=1e-5, atol=1e-7)


def test_a_rate_set_by_hand_in_the_state_is_the_rate():
    model, optimizer = trained(optax.inject_hyperparams(optax.adam)(learning_rate=1e-2))
    optimizer.opt_state.hyperparams["learning_rate"][...] = jnp.asarray(0.5)
    moves = Moves(optimizer)
    moves.learn(params(model))
    assert moves.known.rate == 0.5 and moves.known.name == "adam"


@pytest.mark.parametrize(
    "tx", [optax.sgd(optax.linear_schedule(0.1, 0.0, 5)), optax.adam(0.1), optax.sgd(0.1)]
)
def test_another_rate_scales_the_steps_and_a_schedule_stands_still(tx):
    model, optimizer = trained(tx)
    moves = Moves(optimizer)
    moves.learn(params(model))
    start = [np.array(leaf) for leaf in jax.tree.leaves(params(model))]
    gradients = [np.ones_like(value) for value in start]

    def gone(rate, steps):
        twin = Stepper(moves, params(model), rate, bare=False)
        for _ in range(steps):
            twin.step(gradients)
        return np.concatenate([(b - a).ravel() for a, b in zip(start, twin.values, strict=True)])

    once = gone(None, 1)
    np.testing.assert_allclose(gone(3 * moves.known.rate, 1), 3 * once, rtol=1e-3, atol=1e-6)
    if moves.known.name == "sgd":
        np.testing.assert_allclose(gone(None, 4), 4 * once, rtol=1e-3)


def test_bare_steps_have_no_decay_and_missing_gradients_are_0():
    moves = Moves(optax.adamw(1e-2, weight_decay=0.5))
    moves.learn(params(Net()))
    start = [np.array(leaf) for leaf in jax.tree.leaves(params(Net()))]
    for bare, factor in ((True, 1.0), (False, 0.995)):
        twin = Stepper(moves, params(Net()), None, bare)
        twin.step([None] * 4)
        for now, then in zip(twin.values, start, strict=True):
            np.testing.assert_allclose(now, factor * then, rtol=1e-5, atol=1e-8)


def test_accumulated_gradients_make_a_step_and_a_rate_of_0_steps_by_the_gradient():
    start = [np.array(leaf) for leaf in jax.tree.leaves(params(Net()))]
    gradients = [np.ones_like(value) for value in start]
    for tx, rate, moved in (
        (optax.MultiSteps(optax.sgd(0.1), 4), None, 0.1),
        (optax.sgd(0.0), 0.3, 0.3),
        (optax.sgd(0.0), None, 0.0),
    ):
        moves = Moves(tx)
        moves.learn(params(Net()))
        twin = Stepper(moves, params(Net()), rate, bare=False)
        twin.step(gradients)
        for now, then in zip(twin.values, start, strict=True):
            np.testing.assert_allclose(now, then - moved, rtol=1e-5, atol=1e-7)


def test_a_rate_is_said_as_its_optimizer_takes_it():
    assert WORDS.rate(1e-4, known(optax.adam(1e-3))) == "tx = optax.adam(0.0001)"
    unknown = known(optax.stateless(lambda g, p: jax.tree.map(jnp.sign, g)))
    assert WORDS.rate(0.1, unknown) == "tx = optax.chain(tx, optax.scale(0.1))"
