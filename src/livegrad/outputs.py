"""The factor p - y: for each task the output activation, the loss and the labels that fit.

Losses are computed from the logits, the output layer's pre-activations, so that they stay finite
where the probability itself has rounded to 0 or 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from livegrad._checks import Array, floating

__all__ = ["HEADS", "TASKS", "Head", "head", "task_table"]


@dataclass(frozen=True)
class Head:
    """What the end of a network looks like for one task.

    Attributes:
        task: one of ``TASKS``.
        units: how many output units.
        activation: the output activation, by its Keras name.
        loss: the loss, by its Keras name.
        label_shape: the labels' shape for n examples.
        labels: what the labels hold.
        keras_layer: the last layer, as a line of Keras.
        keras_loss: the loss for ``compile``, as Keras spells it.
        examples: where the task occurs.
    """

    task: str
    units: str
    activation: str
    loss: str
    label_shape: str
    labels: str
    keras_layer: str
    keras_loss: str
    examples: str

    def check_units(self, units: int) -> None:
        """Raise ValueError if the task cannot have this number of output units."""
        if self.task == "binary" and units != 1:
            raise ValueError(f"units must be 1 for the binary head, got {units}")
        if self.task == "multiclass" and units < 2:
            raise ValueError(f"units must be at least 2 for the multiclass head, got {units}")
        if units < 1:
            raise ValueError(f"units must be at least 1 for the {self.task} head, got {units}")

    def predict(self, logits: ArrayLike) -> Array:
        """Return the output activation of the logits: probabilities, values or rates.

        Args:
            logits: shape (n, units); the floating type is kept.
        """
        from scipy.special import expit, softmax

        z = floating(logits, "logits")
        if self.activation == "sigmoid":
            p = expit(z)
        elif self.activation == "softmax":
            with np.errstate(over="ignore"):  # a difference of logits may overflow: its limit is 0
                p = softmax(_finite_rows(z), axis=-1) if z.size else z
        elif self.activation == "exponential":
            with np.errstate(over="ignore"):
                p = np.exp(z)
        else:
            p = z.copy()
        return np.asarray(p, dtype=z.dtype)

    def losses(self, logits: ArrayLike, y: ArrayLike) -> Array:
        """Return each example's loss, shape (n,), averaged over units as in Keras.

        Binary and multi-label: cross-entropy of the sigmoid. Multi-class: cross-entropy of the
        softmax. Regression: squared error. Count: p - y log p, Poisson's negative log-likelihood
        without the term that does not depend on p; inf where e^logit is beyond the type. Keras
        adds its epsilon to p inside its logarithm, so that it differs where the rate is nearly 0.

        Raises:
            ValueError: if the labels do not fit the head or the logits; see ``targets``.
        """
        z, t = self._pair(logits, y)
        with np.errstate(over="ignore", invalid="ignore"):
            if self.activation == "sigmoid":
                # -t log p - (1 - t) log (1 - p), both logarithms written without p.
                each = np.maximum(z, 0) - _product(t, z) + np.log1p(np.exp(-np.abs(z)))
                each = np.where(((t == 1) & (z == np.inf)) | ((t == 0) & (z == -np.inf)), 0, each)
            elif self.activation == "softmax":
                from scipy.special import log_softmax

                each = -_product(t, log_softmax(_finite_rows(z), axis=-1))
                return np.asarray(each.sum(axis=-1), dtype=z.dtype)
            elif self.activation == "exponential":
                p = np.exp(z)
                each = np.where(p == np.inf, p, p - _product(t, z))  # p outgrows its logarithm
            else:
                each = (z - t) ** 2
        return np.asarray(each.mean(axis=-1), dtype=z.dtype)

    def loss_value(self, logits: ArrayLike, y: ArrayLike) -> float:
        """Return the mean loss over the batch, the number Keras reports.

        Raises:
            ValueError: if the labels do not fit, or there are no examples.
        """
        losses = self.losses(logits, y)
        if losses.size == 0:
            raise ValueError("logits must hold at least one example, got none")
        with np.errstate(over="ignore"):
            return float(losses.mean())

    def gradient(self, logits: ArrayLike, y: ArrayLike) -> Array:
        """Return d(mean loss) / d(logits), shape (n, units): p - y, averaged as the loss is.

        Binary and multi-class: (p - y) / n. Multi-label and count: (p - y) / (n units).
        Regression: 2 (p - y) / (n units), since Keras does not halve the squared error.

        Raises:
            ValueError: if the labels do not fit the head or the logits.

        Source:
            Bridle 1990 (softmax); Nelder and Wedderburn 1972: the same for every canonical link.
        """
        z, t = self._pair(logits, y)
        over = z.shape[0] if self.activation == "softmax" else z.size
        factor = 2.0 if self.task == "regression" else 1.0
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray((self.predict(z) - t) * (factor / max(over, 1)), dtype=z.dtype)

    def targets(self, y: ArrayLike, units: int) -> Array:
        """Return the labels as an array of shape (n, units), class numbers as one-hot rows.

        Raises:
            ValueError: if shape or values do not fit the head; the message says what was expected.
        """
        labels = floating(y, "y")
        if self.task == "multiclass":
            return self._classes(labels, units)
        if labels.ndim == 1 and units == 1:
            labels = labels[:, None]
        if labels.ndim != 2 or labels.shape[1] != units:
            raise ValueError(f"y must have the shape (n, {units}), got {labels.shape}")
        if self.task in ("binary", "multilabel") and not np.isin(labels, (0, 1)).all():
            wrong = labels[~np.isin(labels, (0, 1))][0]
            raise ValueError(f"y must hold 0 or 1 for the {self.task} head, got {wrong!s}")
        if self.task == "count" and not (labels >= 0).all():
            wrong = labels[~(labels >= 0)][0]
            raise ValueError(f"y must hold counts of at least 0, got {wrong!s}")
        if not np.isfinite(labels).all():
            wrong = labels[~np.isfinite(labels)][0]
            raise ValueError(f"y must be finite, got {wrong!s}")
        return labels

    def _classes(self, labels: Array, units: int) -> Array:
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = labels[:, 0]
        if labels.ndim == 1:
            whole = (labels >= 0) & (labels < units) & (labels == np.floor(labels))
            if not whole.all():
                wrong = labels[~whole][0]
                raise ValueError(f"y must hold class numbers from 0 to {units - 1}, got {wrong!s}")
            return np.asarray(np.eye(units)[labels.astype(int)])
        if labels.ndim != 2 or labels.shape[1] != units:
            raise ValueError(
                f"y must have the shape (n,) of class numbers or (n, {units}) of one-hot rows, "
                f"got {labels.shape}"
            )
        shares = np.clip(labels, 0, 1)  # (n, units)
        fits = (labels == shares).all(axis=1) & (np.abs(shares.sum(axis=1) - 1) <= 1e-3)  # (n,)
        if not fits.all():
            wrong = labels[~fits][0].tolist()
            raise ValueError(f"y must hold rows of at least 0 that sum to 1, got {wrong}")
        return labels

    def _pair(self, logits: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
        z = floating(logits, "logits")
        if z.ndim != 2:
            raise ValueError(f"logits must have the shape (n, units), got {z.shape}")
        self.check_units(z.shape[1])
        t = self.targets(y, z.shape[1])
        if len(t) != len(z):
            raise ValueError(
                f"y and logits must have as many examples, got shapes {np.shape(y)} and {z.shape}"
            )
        too_large = np.abs(t) > np.finfo(z.dtype).max
        if too_large.any():
            raise ValueError(f"y must fit the logits' type {z.dtype}, got {t[too_large][0]!s}")
        return z, t.astype(z.dtype)


def _product(t: Array, z: Array) -> Array:
    """Return t * z, 0 where the label is 0: an infinite logit of another class costs nothing."""
    return np.where(t == 0, 0, t * z)


def _finite_rows(z: Array) -> Array:
    """Return logits with +inf pulled to the limit: the infinite ones share all probability."""
    top = np.max(z, axis=-1, keepdims=True)
    limit = np.where(z == top, z.dtype.type(0), z.dtype.type(-np.inf))
    return np.where(np.isinf(top), limit, z)


HEADS: dict[str, Head] = {
    entry.task: entry
    for entry in [
        Head(
            "binary",
            "1",
            "sigmoid",
            "binary_crossentropy",
            "(n,) or (n, 1)",
            "0 or 1",
            'Dense(1, activation="sigmoid")',
            'loss="binary_crossentropy"',
            "disease or not, fraud, a click, a friend request",
        ),
        Head(
            "multiclass",
            "one per class",
            "softmax",
            "sparse_categorical_crossentropy",
            "(n,)",
            "class number from 0",
            'Dense(k, activation="softmax")',
            'loss="sparse_categorical_crossentropy"',
            "handwritten digits, spoken words, images",
        ),
        Head(
            "multilabel",
            "one per label",
            "sigmoid",
            "binary_crossentropy",
            "(n, k)",
            "0 or 1 for each label",
            'Dense(k, activation="sigmoid")',
            'loss="binary_crossentropy"',
            "tags of an article, findings in an X-ray image",
        ),
        Head(
            "regression",
            "one per value",
            "linear",
            "mean_squared_error",
            "(n,) or (n, k)",
            "real numbers",
            "Dense(1)",
            'loss="mean_squared_error"',
            "a price, a temperature, the course of a disease",
        ),
        Head(
            "count",
            "one per count",
            "exponential",
            "poisson",
            "(n,) or (n, k)",
            "counts 0, 1, 2, ...",
            'Dense(1, activation="exponential")',
            'loss="poisson"',
            "calls in an hour, visits to a page, defects in a part",
        ),
    ]
}
"""The head of each task, the source of the task table."""

TASKS: tuple[str, ...] = tuple(HEADS)
"""The names of all tasks."""


def head(task: str | Head) -> Head:
    """Return the head for a task; a ``Head`` is returned as it is.

    Raises:
        ValueError: if the task is unknown; the message lists the known ones.

    Examples:
        >>> head("binary").activation
        'sigmoid'
        >>> head("binary").gradient([[0.0], [0.0]], [0, 1]).tolist()
        [[0.25], [-0.25]]
    """
    if isinstance(task, Head):
        return task
    if task not in TASKS:
        raise ValueError(f"unknown task {task!r}; known: {', '.join(TASKS)}")
    return HEADS[task]


def task_table() -> str:
    """Return the task table in Markdown, the one that the site shows."""
    rows = [
        "| task | units | output activation | loss | labels | last layer in Keras | for example |",
        "|---|---|---|---|---|---|---|",
    ]
    for h in HEADS.values():
        rows.append(
            f"| {h.task} | {h.units} | {h.activation} | `{h.loss}` "
            f"| {h.label_shape}: {h.labels} | `{h.keras_layer}` | {h.examples} |"
        )
    return "\n".join(rows) + "\n"
