"""What was wrong about activations."""

from __future__ import annotations

import numpy as np

from livegrad import MLP, activations
from livegrad_lab.errata._erratum import Erratum, checked, features
from livegrad_lab.panel import loaded

__all__ = ["ERRATA"]


def _softplus() -> str:
    gap = activations.softplus(1.0) - activations.relu(1.0)
    z = np.random.default_rng(0).standard_normal(200_000)
    mean = float(np.mean(activations.softplus(z) - activations.relu(z)))
    return checked(
        f"softplus exceeds ReLU by {float(activations.softplus(0.0)):.2f} at 0, by {gap:.2f} at 1 "
        f"and -1, and by {mean:.2f} on average of a standard normal",
        0.3 < gap < 0.32 and 0.39 < mean < 0.42,
    )


def _decay() -> str:
    x, _ = features()
    rng = np.random.default_rng(0)
    kernel, bias = rng.standard_normal((20, 8)), np.full(8, -30.0)
    before = np.sign(x @ kernel + bias)
    after = np.sign(x @ (kernel * 0.99**200) + bias * 0.99**200)
    alone = np.sign(x @ (kernel * 0.99**200) + bias * 0.99**400)
    return checked(
        f"decayed alike, {np.mean(before != after):.0%} of the pre-activations change their sign; "
        f"where the bias decays faster, {np.mean(before != alone):.0%}",
        not (before != after).any(),
    )


def _centred() -> str:
    z = np.random.default_rng(0).standard_normal(200_000)
    leaky, relu = float(activations.leaky_relu(z).mean()), float(activations.relu(z).mean())
    return checked(
        f"on a standard normal the mean of leaky ReLU is {leaky:.2f} and ReLU's {relu:.2f}",
        abs(leaky - relu) < 0.01,
    )


def _sigmoid_rate() -> str:
    x, y = loaded("digits")
    x, y = x[:1000] / 16, y[:1000]
    ends = []
    for rate in (0.1, 1.0):
        net = MLP([64, 32, 32, 10], "sigmoid", head="multiclass", rng=0)
        net.fit(x, y, epochs=25, learning_rate=rate)
        ends.append(net.accuracy(x, y))
    return checked(
        f"two sigmoid layers, 25 epochs: training accuracy {ends[0]:.2f} at the rate 0.1 and "
        f"{ends[1]:.2f} at 1",
        ends[1] > 0.9 > ends[0],
    )


def _first_layer_dead() -> str:
    from livegrad.optimizers import SGD

    x = np.random.default_rng(0).standard_normal((500, 10))
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    back = []
    for kept in (True, False):
        came = 0
        for seed in range(5):
            net, optimizer = MLP([10, 32, 32, 1], "relu", rng=seed), SGD(0.1, momentum=0.9)
            net.fit(x, y, epochs=2, optimizer=optimizer)
            net.biases[0][:8] -= net.forward(x).z[0][:, :8].max(axis=0) + 0.01
            net.fit(x, y, epochs=5, optimizer=optimizer if kept else SGD(0.1, momentum=0.9))
            came += int((net.forward(x).z[0][:, :8] > 0).any(axis=0).sum())
        back.append(came)
    return checked(
        f"of 40 units that were pushed below 0, {back[0]} come back with the velocity from before, "
        f"{back[1]} without it",
        back[0] > 0 == back[1],
    )


ERRATA: tuple[Erratum, ...] = (
    Erratum(
        "softplus",
        "activations/softplus#s7",
        "Softplus adds about 0.7 to everything.",
        "It adds 0.69 at 0 and less elsewhere.",
        "2026-11-26",
        _softplus,
    ),
    Erratum(
        "decay",
        "activations/relu",
        "A dead unit of the first layer stays dead without weight decay.",
        "Decay of kernel and bias together keeps the sign of every pre-activation, so it revives "
        "nothing by itself.",
        "2026-11-26",
        _decay,
    ),
    Erratum(
        "dead-first-layer",
        "activations/relu",
        'So "a dead unit never comes back" holds for the first layer, and only there.',
        "It holds there under plain descent. Momentum goes on after the gradient has ended, and "
        "decay of the weights alone brings back a unit whose bias is positive.",
        "2026-11-30",
        _first_layer_dead,
    ),
    Erratum(
        "centred",
        "activations/compare#s8",
        "Zero-centred: an activation with outputs of both signs. Leaky ReLU is, ReLU is not.",
        "What counts is the mean, and leaky ReLU's is ReLU's. The glossary and "
        "`Activation.zero_centered` said it.",
        "2026-11-26",
        _centred,
    ),
    Erratum(
        "one-rate",
        "activations/compare",
        "Eight activations, and the sigmoid is behind with 0.68.",
        "There were nine, all at the learning rate 0.1. The sigmoid's score is that rate's.",
        "2026-11-26",
        _sigmoid_rate,
    ),
)
