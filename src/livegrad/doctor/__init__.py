"""My model does not train: which factor is at fault, and what do I change?

``examine`` takes a compiled Keras model and a sample of its data. It runs one instrumented pass
and up to three of the optimizer's steps on stand-ins for the model's variables, and reports what
holds training back, in the words and with the bounds of ``livegrad.signals``. ``Watch`` does the
same while ``fit`` runs, and ``python -m livegrad examine model.keras data.npz`` from a shell. A
PyTorch module is taken too, with its loss and its optimizer; ``TorchWatch`` goes with a loop of
one's own, and ``lightning_callback`` and ``trainer_callback`` with those of others.

The model is left as it was: weights, optimizer, metrics, random states, what ``compile`` has set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from livegrad.doctor._report import CODES, PAGES, WHAT, Examination, Finding, LayerGain, schema

if TYPE_CHECKING:
    from livegrad.doctor._keras.watch import Watch
    from livegrad.doctor._torch.watch import TorchWatch, lightning_callback, trainer_callback

__all__ = [
    "CODES",
    "PAGES",
    "WHAT",
    "Examination",
    "Finding",
    "LayerGain",
    "TorchWatch",
    "Watch",
    "examine",
    "lightning_callback",
    "schema",
    "trainer_callback",
]


def examine(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    rows: int = 256,
    loss: Any = None,
    optimizer: Any = None,
    batch_size: int | None = None,
    epochs: int | None = None,
) -> Examination:
    """Examine a compiled Keras model, a PyTorch or a Flax NNX module, on a sample of its data.

    Dropout is switched off in the pass. A custom ``train_step`` is not called; the loss is that of
    ``compute_loss``. Attributes in plain Python that a layer's own ``call`` sets are not undone.

    Args:
        model: a compiled ``keras.Model``: sequential, functional, nested or subclassed.
        x: inputs as ``fit`` takes them: arrays, data frames, a list or a dict of them, or a data
            set that brings its labels (``tf.data.Dataset``, ``keras.utils.PyDataset``, a generator,
            from which the batches looked at are then gone).
        y: labels as ``fit`` takes them; none with a data set.
        loss: of a PyTorch or a Flax module: called with its output and the labels. Without it a
            PyTorch module gives its own, as ``output.loss`` or ``output["loss"]``.
        optimizer: of a PyTorch module: made for its parameters; of a Flax module: an
            ``nnx.Optimizer``, or a transformation of Optax, such as ``optax.adam(1e-3)``, which
            then begins anew. Without it no steps are judged.
        batch_size: examples a step, as in training.
        epochs: of the training; with both it is told whether the steps will do.
        rows: examples to measure on, evenly spaced over arrays, the first ones of a data set.
            The range of labels and inputs is read from all rows of arrays.

    Returns:
        The findings, the gravest first, and what could not be judged.

    Raises:
        TypeError: if ``model`` is no model of Keras, PyTorch or Flax.
        ValueError: if it is not compiled, if a Flax module comes without a loss, if it cannot be
            run on ``x``, if the data are no numbers, if there are no examples or not as many
            labels. One line says which argument it is, what was expected and what was given.

    Examples:
        >>> import keras, numpy as np
        >>> keras.utils.set_random_seed(0)
        >>> layers = [keras.layers.Dense(32, activation="sigmoid") for _ in range(10)]
        >>> model = keras.Sequential([*layers, keras.layers.Dense(1, activation="sigmoid")])
        >>> model.compile(loss="binary_crossentropy")
        >>> x = np.random.default_rng(0).standard_normal((100, 8))
        >>> examine(model, x, x[:, 0] > 0).codes
        ('vanishing-gradient',)

    Source:
        Hanin 2018 (how far chance moves a product); Lewkowycz et al. 2020 (steps too long).
    """
    framework = _framework(model)
    if framework == "keras":
        from livegrad.doctor import _keras

        if loss is not None or optimizer is not None:
            raise ValueError("loss and optimizer must be given to model.compile of a Keras model")
        return _keras.examine(model, x, y, rows, batch_size, epochs)
    if framework == "torch":
        from livegrad.doctor import _torch

        return _torch.examine(model, x, y, rows, loss, optimizer, batch_size, epochs)
    if framework == "flax":
        from livegrad.doctor import _jax

        return _jax.examine(model, x, y, rows, loss, optimizer, batch_size, epochs)
    wanted = "model must be a keras.Model, a torch.nn.Module or a flax.nnx.Module"
    if isinstance(model, type):
        raise TypeError(f"{wanted}, got the class {model.__name__}: make one, {model.__name__}()")
    raise TypeError(f"{wanted}, got {type(model).__name__}")


# Flax has another Module, whose weights are no part of it.
_FRAMEWORKS = (("keras", "Model"), ("torch", "Module"), ("flax.nnx", "Module"))


def _framework(model: Any) -> str:
    """Return the framework that a model is of, without importing any; "" if of none."""
    for kind in type(model).__mro__:
        for package, name in _FRAMEWORKS:
            if f"{kind.__module__}.".startswith(f"{package}.") and kind.__name__ == name:
                return package.partition(".")[0]
    return ""


def __getattr__(name: str) -> Any:
    """Import what watches, and its framework with it, at its first use."""
    if name == "Watch":
        from livegrad.doctor._keras.watch import Watch

        return Watch
    if name in ("TorchWatch", "lightning_callback", "trainer_callback"):
        from livegrad.doctor._torch import watch

        return getattr(watch, name)
    raise AttributeError(f"module 'livegrad.doctor' has no attribute {name!r}")
