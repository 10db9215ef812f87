"""What the data themselves tell: inputs that do not differ, labels that no input tells of.

Labels are called unrelated to the inputs where four cheap learners, in cross-validation, do no
better on them than on shuffled ones (a permutation test, Fisher 1935; Ojala and Garriga 2010).
"""

from __future__ import annotations

import math

import numpy as np

from livegrad._checks import Array
from livegrad.doctor._facts import Call, Layer, Output, Pass, Probe
from livegrad.doctor._report import Finding

__all__ = [
    "alike",
    "constant",
    "imbalance",
    "indices",
    "not_finite",
    "related",
    "target",
    "unrelated",
]

# Beyond this size targets are far outside of what the first outputs are, whatever the layer.
_FAR = math.exp(5)
# What knowing nothing gets right, from which on accuracy tells nothing.
_NEARLY_ALL = 0.95
_SHUFFLES = 99
_FOLDS = 4
_FEWEST = 48
# Of the smallest p-value of all learners.
_LEVEL = 0.05
# With fewer examples of a class than that, cheap learners miss rules that are there.
_RARE = 16


def not_finite(probe: Probe) -> list[Finding]:
    """Return a finding if the data are not finite."""
    return [
        Finding(
            "non-finite",
            "data",
            probe.bad,
            "Whatever is computed from one of them is NaN: the loss, the gradients and, after one "
            "step, all weights.",
            "x = np.nan_to_num(x)  # or leave such examples out; look where they came from",
            stops=True,
        )
    ]


def constant(probe: Probe) -> list[Finding]:
    """Return a finding for the first input that is the same for all examples."""
    for at, x in enumerate(probe.x):
        if len(x) < 2 or x.size == 0:
            continue
        size, differs = _differs(x)
        if differs > 1e-6 * size:
            continue
        if len(probe.x) > 1 and x.dtype.kind in "iub" and np.all(x == x.flat[0]):
            continue  # beside others, as the kinds of words of a text of one kind
        name = "data" if len(probe.x) == 1 else f"data, input {at + 1}"
        return [
            Finding(
                "constant-input",
                "data",
                f"{name}: spread over the examples {differs:.3g}, must be above 1e-6 of their size "
                f"{size:.3g}",
                "All examples look the same: no weights tell them apart.",
                "print(x[0], x[1])  # look for where they became equal",
            )
        ]
    return []


def _differs(x: Array) -> tuple[float, float]:
    """Return an array's size and its spread over the examples, root mean squares."""
    wide = x.reshape(len(x), -1).astype("float64")  # (examples, values)
    return float(np.sqrt(np.mean(wide**2))), float(np.sqrt(np.mean(np.var(wide, axis=0))))


def alike(result: Pass) -> list[Finding]:
    """Return a finding for the layer that makes all examples the same, if their answers are.

    Not where weights of 0 or of a size that lets the signal vanish do it, nor dead units, a
    normalisation of one number or a layer that forgets: they have names of their own.
    """
    answers = [out for out in result.outputs if len(out) > 1 and out.size]
    if not answers or any(_varied(out) for out in answers):
        return []
    found = []
    for call in result.calls:
        if call.output is None or len(call.output) != len(answers[0]):
            continue
        rows = call.layer.kind == "embedding" and call.whole
        if not _varied(call.output) and (rows or any(map(_varied, call.inputs))):
            found.append(call)
    if any(_may(call.layer) for call in found):
        return []
    # Places may be looked up beside words: what comes last made all of it one.
    others = [call for call in found if call.layer.kind != "embedding"]
    return [_made_alike(call) for call in [*others[-1:], *found][:1]]


def _may(layer: Layer) -> bool:
    """Whether a layer may make examples the same for a reason that has a name of its own."""
    nothing = any(len(w.shape) > 1 and not np.any(w.value) for w in layer.weights.values())
    return layer.weighted or nothing or layer.kind in ("activation", "normalization", "recurrent")


def _varied(x: Array) -> bool:
    if len(x) < 2 or not x.size or not np.isfinite(x).all():
        return False
    size, differs = _differs(x)
    return differs > 1e-6 * size


def _made_alike(call: Call) -> Finding:
    layer = call.layer
    assert call.output is not None
    size, differs = _differs(call.output)
    of = f"spread over the examples {differs:.3g}, must be above 1e-6 of its size {size:.3g}"
    given = "is given the same rows to look up" if layer.kind == "embedding" else "makes them alike"
    return Finding(
        "constant-input",
        layer.name,
        f"what {layer.name} gives: {of}",
        f"The inputs differ, and {layer.name} {given}: all answers are one and the same.",
        "print(x[0], x[1])  # as they are there: a scale, a cast, a mask turned round",
    )


def indices(name: str, rows: int, whole: list[Array]) -> list[Finding]:
    """Return a finding if an embedding is asked for rows that it does not have."""
    for x in whole:
        low, high = int(x.min()), int(x.max())
        if low < 0 or high >= rows:
            return [
                Finding(
                    "index-range",
                    name,
                    f"indices from {low} to {high}, must lie within 0 and {rows - 1}",
                    "A processor refuses such an index; a graphics card gives 0 or what lies "
                    "there, without a word.",
                    f"a table of at least {high + 1} rows" if low >= 0 else "x = x - x.min()",
                    stops=True,
                )
            ]
    return []


