"""What was wrong about dropout."""

from __future__ import annotations

import numpy as np

from livegrad import MLP, activations
from livegrad.dropout import dropout
from livegrad_lab.errata._erratum import Erratum, checked

__all__ = ["ERRATA"]


def _jensen() -> str:
    rng = np.random.default_rng(0)
    a, w = rng.uniform(0, 1, 20), rng.standard_normal((20, 200))
    without = activations.relu(a @ w).mean()
    masked = np.mean([activations.relu(dropout(a, 0.5, rng)[0] @ w).mean() for _ in range(2000)])
    return checked(
        f"at the rate 0.5 the mean behind ReLU is {masked:.2f} over the masks and {without:.2f} "
        "without",
        masked > 1.3 * without,
    )


def _noise() -> str:
    rng = np.random.default_rng(0)
    values = dropout(np.ones(200_000), 0.9, rng)[0]
    return checked(
        f"at the rate 0.9 the noise's variance is {values.var():.1f} times the square of the "
        f"signal, r / (1 - r) = {0.9 / 0.1:.0f}",
        abs(values.var() - 9) < 0.3,
    )


def _two_forms() -> str:
    rng = np.random.default_rng(0)
    a, w, rate = rng.uniform(0, 1, 50), rng.standard_normal(50), 0.5
    kept = rng.random((20_000, 50)) >= rate  # (masks, units)
    first = float(((kept * a) @ w).mean()), float((1 - rate) * (a @ w))
    inverted = float(((kept * a) @ w).mean() / (1 - rate)), float(a @ w)
    return checked(
        f"mean over masks and inference: {first[0]:.1f} and {first[1]:.1f} in the first form, "
        f"{inverted[0]:.1f} and {inverted[1]:.1f} in the inverted one",
        all(abs(one - other) < 0.2 for one, other in (first, inverted)),
    )


def _written_flag() -> str:
    import keras

    inputs = keras.Input((200,))
    model = keras.Model(inputs, keras.layers.Dropout(0.5, seed=0)(inputs, training=False))
    found = np.asarray(model(np.ones((8, 200)), training=True))
    dropped = float(np.mean(found == 0))
    return checked(
        f"in a Keras model called with `training=True` a layer called with `training=False` drops "
        f"{dropped:.1f} of its inputs",
        0.4 < dropped < 0.6,
    )


def _sigmoid_mean() -> str:
    rng = np.random.default_rng(0)
    a, w = rng.uniform(0, 1, 20), rng.standard_normal((20, 200))
    many = np.stack([dropout(a, 0.5, rng)[0] @ w for _ in range(2000)])  # (masks, 200)
    moved = activations.sigmoid(many).mean(axis=0) - activations.sigmoid(a @ w)  # (200,)
    return checked(
        f"at the rate 0.5 the mean over the masks moves by {np.abs(moved).mean():.2f} for a unit "
        f"on average, and by {abs(moved.mean()):.2f} over 200 units together",
        np.abs(moved).mean() > 0.08 and abs(moved.mean()) < 0.02,
    )


def _disagreement() -> str:
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (200, 1))
    y = np.sin(3 * x[:, 0]) + 0.1 * rng.standard_normal(200)
    net = MLP([1, 64, 64, 1], "tanh", head="regression", dropout=0.1, rng=0)
    net.fit(x, y, epochs=100, learning_rate=0.02)
    places = np.array([[0.0], [1.0], [3.0]])
    passes = [net.forward(places, training=True).logits[:, 0] for _ in range(400)]
    middle, edge, outside = np.std(passes, axis=0)
    return checked(
        f"a tanh network, trained on inputs from -1 to 1, spreads over its masks by {middle:.2f} "
        f"at 0, by {edge:.2f} at 1 and by {outside:.2f} at 3",
        edge / middle > 3 > outside / edge,
    )


ERRATA: tuple[Erratum, ...] = (
    Erratum(
        "jensen",
        "dropout/signal",
        "Behind a non-linearity the shift is small for the usual rates.",
        "ReLU is convex, so the mean can only rise (Jensen's inequality), and at the rate 0.5 it "
        "rises by about half.",
        "2026-11-26",
        _jensen,
    ),
    Erratum(
        "ten-times",
        "dropout/signal",
        "A rate of 0.9 turns the signal into noise that is ten times as strong.",
        "The noise's variance is r / (1 - r) times the signal's square, and that is nine times.",
        "2026-11-26",
        _noise,
    ),
    Erratum(
        "all-libraries",
        "dropout/inference",
        "All libraries use the inverted form.",
        "Keras and PyTorch do. Paddle has both, the first form as `downscale_in_infer`. In each "
        "form inference gives the mean over the masks.",
        "2026-11-26",
        _two_forms,
    ),
    Erratum(
        "disagreement",
        "dropout/inference",
        "Where the networks under different masks disagree, the input is unlike the training data.",
        "They also disagree inside the data, and may differ more there than between its edge and a "
        "place outside.",
        "2026-11-26",
        _disagreement,
    ),
    Erratum(
        "written-flag",
        "dropout/inference",
        "`training=False` by mistake, baked into a functional model of Keras, turns dropout off "
        "for ever, without a word.",
        "The flag of the model's call goes before that of the layer's: in `fit` it drops all the "
        "same.",
        "2026-11-30",
        _written_flag,
    ),
    Erratum(
        "sigmoid-mean",
        "dropout/signal",
        "The sigmoid is convex on one side and concave on the other, so its mean hardly moves.",
        "The mean over units of both sides hardly does. That of a single unit moves towards a "
        "half.",
        "2026-11-30",
        _sigmoid_mean,
    ),
)
