"""What was wrong about normalisation and shortcuts."""

from __future__ import annotations

import numpy as np

from livegrad_lab.errata._erratum import Erratum, checked

__all__ = ["ERRATA"]


def _small_batches() -> str:
    from sklearn.datasets import load_digits

    from livegrad.blocks import BatchNorm, mlp
    from livegrad.optimizers import SGD

    x, y = load_digits(return_X_y=True)
    x, judged = x / 16, {}
    for momentum in (0.99, 0.9):
        found = []
        for seed in range(2):
            net = mlp([64, 32, 10], normalization="batch", head="multiclass", rng=seed)
            norm = net.blocks[1]
            assert isinstance(norm, BatchNorm)
            norm.momentum = momentum
            net.fit(x[:200], y[:200], 2, batch_size=8, optimizer=SGD(0.3), rng=seed)
            found.append(net.accuracy(x[200:], y[200:]))
        judged[momentum] = float(np.mean(found))
    return checked(
        f"after two epochs of batches of eight the test accuracy is {judged[0.99]:.2f} with the "
        f"momentum 0.99 and {judged[0.9]:.2f} with 0.9, of networks with the same weights",
        judged[0.9] > judged[0.99] + 0.04,
    )


def _growth_in_a_draw() -> str:
    from livegrad.blocks import Activate, Dense, Residual

    x = np.random.default_rng(0).standard_normal((256, 64))
    draw, h, crossed, own = np.random.default_rng(1), x, [], []
    for _ in range(16):
        first, last = Dense(64, 64, "he_normal", draw), Dense(64, 64, "he_normal", draw)
        y = Residual(first, Activate("relu"), last)(h)
        crossed.append(float(2 * np.sum((y - h) * h) / np.sum(h**2)))
        own.append(float(np.sum((y - h) ** 2) / np.sum(h**2)))
        h = y
    return checked(
        f"over 16 blocks the branch's square is {np.mean(own):.2f} times its input's, where 2 is "
        f"expected, and what the correlation adds is {np.mean(crossed):+.2f}",
        float(np.mean(own)) < 1.95 and float(np.mean(crossed)) > -0.02,
    )


ERRATA: tuple[Erratum, ...] = (
    Erratum(
        "small-batches",
        "shortcuts/batch-norm",
        "With batches of eight the network with batch normalisation is level after two epochs, and "
        "a little behind after four.",
        "Its running averages had not arrived, which the page names among its pitfalls. With a "
        "momentum of 0.9 it is ahead, and then level.",
        "2026-11-30",
        _small_batches,
    ),
    Erratum(
        "one-draw",
        "shortcuts/zero-init",
        "The measured growth is a little slower than 3 to the L, since branch and input are not "
        "quite uncorrelated in one draw.",
        "The correlation adds nothing there. In that draw the branches are smaller than on the "
        "mean; in other draws the growth is faster.",
        "2026-11-30",
        _growth_in_a_draw,
    ),
)