def target(head: Output, words_scale: str) -> list[Finding]:
    """Return a finding if measurements are of another size than the first outputs."""
    squared = ("meansquarederror", "meanabsoluteerror", "huber", "logcosh")
    if head.kind not in squared or head.activation not in ("linear", "unknown"):
        return []
    y = np.asarray(head.y, dtype="float64")
    size, differs = float(np.sqrt(np.mean(y**2))), float(np.std(y))
    small = 0 < size < 1 / _FAR
    if size <= _FAR and not small:
        return []
    bound = f"below e^-5 = {1 / _FAR:.2g}" if small else f"above e^5 = {_FAR:.0f}"
    return [
        Finding(
            "unscaled-target",
            "data",
            f"root mean square {size:.3g} of the targets, {bound}; their spread is {differs:.3g}",
            "The first outputs are of size 1: the loss's gradient, or the way that the last "
            "weights have to go, is as many times too large.",
            words_scale,
        )
    ]


def imbalance(head: Output) -> list[Finding]:
    """Return a finding if one class is nearly all, and nothing makes up for it."""
    single = head.kind.startswith("binary") and head.units == 1
    classes = head.kind.startswith("sparse") and head.y.size == len(head.y)
    columns = head.kind.startswith("categorical") and head.y.ndim == 2
    if head.classes is not None and classes:
        return _turned(head, head.classes)
    if head.weighted or not (single or classes or columns):
        return []
    if head.y.ndim == 3 and single:
        return []  # which steps of a sequence are padding is not known here
    places = single and head.y.ndim > 3  # each of a map has a label of its own
    y = head.y.ravel() if places else _classes(head, head.y)
    if not np.all(y == np.round(y)):
        return []
    values, counts = np.unique(y, return_counts=True)
    if len(values) < 2:
        return []
    share = float(counts.max() / counts.sum())
    names = {metric.name for metric in head.metrics}
    counted = not names or any("accuracy" in name or name == "acc" for name in names)
    if share < _NEARLY_ALL or not counted:
        return []
    bias = "log of each class's share"
    if single and len(values) == 2:
        bias = f"{math.log(counts[1] / counts[0]):.2f}"
    return [
        Finding(
            "class-imbalance",
            "data",
            f"{share:.1%} of the labels are {values[counts.argmax()]:g}: always saying so is right "
            f"as often; from {_NEARLY_ALL:.0%} on",
            "Accuracy is high before anything is learned, and the rare class has next to no part "
            "in the loss.",
            f"{'weights of the places' if places else 'class_weight={...}'}; last bias {bias}; "
            "metrics that count the rare class",
        )
    ]


def _turned(head: Output, weights: Array) -> list[Finding]:
    """Return a finding if the weights of the classes rise with how often these come."""
    y = _classes(head, head.y)
    # A weight of 0 leaves a class out on purpose, as the ignored one is.
    y = y[(y >= 0) & (y < len(weights)) & (y != head.ignored)].astype(int)
    values, counts = np.unique(y[weights[y] > 0], return_counts=True)
    if len(values) < 2:
        return []
    own = weights[values].astype("float64")[np.argsort(counts, kind="stable")]  # rare ones first
    if np.any(np.diff(own) < 0) or own[-1] < 1.5 * own[0] or counts.max() < 1.5 * counts.min():
        return []
    most = int(counts.argmax())
    loss = counts * weights[values]
    return [
        Finding(
            "class-imbalance",
            "data",
            f"{counts[most] / counts.sum():.1%} of the labels are {values[most]}, and by the "
            f"weights {loss[most] / loss.sum():.1%} of the loss; weights must not rise with how "
            "often a class comes",
            "They are there to give rare classes their part in the loss, and take it from them.",
            "weight = counts.sum() / (len(counts) * counts)",
        )
    ]


def _classes(head: Output, y: Array) -> Array:
    """Return the class of each example."""
    if head.kind.startswith("categorical"):
        return np.asarray(y.argmax(axis=-1))
    return np.asarray(y.reshape(len(y), -1)[:, 0])


def even(head: Output) -> Array:
    """Return rows of the sample in which each class is as often, those of rare ones repeated."""
    assert head.some is not None
    y = _classes(head, head.some)
    groups = [np.flatnonzero(y == value) for value in np.unique(y)]
    most = max(map(len, groups))
    return np.sort(np.concatenate([np.resize(group, most) for group in groups]))


