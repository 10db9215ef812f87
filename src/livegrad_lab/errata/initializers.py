"""What was wrong about initializers."""

from __future__ import annotations

import numpy as np

from livegrad import MLP, initializers, measure
from livegrad._checks import Array
from livegrad_lab.errata._erratum import Erratum, checked, digits, features, times

__all__ = ["ERRATA"]


def _four_sigmoid_layers() -> str:
    x, y = digits()
    ends = {}
    for factor in (1, 4):
        rule = times(factor, initializers.glorot_uniform)
        net = MLP([64] + 4 * [32] + [10], "sigmoid", rule, "multiclass", rng=0)
        saturated = np.mean([layer.saturated for layer in measure(net, x, y).layers[:-1]])
        net.fit(x, y, epochs=15, learning_rate=1.0)
        ends[factor] = (saturated, net.accuracy(x, y))
    return checked(
        f"of four sigmoid layers with four times Glorot's weights {ends[4][0]:.0%} are saturated, "
        f"and 15 epochs train them to {ends[4][1]:.2f}; from Glorot's own weights, to "
        f"{ends[1][1]:.2f}",
        ends[4][0] < 0.2 and ends[4][1] > 0.8 > 0.5 > ends[1][1],
    )


def _symmetry() -> str:
    x, y = features()

    def equal(shape: tuple[int, int], rng: np.random.Generator) -> Array:
        return np.full(shape, 0.1)

    net = MLP([20, 32, 32, 1], "tanh", equal, dropout=0.5, rng=0)
    net.fit(x[:32], y[:32], epochs=1, batch_size=32)
    different = len(np.unique(net.weights[0], axis=1).T)
    return checked(
        f"after one step with dropout {different} of 32 units of the first layer differ",
        different == 32,
    )


def _twice(depth: int, initializer: str, rate: float, epochs: tuple[int, int]) -> list[float]:
    """Return the training accuracy of ReLU layers after the first epochs, and after the others."""
    x, y = digits()
    net = MLP([64] + depth * [48] + [10], "relu", initializer, "multiclass", rng=0)
    scores = []
    for more in epochs:
        net.fit(x, y, epochs=more, learning_rate=rate)
        scores.append(net.accuracy(x, y))
    return scores


def _six_layers() -> str:
    early, late = _twice(6, "fan_in_uniform", 0.05, (10, 50))
    return checked(
        f"six layers are at {early:.2f} after 10 epochs and at {late:.2f} after 60", early < late
    )


def _ten_layers() -> str:
    early, late = _twice(10, "glorot_uniform", 0.03, (8, 17))
    return checked(
        f"ten ReLU layers with Glorot's weights are at {early:.2f} after 8 epochs and at "
        f"{late:.2f} after 25",
        late > 0.9 > early,
    )


def _ten_relu_layers() -> str:
    from livegrad.signals import through_depth

    found = {
        name: through_depth("relu", name, depth=10, width=64, rng=0)
        for name in ("glorot_uniform", "lecun_normal", "he_normal")
    }
    shares = {name: 64 * initializers.get(name).variance((64, 64)) for name in found}
    text = ", ".join(
        f"`{name}` with {shares[name]:.0f} over the fan-in keeps {report.gain:.2g} of the gradient"
        for name, report in found.items()
    )
    return checked(
        f"over ten ReLU layers {text}, and all are called healthy",
        all(report.healthy for report in found.values())
        and shares["glorot_uniform"] == shares["lecun_normal"] == 1
        and shares["he_normal"] == 2,
    )


def _four_relu_layers() -> str:
    from sklearn.datasets import load_digits

    from livegrad_lab.stack import Arm, Stack

    x, y = load_digits(return_X_y=True)
    x, y = (x[:800] - x.mean()) / x.std(), y[:800]  # as the page has them
    arms = {
        "he": Arm("relu", "he_normal", 0.1),
        "inside": Arm("relu", "glorot_uniform", 0.1),
        "beyond": Arm("relu", "glorot_uniform", 0.2),
    }
    scores = []
    for seed in range(3):
        stack = Stack([64] + 4 * [48] + [10], arms, seed=seed)
        stack.fit(x, y, 4, batch_size=32)
        scores.append(list(stack.accuracy(x, y).values()))
    he, inside, beyond = np.mean(scores, axis=0)
    return checked(
        f"after 4 epochs He's weights are at {he:.2f}, and Glorot's at {inside:.2f} at the rate "
        f"0.1 and at {beyond:.2f} at 0.2",
        he - beyond < 0.03 < he - inside,
    )


ERRATA: tuple[Erratum, ...] = (
    Erratum(
        "four-times-glorot",
        "initializers/glorot",
        "To train a deep sigmoid network by the initializer alone, the weights would have to be "
        "four times as large, and then they saturate the units.",
        "At four times Glorot's most units are not saturated, and four sigmoid layers train. The "
        "page on pairing and the statement S5 said the same.",
        "2026-11-26",
        _four_sigmoid_layers,
    ),
    Erratum(
        "dropout-symmetry",
        "initializers/symmetry-and-scale",
        "Dropout breaks the symmetry of equal units too, but late and by chance.",
        "It breaks it in the first step.",
        "2026-11-26",
        _symmetry,
    ),
    Erratum(
        "ten-do-not",
        "initializers/uniform-fan-in",
        "With the uniform fan-in rule two layers train and ten do not.",
        "The budget was 10 epochs. With more, deeper networks train. With biases of 0 it is not "
        "PyTorch's default either.",
        "2026-11-26",
        _six_layers,
    ),
    Erratum(
        "from-ten-layers",
        "initializers/he",
        "He with ReLU matters from about ten layers on.",
        "That was after 8 epochs. With three times as many, ten layers train from Glorot's too.",
        "2026-11-26",
        _ten_layers,
    ),
    Erratum(
        "grids-end",
        "initializers/he",
        "Four ReLU layers after four epochs, each rule at its own best rate: 1.0 with He's weights "
        "and 0.9 with Glorot's.",
        "Glorot's best rate lay outside the grid, which ended at 0.1. Beyond it the two are alike.",
        "2026-11-30",
        _four_relu_layers,
    ),
    Erratum(
        "healthy-rules",
        "initializers/index",
        "The initializers that give ten ReLU layers a healthy verdict have a variance of 2 divided "
        "by the fan-in.",
        "Since the bounds are measured ones, those with 1 over the fan-in are within them as well. "
        "Only with 2 does the product stay near 1.",
        "2026-11-27",
        _ten_relu_layers,
    ),
)
