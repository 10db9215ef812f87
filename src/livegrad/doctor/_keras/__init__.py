"""The probe of Keras models, on whatever backend Keras runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras

from livegrad.doctor._facts import Plan
from livegrad.doctor._judge import judge
from livegrad.doctor._keras.data import Sample, draw
from livegrad.doctor._keras.probe import KerasProbe, undisturbed
from livegrad.doctor._report import Examination

__all__ = ["examine"]


def examine(
    model: Any,
    x: Any,
    y: Any,
    rows: int,
    batch_size: int | None = None,
    epochs: int | None = None,
    trials: bool = True,
) -> Examination:
    """Examine a compiled Keras model; ``livegrad.doctor.examine`` says how."""
    if not isinstance(model, keras.Model):
        raise TypeError(f"model must be a keras.Model, got {type(model).__name__}")
    if not getattr(model, "compiled", False) or model.optimizer is None:
        raise ValueError("model must be compiled with an optimizer and a loss: model.compile(...)")
    sample = draw(x, y, rows)
    model, sample = _ready(model, sample)
    with undisturbed(model):
        plan = Plan(batch_size or sample.batch, epochs, sample.total)
        return judge(KerasProbe(model, sample, plan), trials)


def _ready(model: Any, sample: Sample) -> tuple[Any, Sample]:
    """Return a model that has weights, and the sample in the types that it takes."""
    if not model.built or (isinstance(model, keras.Sequential) and not model.weights):
        model = _built(model, sample)
    inputs = getattr(model, "inputs", None)
    flat = keras.tree.flatten(sample.x)
    if inputs and len(inputs) == len(flat):
        for tensor, wanted in zip(flat, inputs, strict=True):
            want, got = tuple(wanted.shape[1:]), tuple(tensor.shape[1:])
            # As in ``fit``, a last axis of length 1 may be left out.
            if not (_fits(want, got) or (want[-1:] == (1,) and _fits(want[:-1], got))):
                raise ValueError(f"x must have the shape {_shown(want)}, got {_shown(got)}")
        wanted = iter(inputs)
        x = keras.tree.map_structure(
            lambda tensor: keras.ops.cast(tensor, next(wanted).dtype), sample.x
        )
        sample = replace(sample, x=x)
    return model, sample


def _fits(want: tuple[Any, ...], got: tuple[Any, ...]) -> bool:
    return len(want) == len(got) and all(
        size is None or size == given for size, given in zip(want, got, strict=True)
    )


def _shown(shape: tuple[Any, ...]) -> str:
    return "(" + ", ".join(str(size) for size in ("n", *shape)) + ")"


def _built(model: Any, sample: Sample) -> Any:
    """Return a built twin of a model that has no weights yet: building it would change it."""
    try:
        twin = type(model).from_config(model.get_config())
        twin.compile_from_config(model.get_compile_config())
        twin(sample.x)
    except Exception as error:
        raise ValueError(
            "model has no weights yet and cannot be copied: call it once on data, model(x)"
        ) from error
    return twin
