"""The probe of PyTorch modules."""

from __future__ import annotations

from typing import Any

from livegrad._checks import counted
from livegrad.doctor._facts import Plan
from livegrad.doctor._judge import judge
from livegrad.doctor._report import Examination
from livegrad.doctor._torch.data import Sample, draw
from livegrad.doctor._torch.kept import undisturbed
from livegrad.doctor._torch.optimizer import own
from livegrad.doctor._torch.probe import TorchProbe

__all__ = ["bare", "examine", "look", "sampled"]

# What compiles or spreads a module over devices keeps the module itself.
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
    module = bare(module)
    if isinstance(loss, type) or not (loss is None or callable(loss)):
        kind = f"the class {loss.__name__}" if isinstance(loss, type) else type(loss).__name__
        raise TypeError(f"loss must be made, such as torch.nn.MSELoss(), got {kind}")
    for name, value in (("batch_size", batch_size), ("epochs", epochs)):
        if value is not None:
            counted(value, name)
    if next(module.parameters(), None) is None:
        raise ValueError(f"model must have weights, got a {type(module).__name__} without any")
    optimizer = own(optimizer)
    with undisturbed(module, loss):
        sample = sampled(module, x, y, rows, loss)
        plan = Plan(batch_size or sample.batch, epochs, sample.total)
        return judge(TorchProbe(module, sample, loss, optimizer, plan))


def bare(module: Any) -> Any:
    """Return the module inside what compiles it or spreads it.

    Raises:
        ValueError: if it has parameters without a shape.
    """
    while type(module).__name__ in _WRAPPED and type(module).__module__.startswith("torch."):
        module = getattr(module, _WRAPPED[type(module).__name__])
    for name, p in [*module.named_parameters(), *module.named_buffers()]:
        if type(p).__name__ in ("UninitializedParameter", "UninitializedBuffer"):
            raise ValueError(f"module has no shape for {name} yet: call it once on data, module(x)")
    return module


def sampled(module: Any, x: Any, y: Any, rows: int, loss: Any) -> Sample:
    """Return a sample of the data, on the module's device and in its precision."""
    like = next((p for p in module.parameters() if p.is_floating_point()), None)
    return draw(x, y, rows, like, own=loss is None)


def look(module: Any, sample: Sample, loss: Any, optimizer: Any, taken: int) -> Examination:
    """Examine a bare module in the midst of its training, without trials.

    Args:
        module: the module.
        sample: of its data.
        loss: as ``examine`` takes it.
        optimizer: as ``examine`` takes it.
        taken: steps so far.
    """
    optimizer = own(optimizer)
    with undisturbed(module, loss):
        plan = Plan(sample.batch, None, sample.total)
        probe = TorchProbe(module, sample, loss, optimizer, plan, taken)
        return judge(probe, trials=False)
