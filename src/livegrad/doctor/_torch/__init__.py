"""The probe of PyTorch modules."""

from __future__ import annotations

from typing import Any

from livegrad._checks import counted
from livegrad.doctor._facts import Plan
from livegrad.doctor._judge import judge
from livegrad.doctor._report import Examination
from livegrad.doctor._torch.data import draw
from livegrad.doctor._torch.probe import TorchProbe, undisturbed

__all__ = ["examine"]

_WRAPPED = {
    "OptimizedModule": "_orig_mod",
    "DataParallel": "module",
    "DistributedDataParallel": "module",
}


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
    """Examine a PyTorch module; ``livegrad.doctor.examine`` says how."""
    # What compiles or spreads a module over devices keeps the module itself.
    module = getattr(module, _WRAPPED.get(type(module).__name__, ""), module)
    if optimizer is not None and not hasattr(optimizer, "param_groups"):
        raise TypeError(
            f"optimizer must be a torch.optim.Optimizer, got {type(optimizer).__name__}"
        )
    if isinstance(loss, type) or not (loss is None or callable(loss)):
        kind = f"the class {loss.__name__}" if isinstance(loss, type) else type(loss).__name__
        raise TypeError(f"loss must be made, such as torch.nn.MSELoss(), got {kind}")
    for name, value in (("batch_size", batch_size), ("epochs", epochs)):
        if value is not None:
            counted(value, name)
    first = next(module.parameters(), None)
    if first is None:
        raise ValueError(f"model must have weights, got a {type(module).__name__} without any")
    sample = draw(x, y, rows, first.device)
    with undisturbed(module):
        plan = Plan(batch_size or sample.batch, epochs, sample.total)
        return judge(TorchProbe(module, sample, loss, optimizer, plan))
