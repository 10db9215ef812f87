"""Why deep networks train or fail to train: the chain rule's factors, one a module.

    dL/dW_1 = x^T (p - y) product over l = L..1 of (W_(l+1)^T phi'(z_l) mask_l / keep)

``outputs`` is p - y, ``initializers`` W, ``activations`` phi', ``dropout`` the mask; ``network``
multiplies them, ``optimizers`` take the step, ``signals`` measures the product and ``figures``
draws what was measured. ``blocks`` and ``attention`` are what later networks add: normalisation,
shortcuts, transformers. ``doctor`` measures a model of Keras, PyTorch or JAX in the same words.

Examples:
    >>> import numpy as np
    >>> x = np.random.default_rng(0).standard_normal((100, 8))
    >>> net = MLP([8, 32, 32, 1], activation="relu", head="binary", rng=0)
    >>> measure(net, x, x[:, 0] > 0).verdict
    'healthy'
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from livegrad import (
    activations,
    attention,
    blocks,
    dropout,
    initializers,
    network,
    optimizers,
    outputs,
    signals,
)
from livegrad.network import MLP
from livegrad.signals import measure

__all__ = [
    "MLP",
    "activations",
    "attention",
    "blocks",
    "doctor",
    "dropout",
    "figures",
    "initializers",
    "measure",
    "network",
    "optimizers",
    "outputs",
    "signals",
]

__version__ = version("livegrad")


def __getattr__(name: str) -> Any:
    """Import ``figures``, and Matplotlib with it, or ``doctor``, at its first use."""
    if name in ("doctor", "figures"):
        from importlib import import_module

        return import_module(f"livegrad.{name}")
    raise AttributeError(f"module 'livegrad' has no attribute {name!r}")
