"""What was wrong about the chain rule and gradients."""

from __future__ import annotations

import itertools
import math

import numpy as np

from livegrad import MLP, activations, initializers, measure
from livegrad_lab.errata._erratum import Erratum, checked, features, times

__all__ = ["ERRATA"]


def _formula() -> str:
    x, y = features(6, 5)
    net = MLP([5, 5, 5, 5, 1], "tanh", rng=0)  # one width, so that the wrong product has a value
    net.weights[-1] = net.weights[-1][:, :1]
    trace = net.forward(x)
    gradients = net.backward(trace, y)
    right, wrong = gradients.z[-1] @ net.weights[3].T, gradients.z[-1]
    for layer in (2, 1, 0):
        if layer < 2:
            right = right @ net.weights[layer + 1].T
        right = right * net.activation.derivative(trace.z[layer])
        wrong = (wrong if layer < 2 else np.repeat(wrong, 5, axis=1)) @ net.weights[layer].T
        wrong = wrong * net.activation.derivative(trace.z[layer])
    goal = gradients.weights[0]  # (5, 5)
    errors = [np.linalg.norm(x.T @ delta - goal) / np.linalg.norm(goal) for delta in (right, wrong)]
    return checked(
        f"multiplied out, the right product is off by {errors[0]:.0e} of its size and the old one "
        f"by {errors[1]:.1f} times it",
        errors[0] < 1e-12 < 0.5 < errors[1],
    )


def _small_first_weights() -> MLP:
    net = MLP([64] + 5 * [64] + [1], "relu", "he_normal", rng=0)
    net.weights[0] /= 1000
    return net


def _first_layer() -> str:
    x, y = features(features=64)
    plain = measure(MLP([64] + 5 * [64] + [1], "relu", "he_normal", rng=0), x, y)
    small = measure(_small_first_weights(), x, y)
    ratios = [b.gradient_norm / a.gradient_norm for a, b in zip(plain.layers, small.layers)]  # noqa: B905
    return checked(
        f"with a thousandth of the first weights the first layer has {ratios[0]:.1f} times its "
        f"gradient and the others {min(ratios[1:]):.4f} to {max(ratios[1:]):.4f} times theirs: "
        f"`{small.verdict}`",
        0.1 < ratios[0] < 10 and max(ratios[1:]) < 0.002 and small.verdict == "vanishing-signal",
    )


def _gradient_and_signal() -> str:
    x, y = features(features=64)
    net = MLP([64] + 30 * [64] + [1], "relu", times(0.5, initializers.he_normal), rng=0)
    report = measure(net, x, y)
    ratio = report.layers[0].gradient_norm / report.layers[-2].gradient_norm
    return checked(
        f"thirty ReLU layers with half of He's weights: the first layer's weight gradient is "
        f"{ratio:.2f} times the last hidden layer's, and the gradient's product is "
        f"{report.gain:.0e}",
        0.1 < ratio < 10 and report.gain < 1e-6,
    )


def _one_path() -> str:
    weights = np.linspace(0, 200, 200_001)
    slope = activations.sigmoid.derivative
    largest = {state: float((weights * slope(weights * state)).max()) for state in (0.1, 0.5)}
    top = largest[0.1] * 0.1
    return checked(
        f"the largest factor over all weights is {largest[0.1]:.2f} at the state 0.1 and "
        f"{largest[0.5]:.2f} at 0.5, which is {top:.3f} over the state",
        largest[0.1] > 1 > largest[0.5] and math.isclose(largest[0.5], top / 0.5, rel_tol=1e-4),
    )


def _large_rates() -> str:
    x, y = features()
    losses = []
    for rate in (3.0, 10.0, 30.0):
        net = MLP([20] + 10 * [30] + [1], "sigmoid", rng=0)
        losses.append(net.fit(x, y, epochs=10, learning_rate=rate))
    said = ", ".join(f"{history.loss[-1]:.1f}" for history in losses)
    return checked(
        f"ten sigmoid layers at the rates 3, 10 and 30 end with the losses {said}; none diverged",
        not any(history.diverged for history in losses),
    )


