"""Networks trained at once do what each would do alone, and their gradients are the loss's."""

import numpy as np
import pytest

from livegrad import MLP
from livegrad_lab.stack import Arm, Stack

RNG = np.random.default_rng(0)
X = RNG.standard_normal((24, 6))
Y = RNG.integers(0, 3, 24)
ONE_HOT = np.eye(3)[Y]


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras")


def alone(arm, epochs, **settings):
    net = MLP([6, 8, 8, 3], arm.activation, arm.initializer, "multiclass", rng=3)
    net.fit(X, Y, epochs, arm.learning_rate, batch_size=24, progress=False, **settings)
    return net


@pytest.mark.parametrize("activation", ["relu", "tanh", "softmax"])
def test_an_arm_trains_as_the_network_does_alone(activation):
    arms = {"first": Arm("sigmoid"), "it": Arm(activation, "he_normal", 0.2), "last": Arm("elu")}
    stack = Stack([6, 8, 8, 3], arms, seed=3)
    # One batch holds all examples, so that their order plays no part.
    stack.fit(X, Y, epochs=5, batch_size=24)
    net = alone(arms["it"], 5)
    for weights, theirs in zip(stack.weights, net.weights, strict=True):
        np.testing.assert_allclose(weights[1], theirs, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(stack.logits(X)[1], net(X), rtol=1e-9, atol=1e-12)
    assert stack.accuracy(X, Y)["it"] == net.accuracy(X, Y)
    assert stack.loss(X, Y)["it"] == pytest.approx(net.loss(X, Y))


def test_clipping_is_that_of_the_global_norm():
    arm = Arm("relu", "he_normal", 0.5, clip=0.1)
    stack = Stack([6, 8, 8, 3], {"clipped": arm, "free": Arm("relu", "he_normal", 0.5)}, seed=3)
    stack.fit(X, Y, epochs=4, batch_size=24)
    clipped, free = alone(arm, 4, global_clipnorm=0.1), alone(arm, 4)
    np.testing.assert_allclose(stack.weights[0][0], clipped.weights[0], rtol=1e-9)
    np.testing.assert_allclose(stack.weights[0][1], free.weights[0], rtol=1e-9)


def test_the_gradients_are_those_of_finite_differences():
    arms = {"tanh": Arm("tanh"), "softplus": Arm("softplus", shift=0.7)}
    stack = Stack([6, 5, 5, 5, 3], arms, seed=1)
    by_weights, by_biases = stack.gradients(X, ONE_HOT)
    step = 1e-6
    for arrays, gradients in [(stack.weights, by_weights), (stack.biases, by_biases)]:
        for array, gradient in zip(arrays, gradients, strict=True):
            assert gradient.shape == array.shape
            for place in [(0, 0, 1), (1, 0, 2)]:
                losses = []
                for sign in (1, -1):
                    array[place] += sign * step
                    losses.append(list(stack.loss(X, Y).values())[place[0]])
                    array[place] -= sign * step
                seen = (losses[0] - losses[1]) / (2 * step)
                assert gradient[place] == pytest.approx(seen, rel=1e-4, abs=1e-8)


def test_all_arms_of_a_seed_share_their_draws():
    arms = {"he": Arm("relu", "he_normal"), "glorot": Arm("relu", "glorot_normal")}
    stack = Stack([6, 8, 3], arms, seed=2)
    for he, glorot in stack.weights:
        ratio = he / glorot
        np.testing.assert_allclose(ratio, ratio[0, 0])
    again, other = Stack([6, 8, 3], arms, seed=2), Stack([6, 8, 3], arms, seed=4)
    assert (again.weights[0] == stack.weights[0]).all()
    assert (other.weights[0] != stack.weights[0]).any()


def test_dropout_masks_are_shared_and_drop_their_share():
    stack = Stack([6, 8, 3], {"none": Arm(), "half": Arm(dropout=0.5), "most": Arm(dropout=0.9)}, 0)
    none, half, most = stack._mask((4000, 8))
    assert (none == 1).all()
    assert np.mean(half == 0) == pytest.approx(0.5, abs=0.02)
    assert set(np.unique(half)) == {0.0, 2.0}
    assert np.mean(most == 0) == pytest.approx(0.9, abs=0.02)
    assert (most[half == 0] == 0).all()


def test_nothing_is_dropped_outside_training():
    stack = Stack([6, 8, 3], {"half": Arm(dropout=0.5)}, 0)
    assert (stack.logits(X) == stack.logits(X)).all()


def test_dropout_acts_in_training():
    arms = {"none": Arm("tanh"), "half": Arm("tanh", dropout=0.5)}
    stack = Stack([6, 8, 3], arms, 0)
    plain, dropped = stack.gradients(X, ONE_HOT, training=True)[0][1]
    assert (plain != dropped).any()


def test_an_arm_that_diverges_leaves_the_others_alone():
    arms = {"wild": Arm("relu", learning_rate=1e9), "tame": Arm("relu", learning_rate=0.1)}
    stack = Stack([6, 8, 8, 3], arms, 0)
    stack.fit(X, Y, epochs=20, batch_size=24)
    alone = Stack([6, 8, 8, 3], {"tame": arms["tame"]}, 0)
    alone.fit(X, Y, epochs=20, batch_size=24)
    assert stack.loss(X, Y)["wild"] > 100
    assert stack.accuracy(X, Y)["tame"] == alone.accuracy(X, Y)["tame"]


@pytest.mark.parametrize("name", ["sgd", "momentum", "adam"])
def test_an_optimizer_takes_the_steps_of_keras(keras, name):
    """One layer of one unit on one example, so that the gradient is that of a line."""
    optimizer = {
        "sgd": keras.optimizers.SGD(0.1),
        "momentum": keras.optimizers.SGD(0.1, momentum=0.9),
        "adam": keras.optimizers.Adam(0.1),
    }[name]
    weights = np.array([[0.5], [-0.25]])
    stack = Stack([2, 1], {"one": Arm("linear", None, 0.1)}, 0, optimizer=name)
    variable = keras.Variable(weights)
    stack.weights[0][0] = weights
    rng = np.random.default_rng(0)
    for gradient in rng.standard_normal((5, 2, 1)):
        stack._step([gradient[None]], [np.zeros_like(stack.biases[0])])
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
    np.testing.assert_allclose(stack.weights[0][0], variable.numpy(), rtol=1e-5)


def test_an_unknown_optimizer_is_an_error():
    with pytest.raises(ValueError, match=r"^optimizer must be one of sgd, momentum, adam, got 'x'"):
        Stack([2, 1], {"one": Arm()}, 0, optimizer="x")