def unrelated(probe: Probe, head: Output) -> list[Finding]:
    """Return a finding if no cheap learner tells the labels from the inputs."""
    if head.some is None or len(probe.y) != 1:
        return []
    labels = _classes(head, head.some)
    if len(np.unique(labels)) == 2 and np.unique(labels, return_counts=True)[1].min() < _RARE:
        return []
    p = related(probe.x, head.some)
    if p is None or p <= _LEVEL:
        return []
    return [
        Finding(
            "unrelated-labels",
            "data",
            f"four cheap learners do no better on the labels than on shuffled ones: p {p:.2f}, "
            f"must be at most {_LEVEL}",
            "Where labels do not belong to their inputs there is nothing to learn but each example "
            "by heart. A rule that is hard to find looks the same: such labels are worth a look.",
            "order = rng.permutation(len(x)); x, y = x[order], y[order]  # both in one order",
        )
    ]


def related(inputs: list[Array], y: Array, seed: int = 0) -> float | None:
    """Return the smallest p-value of the learners, corrected for their number; None if unfit.

    Args:
        inputs: the model's, each (n, ...).
        y: labels: (n,), (n, 1) or columns (n, k).
        seed: of the shuffles.
    """
    y = np.asarray(y)
    n = len(y)
    if n < _FEWEST or y.size > 64 * n:
        return None
    if any(_names(x) for x in inputs):
        return None
    answers = _answers(y)
    if answers is None:
        return None
    rng = np.random.default_rng(seed)
    orders = [np.arange(n), *(rng.permutation(n) for _ in range(_SHUFFLES))]
    shuffled = np.stack([answers[order] for order in orders], axis=1)  # (n, shuffles, k)
    folds = rng.permutation(n) % _FOLDS
    kernels = _kernels(inputs)
    if not kernels:
        return None
    smallest = 1.0
    for kernel in kernels:
        score = _scores(kernel, shuffled, folds)  # (shuffles,)
        smallest = min(smallest, float(np.mean(score >= score[0] - 1e-12)))
    return min(1.0, smallest * len(kernels))


def _names(x: Array) -> bool:
    """Whether an input is a name, as of a user: no learner tells anything of a new one."""
    return x.dtype.kind in "iu" and x.size <= 2 * len(x) and len(np.unique(x)) > 16


def _answers(y: Array) -> Array | None:
    """Return the labels as columns of mean 0, (n, k); None if all are the same."""
    flat = y.reshape(len(y), -1)
    if flat.shape[1] == 1 and y.dtype.kind in "iub":
        values = np.unique(flat)
        if 2 < len(values) <= 50:
            flat = flat == values
    columns = flat.astype("float64")
    columns = columns - columns.mean(axis=0)
    size = columns.std(axis=0)
    columns = columns[:, size > 0] / size[size > 0]
    return columns if columns.shape[1] else None


def _kernels(inputs: list[Array]) -> list[Array]:
    """Return the similarities of all pairs of examples that the learners go by, each (n, n)."""
    tables = [table for x in inputs for table in _tables(x)]
    wide = np.concatenate(tables, axis=1) if tables else np.zeros((0, 0))  # (n, features)
    wide = wide - wide.mean(axis=0) if wide.size else wide
    size = wide.std(axis=0) if wide.size else np.zeros(0)
    wide = wide[:, size > 0] / size[size > 0]
    if not wide.size:
        return []
    features = wide.shape[1]
    linear = wide @ wide.T / features
    far = np.maximum(np.diag(linear)[:, None] + np.diag(linear) - 2 * linear, 0)
    middle = float(np.median(far[far > 0])) if (far > 0).any() else 1.0
    return [linear, np.exp(-far / middle), np.exp(-8 * far / middle), (1 + linear) ** 2]


def _tables(x: Array) -> list[Array]:
    """Return features of an input: its values, and what is left of places when they are joined."""
    n = len(x)
    flat = x.reshape(n, -1).astype("float64")
    if x.dtype.kind in "iu" and x.max(initial=0) < 5000 and x.ndim > 1:
        # How often each word comes.
        words = int(x.max(initial=0)) + 1
        counts = np.zeros((n, words))
        np.add.at(counts, (np.arange(n)[:, None], np.maximum(flat, 0).astype(int)), 1.0)
        return [counts, flat]
    joined = []
    if x.ndim > 2:
        channels = x.reshape(n, -1, x.shape[-1]).astype("float64")
        joined = [channels.mean(axis=1), channels.std(axis=1)]
    if flat.shape[1] > 4096:
        flat = flat[:, np.linspace(0, flat.shape[1] - 1, 4096).astype(int)]
    return [flat, *joined]


def _scores(kernel: Array, y: Array, folds: Array) -> Array:
    """Return how well ridge regression on a kernel tells held-out answers, for each shuffle.

    Args:
        kernel: (n, n).
        y: (n, shuffles, k).
        folds: the part of each example.
    """
    n, shuffles, k = y.shape
    flat = y.reshape(n, -1)
    told = np.empty_like(flat)
    for fold in range(_FOLDS):
        out, rest = folds == fold, folds != fold
        inner = kernel[np.ix_(rest, rest)]
        ridge = 0.1 * float(np.trace(inner)) / len(inner)
        solved = np.linalg.solve(inner + ridge * np.eye(len(inner)), flat[rest])
        told[out] = kernel[np.ix_(out, rest)] @ solved
    agreement = (told * flat).reshape(n, shuffles, k)
    return np.asarray(agreement.mean(axis=(0, 2)))
