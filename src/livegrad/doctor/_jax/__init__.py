"""The probe of Flax NNX modules, with losses and optimizers of Optax."""

from __future__ import annotations

from typing import Any

from livegrad.doctor._facts import Plan
from livegrad.doctor._jax.data import draw
from livegrad.doctor._jax.probe import JaxProbe
from livegrad.doctor._jax.steps import Moves
from livegrad.doctor._judge import judge
from livegrad.doctor._report import Examination

__all__ = ["examine"]


def examine(
    module: Any,
    x: Any,
    y: Any,
    rows: int,
    loss: Any = None,
    optimizer: Any = None,
    batch_size: int | None = None,
    epochs: int | None = None,
) -> Examination:
    """Examine a Flax NNX module; ``livegrad.doctor.examine`` says how."""
    if not callable(loss):
        raise ValueError(
            "loss must be given, a function of output and labels: "
            "optax.softmax_cross_entropy_with_integer_labels"
        )
    moves = None if optimizer is None else Moves(optimizer)
    sample = draw(x, y, rows)
    plan = Plan(batch_size or sample.batch, epochs, sample.total)
    return judge(JaxProbe(module, sample, loss, moves, plan))