def _one_number() -> str:
    x, y = features()
    net = MLP([20] + 10 * [30] + [1], "sigmoid", rng=0)
    net.fit(x, y, epochs=100, learning_rate=0.1, batch_size=len(x))
    p = net.predict(x)
    return checked(
        f"after 100 steps the predictions lie within {np.ptp(p):.0e} of each other, around "
        f"{p.mean():.3f}; the share of the class is {y.mean():.3f}",
        np.ptp(p) < 1e-5 and abs(p.mean() - y.mean()) < 0.01,
    )


def _same_pass() -> str:
    x, _ = features()
    orders = {"together": 0, "the loss first": 0, "the gradient first": 0}
    for scale, rate in itertools.product((1.0, 3.0, 10.0), (0.01, 1.0, 100.0)):
        rule = times(scale, initializers.he_normal)
        net = MLP([20] + 20 * [32] + [1], "relu", rule, "regression", rng=0, dtype="float32")
        for _ in range(20):
            gradients = net.backward(net.forward(x), x[:, :1])
            loss = math.isfinite(gradients.loss)
            gradient = all(np.isfinite(one).all() for one in gradients.weights)
            if not (loss and gradient):
                both = not (loss or gradient)
                order = "together" if both else "the gradient first" if loss else "the loss first"
                orders[order] += 1
                break
            for weight, step in zip(net.weights, gradients.weights, strict=True):
                weight -= np.float32(rate) * step
    counts = ", ".join(f"{name} in {count}" for name, count in orders.items())
    return checked(
        f"of {sum(orders.values())} networks that overflowed, {counts}",
        orders["together"] >= 5 and orders["the gradient first"] == 0,
    )


def _unclipped() -> str:
    x, y = features()
    rule = times(3.0, initializers.he_normal)
    ends = []
    for rate in (0.001, 0.1):
        net = MLP([20] + 5 * [32] + [1], "relu", rule, rng=0)
        history = net.fit(x, y, epochs=60, learning_rate=rate)
        ends.append("diverges" if history.diverged else f"ends at {net.accuracy(x, y):.2f}")
    return checked(
        f"the training accuracy without clipping {ends[0]} at the rate 0.001; at 0.1 the training "
        f"{ends[1]}",
        ends == ["ends at 1.00", "diverges"],
    )


def _bounds() -> str:
    from livegrad_lab.papers.edge import chi, correlation_depth

    correlation, gradient = correlation_depth(4.0, 0.05), 1 / abs(math.log(chi(4.0, 0.05)))
    return checked(
        f"tanh with weights of variance 4 and biases of 0.05 has the depth scale {correlation:.1f} "
        f"for correlations and {gradient:.1f} for the gradient",
        correlation > 1.5 * gradient,
    )


def _forty_tanh_layers() -> str:
    old = []  # the product as the site measured it then
    for seed in range(60):
        rng = np.random.default_rng(seed)
        x, y = rng.standard_normal((256, 64)), rng.integers(0, 2, 256)
        net = MLP([64] + 40 * [64] + [1], "tanh", rng=rng)
        gradients = net.backward(net.forward(x), y)
        old.append(np.linalg.norm(gradients.x) / np.linalg.norm(gradients.a[-1]))
    below = sum(product < math.exp(-3) for product in old)
    return checked(
        f"at 40 layers {below} of 60 products, measured as then, are below e to the -3; the "
        f"smallest is {min(old):.3f}",
        below,
    )


def _summed() -> str:
    x, y = features(64, 5)
    net = MLP([5, 8, 1], "tanh", rng=0)
    mean = net.backward(net.forward(x), y).weights[0]
    singles = [net.backward(net.forward(x[[at]]), y[[at]]).weights[0] for at in range(len(x))]
    apart = [
        float(np.abs(rate * np.sum(singles, axis=0) - 0.5 * mean).max())
        for rate in (0.5 / len(x), 0.5 * len(x))
    ]
    return checked(
        f"for {len(x)} examples a step on the sum differs from one on the mean by {apart[0]:.0e} "
        f"with the rate divided, by {apart[1]:.0e} with the rate multiplied",
        apart[0] < 1e-12 < 1 < apart[1],
    )


