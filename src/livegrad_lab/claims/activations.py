"""Claims about phi': dead units, the default, and whether outputs should be centred at 0."""

from __future__ import annotations

import math

from livegrad import MLP
from livegrad._checks import Array
from livegrad_lab.claims._best import best_rates
from livegrad_lab.panel import BATCH, examples
from livegrad_lab.stack import Arm
from livegrad_lab.trial import Case, Claim

__all__ = ["CLAIMS", "dead_units", "zero_centred"]

KILLED = 8


def kill(net: MLP, layer: int, x: Array) -> None:
    """Lower the biases of the first 8 units of a hidden layer until none is active on ``x``.

    They die by a narrow margin: the largest pre-activation lies a twentieth of its spread below 0.
    """
    z = net.forward(x).z[layer][:, :KILLED]  # (n, 8)
    net.biases[layer][:KILLED] -= z.max(axis=0) + 0.05 * z.std(axis=0)


def revived(net: MLP, layer: int, x: Array) -> float:
    """Return the share of the killed units that are active on at least one example of ``x``."""
    z = net.forward(x).z[layer][:, :KILLED]  # (n, 8)
    return float((z > 0).any(axis=0).mean())


def dead_units(seed: int) -> dict[str, float]:
    """Kill 8 of 32 units, train, and count those that are active again on the same images."""
    (x, y), others, _ = examples("digits", seed)
    found = {}
    for name, layer, data in [
        ("first layer", 0, (x, y)),
        ("second layer", 1, (x, y)),
        ("first layer, other images", 0, others),
    ]:
        net = MLP([64, 32, 32, 10], "relu", head="multiclass", rng=seed)
        kill(net, layer, x)
        net.fit(*data, epochs=20, learning_rate=0.1, batch_size=BATCH, progress=False)
        found[name] = revived(net, layer, x)
    return found


def zero_centred(seed: int) -> dict[str, float]:
    """Train the same activation with and without its value at 0 (ReLU: its mean) subtracted.

    The slopes are the same, so that nothing but the centre differs; tanh is another function. The
    number is ln of the training loss after 12 epochs, at the best learning rate of each, from 0.1
    to 30.
    """
    data = examples("digits", seed)[0]
    arms = {
        "sigmoid": Arm("sigmoid", "glorot_normal"),
        "sigmoid, centred": Arm("sigmoid", "glorot_normal", shift=0.5),
        "tanh": Arm("tanh", "glorot_normal"),
        "relu": Arm("relu", "he_normal"),
        "relu, centred": Arm("relu", "he_normal", shift=1 / math.sqrt(2 * math.pi)),
        "softplus": Arm("softplus", "he_normal"),
        "softplus, centred": Arm("softplus", "he_normal", shift=math.log(2)),
    }
    stack, best = best_rates(data, seed, 3 * [32], arms, (0.1, 0.3, 1.0, 3.0, 10.0, 30.0))
    loss = stack.loss(*data)
    return {name: math.log(loss[label]) for name, label in best.items()}


FASTER = round(math.log(1.1), 3)

CLAIMS = (
    Claim(
        code="dead-unit-stays-dead",
        statement="A dead ReLU unit never comes back.",
        source="S4",
        quantity="share of the killed units that came back",
        experiment=dead_units,
        cases=(
            Case("it stands in the first layer", "first layer", "exactly", 0.0, 0.01),
            Case("it stands behind a layer that learns", "second layer", "exactly", 0.0, 0.01),
            Case(
                "training goes on with other examples",
                "first layer, other images",
                "exactly",
                0.0,
                0.01,
            ),
        ),
        changes="Units killed by a wide margin, or a layer below that no longer moves.",
    ),
    Claim(
        code="zero-centred-is-faster",
        statement="Activations that are centred at 0 train faster.",
        source="S8; LeCun et al. 1998",
        quantity="ln of the training loss after 12 epochs",
        experiment=zero_centred,
        cases=(
            Case("the sigmoid is centred", "sigmoid, centred", "below", "sigmoid", -FASTER),
            Case("tanh replaces the sigmoid", "tanh", "below", "sigmoid", -FASTER),
            Case("ReLU is centred", "relu, centred", "below", "relu", -FASTER),
            Case("softplus is centred", "softplus, centred", "below", "softplus", -FASTER),
        ),
        changes="Longer training, one small learning rate for all, or Adam.",
    ),
)
"""The claims, in the order of their page."""
