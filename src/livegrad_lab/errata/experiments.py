"""What was wrong about the experiments and papers."""

from __future__ import annotations

import math

import numpy as np

from livegrad import MLP, activations
from livegrad_lab.errata._erratum import Erratum, checked, digits

__all__ = ["ERRATA"]


def _500() -> str:
    states = np.linspace(0, 1, 100_001)
    factor = 500 * activations.sigmoid.derivative(500 * states)
    return checked(
        f"with the weight 500 the factor is up to {factor.max():.0f}, and above 1 for "
        f"{np.mean(factor > 1):.1%} of the states from 0 to 1",
        factor.max() > 124 and 0.001 < np.mean(factor > 1) < 0.02,
    )


def _saxe() -> str:
    from livegrad_lab.papers.signal import lyapunov_spectrum, singular_values

    exponent = float(lyapunov_spectrum(100)[0])
    theory = [math.exp(depth * exponent) for depth in (5, 20)]
    found = [float(singular_values(depth, 0)[0]) for depth in (5, 20)]
    return checked(
        f"infinite depth says {theory[0]:.2f} and {theory[1]:.2f}, the largest singular values of "
        f"products of 5 and 20 matrices are {found[0]:.1f} and {found[1]:.1f}",
        found[0] > 2 * theory[0] and found[1] > 4 * theory[1],
    )


def _five_tanh_layers() -> str:
    from livegrad.signals import through_depth

    layers = through_depth("tanh", "glorot_uniform", depth=5, width=100, rng=0).layers
    kept = layers[4].spread / layers[0].spread
    return checked(
        f"of the spread of the first of five tanh layers the last has {kept:.2f} with Glorot's "
        "weights, for inputs of size 1",
        0.4 < kept < 0.6,
    )


def _random_features() -> str:
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    x, y = digits()
    net = MLP([64] + 8 * [64] + [10], "sigmoid", "glorot_uniform", head="multiclass", rng=0)
    features = net.forward(x).a[-1]  # (images, 64)
    spread = float(features.std(axis=0).mean())
    right = []
    for seen in (features, StandardScaler().fit_transform(features)):
        reader = LogisticRegression(max_iter=1000).fit(seen[:400], y[:400])
        right.append(float(reader.score(seen[400:], y[400:])))
    return checked(
        f"behind eight untrained sigmoid layers the digits differ by {spread:.0e}; a logistic "
        f"regression reads {right[0]:.0%} of them as they come and {right[1]:.0%} at a spread of 1",
        spread < 1e-5 and right[0] < 0.2 and right[1] > 0.5,
    )


ERRATA: tuple[Erratum, ...] = (
    Erratum(
        "never-125",
        "experiments/claims/gradients",
        "The factor 500 times 0.25 never occurs.",
        "It occurs on a thin set of states.",
        "2026-11-26",
        _500,
    ),
    Erratum(
        "finite-depth",
        "experiments/papers/saxe",
        "The theory for the largest singular value gives 0.98 at depth 5 and 0.90 at depth 20.",
        "These are exponents of infinite depth. At such depths the largest singular value of a "
        "product is several times as large, and the page did not say so.",
        "2026-11-26",
        _saxe,
    ),
    Erratum(
        "histograms",
        "experiments/papers/glorot",
        "The normalised initialization nearly keeps the activations through five layers.",
        "It keeps about half of their spread, where the common range keeps a tenth.",
        "2026-11-27",
        _five_tanh_layers,
    ),
    Erratum(
        "random-features",
        "experiments/vanishing.py",
        "The deep sigmoid network stays at chance since its upper layers have nothing but random "
        "features to work with.",
        "The random features tell the digits apart. They differ by millionths from image to image: "
        "the signal has vanished as well as the gradient.",
        "2026-11-30",
        _random_features,
    ),
)