def _shuffled_labels() -> str:
    x, y = features()
    wrong = np.random.default_rng(1).permutation(y)
    net = MLP([20, 30, 30, 1], "relu", rng=0)
    before = net.loss(x, wrong)
    net.fit(x, wrong, epochs=100, learning_rate=0.1)
    return checked(
        f"two ReLU layers bring the loss of shuffled labels from {before:.2f} to "
        f"{net.loss(x, wrong):.2f}",
        net.loss(x, wrong) < 0.1 < before,
    )


def _gradient_alone() -> str:
    x, _ = features()
    net = MLP([20] + 20 * [32] + [1], "relu", "he_normal", "regression", rng=0, dtype="float32")
    for at, weight in enumerate(net.weights):
        weight *= np.float32(90 if at else 1e-37)
    with np.errstate(all="ignore"):
        back = net.backward(net.forward(x), x[:, :1])
    finite = bool(np.isfinite(back.weights[0]).all())
    return checked(
        f"the loss is {back.loss:.0f}, and the first gradient is {'finite' if finite else 'not'}",
        math.isfinite(back.loss) and not finite,
    )


def _epsilon() -> str:
    from livegrad.optimizers import Adam

    x, y = features()
    net = MLP([20] + 10 * [30] + [1], "sigmoid", rng=0)
    before, gradients = net.weights[0].copy(), net.backward(net.forward(x), y)
    Adam(0.001, epsilon=1e-7).step(net.weights, gradients.weights)
    share = float(np.median(np.abs(net.weights[0] - before)) / 0.001)
    return checked(
        f"the first layer's first step in ten sigmoid layers is {share:.0e} of the rate",
        share < 0.01,
    )


def _large_tanh() -> str:
    from livegrad_lab.stack import Arm, Stack
    from livegrad_lab.trainability import images

    x, y = images()
    arms = {"four": Arm("tanh", times(4, initializers.glorot_uniform), 0.03)}
    stack, scores = Stack([64] + 8 * [32] + [10], arms, seed=0), []
    for epochs in (20, 80):
        stack.fit(x, y, epochs, batch_size=32)
        scores.append(stack.accuracy(x, y)["four"])
    return checked(
        f"at the rate 0.03 training accuracy {scores[0]:.2f} after 20 epochs, {scores[1]:.2f} "
        "after 100",
        scores[0] < 0.9 < scores[1],
    )


