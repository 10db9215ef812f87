"""The probe of Keras models, on whatever backend Keras runs."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import keras

from livegrad._checks import counted
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
    if isinstance(model, keras.Sequential) and not model.layers:
        raise ValueError("model must have layers, got a Sequential without any: model.add(...)")
    for name, value in (("batch_size", batch_size), ("epochs", epochs)):
        if value is not None:
            counted(value, name)
    sample = draw(x, y, rows)
    model, sample = _ready(model, sample)
    with undisturbed(model):
        plan = Plan(batch_size or sample.batch, epochs, sample.total)
        return judge(KerasProbe(model, sample, plan), trials)


def _ready(model: Any, sample: Sample) -> tuple[Any, Sample]:
    """Return a model that has weights, and the sample in the types that it takes."""
    _paired(model, sample)
    if not model.built or (isinstance(model, keras.Sequential) and not model.weights):
        model = _built(model, sample)
        _paired(model, sample)
    if not model.weights:
        raise ValueError(f"model must have weights, got a {type(model).__name__} without any")
    inputs = getattr(model, "inputs", None)
    if not inputs:
        return model, sample
    named = isinstance(sample.x, dict)
    # A dict gives each input by its name; anything else in the order of the inputs.
    wanted = {key: tensor for key, tensor in _named(model).items() if not named or key in sample.x}
    given = [sample.x[key] for key in wanted] if named else keras.tree.flatten(sample.x)
    cast = []
    for tensor, want in zip(given, wanted.values(), strict=True):
        shape, got = tuple(want.shape[1:]), tuple(tensor.shape[1:])
        # As in ``fit``, a last axis of length 1 may be left out.
        if not (_fits(shape, got) or (shape[-1:] == (1,) and _fits(shape[:-1], got))):
            raise ValueError(f"x must have the shape {_shown(shape)}, got {_shown(got)}")
        cast.append(keras.ops.cast(tensor, want.dtype))
    if named:
        x = {**sample.x, **dict(zip(wanted, cast, strict=True))}
    else:
        x = keras.tree.pack_sequence_as(sample.x, cast)
    return model, replace(sample, x=x)


def _named(model: Any) -> dict[str, Any]:
    """Return the inputs by the names that a dict of data gives them, in the model's order."""
    structure = getattr(model, "_inputs_struct", None)
    if isinstance(structure, dict) and all(hasattr(part, "shape") for part in structure.values()):
        return {key: structure[key] for key in sorted(structure)}
    return {tensor.name: tensor for tensor in model.inputs}


def _paired(model: Any, sample: Sample) -> None:
    """Refuse data that are not as many as the model has inputs and outputs, or of other names."""
    if getattr(model, "inputs", None):
        names = list(_named(model))
        if isinstance(sample.x, dict):
            if set(names) - set(sample.x):
                wanted, got = ", ".join(names), ", ".join(map(str, sample.x))
                raise ValueError(f"x must have the keys {wanted}, got {got}")
        else:
            _counted("x", sample.x, names, "input")
    elif isinstance(model, keras.Sequential):
        _counted("x", sample.x, ["x"], "input")
    outputs = getattr(model, "outputs", None)
    own = type(model).compute_loss is not keras.Model.compute_loss
    if not outputs or own or model.loss is None:
        return
    names = list(getattr(model, "output_names", None) or ["output"])
    if isinstance(sample.y, dict):
        structure = getattr(model, "_outputs_struct", None)
        known = {*names, *(structure if isinstance(structure, dict) else ())}
        if set(sample.y) - known:
            wanted, got = ", ".join(names), ", ".join(map(str, sample.y))
            raise ValueError(f"y must have the keys {wanted}, got {got}")
    else:
        _counted("y", sample.y, names, "output")


def _counted(name: str, group: Any, wanted: list[str], what: str) -> None:
    """Refuse another number of arrays than there are inputs or outputs."""
    given = len(keras.tree.flatten(group))
    if given == len(wanted):
        return
    if len(wanted) == 1:
        hint = f": np.stack({name}), if these are the examples"
        raise ValueError(f"{name} must be one array for the one {what}, got {given}{hint}")
    several = f"{len(wanted)} arrays, one an {what} ({', '.join(wanted)})"
    raise ValueError(f"{name} must be {several}, got {given}")


def _fits(want: tuple[Any, ...], got: tuple[Any, ...]) -> bool:
    return len(want) == len(got) and all(
        size is None or size == given for size, given in zip(want, got, strict=True)
    )


def _shown(shape: tuple[Any, ...]) -> str:
    return "(" + ", ".join(str(size) for size in ("n", *shape)) + ")"


def _built(model: Any, sample: Sample) -> Any:
    """Return a built twin of a model that has no weights yet: building it would change it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a model's own are its reader's to see, in training
            twin = type(model).from_config(model.get_config())
            twin.compile_from_config(model.get_compile_config())
            twin(sample.x)
    except Exception as error:
        raise ValueError(
            "model has no weights yet and cannot be copied: call it once on data, model(x)"
        ) from error
    return twin