ERRATA: tuple[Erratum, ...] = (
    Erratum(
        "first-weights",
        "gradients/chain-rule",
        "The gradient of the first weights is (p - y), times the product over the layers of "
        "W_l, slope and mask, times x.",
        "The product holds the weights of the layer *above* each hidden layer, W_(l+1) transposed, "
        "from the output down. W_1 is not in it, the output's weights are; and x stands "
        "transposed on the left. The formula stood on the home page and in every topic.",
        "2026-11-26",
        _formula,
    ),
    Erratum(
        "gain",
        "gradients/measure",
        "The gain of a layer is the size of the gradient at its inputs over that at its outputs; a "
        "network whose first weights are too small has a `vanishing-gradient`.",
        "That product is wrong by one layer. The gain of hidden layer l is the size of dL/dz_l "
        "over that of dL/dz_(l+1). With small first weights the *signal* vanishes: the first "
        "layer keeps its gradient, all later ones lose theirs.",
        "2026-11-26",
        _first_layer,
    ),
    Erratum(
        "bounds",
        "gradients/trainability",
        "A product between e to the -3 and e to the 3 can be trained, by Schoenholz et al. 2017.",
        "The paper does not give this bound: it speaks of the depth scale of correlations in one "
        "place and of gradients in another, and the two differ. The bounds are measured now.",
        "2026-11-26",
        _bounds,
    ),
    Erratum(
        "tanh-depth",
        "gradients/measure",
        "Tanh with Glorot's weights: at none of the depths 5, 10, 20 and 40 is the product below e "
        "to the -3.",
        "It was so for the five seeds shown. With more seeds some are below.",
        "2026-11-26",
        _forty_tanh_layers,
    ),
    Erratum(
        "one-path",
        "gradients/exploding#s2",
        "Once the weight also sets the pre-activation, the factor of a single path never reaches "
        "1: no weight explodes it.",
        "That holds at the state 0.5, which the exercise had fixed. The largest factor is 0.224 "
        "over the state, above 1 for each state below 0.224. The statement S2 said the same.",
        "2026-11-26",
        _one_path,
    ),
    Erratum(
        "late-news",
        "gradients/exploding",
        "NaN is late news: the loss turns NaN some steps after the first gradient overflowed.",
        "In the networks of the page loss and gradient overflow in the same pass, or the loss does "
        "first.",
        "2026-11-26",
        _same_pass,
    ),
    Erratum(
        "overflow-order",
        "gradients/exploding",
        "The loss overflows in the same pass as the gradient, or one before.",
        "With tiny first weights and large later ones the gradient of the first weights overflows "
        "beside a finite loss.",
        "2026-11-30",
        _gradient_alone,
    ),
    Erratum(
        "summed-loss",
        "gradients/chain-rule",
        "A sum instead of a mean multiplies every gradient, and the right learning rate, by n.",
        "It multiplies the gradient, and the rate that takes the same step is *divided* by n.",
        "2026-11-30",
        _summed,
    ),
    Erratum(
        "wrong-labels",
        "gradients/vanishing",
        "The loss of a deep sigmoid network stays where it was, as it does with wrong labels.",
        "Labels that are wrong and stay so are learnt by heart. The loss stays where examples and "
        "labels are shuffled apart anew in each epoch.",
        "2026-11-30",
        _shuffled_labels,
    ),
    Erratum(
        "adam-epsilon",
        "gradients/vanishing",
        "Adam divides each weight's step by the size of that weight's gradient, so that small "
        "gradients make steps of the usual length.",
        "They do while they are larger than epsilon. In ten sigmoid layers the first ones are not.",
        "2026-11-30",
        _epsilon,
    ),
    Erratum(
        "four-times-tanh",
        "gradients/trainability",
        "With four times Glorot's weights eight tanh layers do not train either: the gradient's "
        "product is too large.",
        "They do not in twenty epochs. At a small rate and with more time they do; with a quarter "
        "of Glorot's weights they stay at chance.",
        "2026-11-30",
        _large_tanh,
    ),
    Erratum(
        "clipping",
        "gradients/exploding",
        "Every form of clipping keeps the training alive; without it none of the networks trains.",
        "The thresholds were not comparable, and the rate was the one of sound weights. At its own "
        "rate the network trains without clipping too.",
        "2026-11-26",
        _unclipped,
    ),
    Erratum(
        "large-rate",
        "gradients/vanishing",
        "A larger learning rate is no cure. It would have to make up for the missing factor in the "
        "first layer only; the last layer, with the same rate, diverges.",
        "It is no cure, but nothing diverges: the output swings to and fro.",
        "2026-11-26",
        _large_rates,
    ),
    Erratum(
        "creeping-loss",
        "gradients/vanishing",
        "The last layer's gradient is fine, and the training loss creeps down a little.",
        "It comes down to what always saying the frequency of the classes costs, and stays there.",
        "2026-11-26",
        _one_number,
    ),
    Erratum(
        "first-gradient",
        "gradients/vanishing",
        "Print the first layer's gradient before you look for the bug.",
        "Where both products vanish alike, the first layer's weight gradient is about as large as "
        "the others'. Measure the products.",
        "2026-11-26",
        _gradient_and_signal,
    ),
)
