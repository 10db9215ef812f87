"""The heads against Keras, SciPy, finite differences and the limits at infinity."""

from __future__ import annotations

import dataclasses
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import special, stats

from livegrad import outputs
from livegrad.outputs import HEADS, TASKS, head, task_table

REPEATABLE = settings(derandomize=True, deadline=None)  # the same examples each time
FLOATS = [np.float16, np.float32, np.float64]
UNITS = {"binary": 1, "multiclass": 4, "multilabel": 3, "regression": 2, "count": 2}
INF = math.inf


def labels(task, n, rng, units=None):
    """Random labels that fit the head: classes as numbers, all else as (n, units)."""
    shape = (n, units or UNITS[task])
    if task == "multiclass":
        return rng.integers(0, shape[1], n)  # (n,)
    if task == "regression":
        return rng.normal(0, 3, shape)
    return rng.poisson(3, shape) if task == "count" else rng.integers(0, 2, shape)


def batch(task, n=7, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 3, (n, UNITS[task])), labels(task, n, rng)


@st.composite
def batches(draw, size=20, allow_special=False, dtype=np.float64):
    """A task, its logits (n, units) of at most ``size`` (or anything) and labels that fit."""
    task = draw(st.sampled_from(TASKS))
    n = draw(st.integers(1, 4))
    width = np.dtype(dtype).itemsize * 8
    elements = st.floats(width=width) if allow_special else st.floats(-size, size, width=width)
    logits = draw(hnp.arrays(dtype, (n, UNITS[task]), elements=elements))
    return task, logits, labels(task, n, np.random.default_rng(draw(st.integers(0, 99))))


# The table of tasks


def test_the_module_exports_these_names():
    assert outputs.__all__ == ["HEADS", "TASKS", "Head", "head", "task_table"]


def test_the_tasks_are_in_the_order_of_the_table():
    assert TASKS == ("binary", "multiclass", "multilabel", "regression", "count")
    assert tuple(HEADS) == TASKS
    assert [h.task for h in HEADS.values()] == list(TASKS)


@pytest.mark.parametrize(
    ("task", "activation", "loss"),
    [
        ("binary", "sigmoid", "binary_crossentropy"),
        ("multiclass", "softmax", "sparse_categorical_crossentropy"),
        ("multilabel", "sigmoid", "binary_crossentropy"),
        ("regression", "linear", "mean_squared_error"),
        ("count", "exponential", "poisson"),
    ],
)
def test_each_task_has_its_activation_and_loss(task, activation, loss):
    assert (head(task).activation, head(task).loss) == (activation, loss)
    assert head(task).keras_loss == f'loss="{loss}"'


def test_a_head_is_found_by_name_or_returned_as_it_is():
    own = dataclasses.replace(HEADS["binary"], examples="mine")
    assert head("binary") is HEADS["binary"]
    assert head(own) is own
    with pytest.raises(dataclasses.FrozenInstanceError):
        own.task = "count"


@pytest.mark.parametrize("unknown", ["Binary", "", None, 1, ["binary"]])
def test_an_unknown_task_is_answered_with_the_known_ones(unknown):
    with pytest.raises(ValueError, match=r"^unknown task .*; known: binary, multiclass, ") as error:
        head(unknown)
    assert repr(unknown) in str(error.value)


def test_the_table_has_a_row_for_each_head_and_nothing_that_is_not_in_it():
    title, rule, *rows = task_table().splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert task_table().endswith("|\n")
    assert {title.count("|"), rule.count("|"), *(row.count("|") for row in rows)} == {8}
    for row, h in zip(cells, HEADS.values(), strict=True):
        assert row[:4] == [h.task, h.units, h.activation, f"`{h.loss}`"]
        assert row[4:] == [f"{h.label_shape}: {h.labels}", f"`{h.keras_layer}`", h.examples]


def test_importing_the_heads_leaves_scipys_functions_alone():
    code = "import sys, livegrad.outputs as _; sys.exit('scipy.special' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# Keras


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras", reason="the oracle is Keras")


@pytest.fixture(scope="module")
def tf():
    return pytest.importorskip("tensorflow", reason="the oracle of gradients is GradientTape")


def keras_loss(keras, task, one_hot, **options):
    if task == "multiclass":
        kind = "Categorical" if one_hot else "SparseCategorical"
        return getattr(keras.losses, f"{kind}Crossentropy")(from_logits=True, **options)
    if task in ("binary", "multilabel"):
        return keras.losses.BinaryCrossentropy(from_logits=True, **options)
    if task == "regression":
        return keras.losses.MeanSquaredError(**options)
    poisson = keras.losses.Poisson(**options)
    return lambda y, logits: poisson(y, keras.ops.exp(logits))


CASES = [(task, False) for task in TASKS] + [("multiclass", True)]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("task", "one_hot"), CASES)
def test_losses_and_gradients_are_those_of_keras(keras, tf, task, one_hot, dtype):
    logits, y = batch(task, n=9)
    if one_hot:
        y = np.random.default_rng(1).dirichlet(np.ones(UNITS[task]), len(y))  # (n, units)
    logits = np.clip(logits, -3, 3).astype(dtype)  # (n, units): float16 loses the rest in Keras
    z, target = tf.Variable(logits), tf.constant(y.astype(dtype))
    name = np.dtype(dtype).name
    each = keras_loss(keras, task, one_hot, reduction="none", dtype=name)
    with tf.GradientTape() as tape:
        mean = keras_loss(keras, task, one_hot, dtype=name)(target, z)
    largest = float(np.abs(head(task).losses(logits, y)).max())
    tolerance = max(1e-12, 8 * float(np.finfo(dtype).eps) * max(1, largest))
    if task == "count":  # Keras takes log(p + 1e-7)
        tolerance += 1.01e-7 * (y / np.exp(logits.astype(float))).max()
    np.testing.assert_allclose(head(task).loss_value(logits, y), float(mean), atol=tolerance)
    np.testing.assert_allclose(head(task).losses(logits, y), each(target, z), atol=tolerance)
    slope = tape.gradient(mean, z)
    np.testing.assert_allclose(head(task).gradient(logits, y), slope, atol=tolerance)


@pytest.mark.parametrize("task", TASKS)
def test_the_lines_of_keras_do_what_the_head_says(keras, task):
    logits, y = batch(task)
    units = logits.shape[1]
    line = head(task).keras_layer.replace("Dense(1", "Dense(k")
    layer = eval(line, {"Dense": keras.layers.Dense, "k": units})
    assert layer.activation is keras.activations.get(head(task).activation)
    predicted = np.asarray(layer.activation(keras.ops.convert_to_tensor(logits)))
    np.testing.assert_allclose(head(task).predict(logits), predicted, rtol=1e-12)
    loss = keras.losses.get(eval(f"dict({head(task).keras_loss})")["loss"])
    from_predictions = float(np.mean(loss(y.astype(np.float64), predicted)))
    # Keras clips probabilities at 1e-7 and rounds their logarithm there: hence the tolerance.
    assert head(task).loss_value(logits, y) == pytest.approx(from_predictions, rel=1e-4)


def test_poissons_loss_differs_from_keras_only_by_its_epsilon(keras, tf):
    logits, y = np.array([[-20.0]]), np.array([[1.0]])
    loss = keras.losses.Poisson(dtype="float64")
    assert float(loss(y, np.exp(logits))) == pytest.approx(-math.log(1e-7 + math.exp(-20)))
    assert head("count").loss_value(logits, y) == pytest.approx(20)
    assert head("count").gradient(logits, y).item() == pytest.approx(-1)


# The formulas, written another way


def test_losses_are_negative_log_likelihoods():
    z, y = batch("count")
    rate = np.exp(z)
    each = -(stats.poisson.logpmf(y, rate) + special.gammaln(y + 1)).mean(axis=1)
    np.testing.assert_allclose(head("count").losses(z, y), each)

    z, y = batch("multilabel")
    each = -stats.bernoulli.logpmf(y, special.expit(z)).mean(axis=1)
    np.testing.assert_allclose(head("multilabel").losses(z, y), each)

    z, y = batch("multiclass")
    each = -np.log(special.softmax(z, axis=1)[np.arange(len(y)), y])
    np.testing.assert_allclose(head("multiclass").losses(z, y), each)

    z, y = batch("regression")
    each = -2 * (stats.norm.logpdf(y, z) - stats.norm.logpdf(0)).mean(axis=1)
    np.testing.assert_allclose(head("regression").losses(z, y), each)


@pytest.mark.parametrize("task", TASKS)
def test_predictions_are_the_activation(task):
    z, _ = batch(task)
    written = {
        "sigmoid": 1 / (1 + np.exp(-z)),
        "softmax": np.exp(z) / np.exp(z).sum(axis=1, keepdims=True),
        "linear": z,
        "exponential": np.exp(z),
    }
    np.testing.assert_allclose(head(task).predict(z), written[head(task).activation])


def test_predictions_of_a_regression_are_a_copy():
    z = np.zeros((2, 1))
    head("regression").predict(z)[:] = 1
    assert (z == 0).all()


@pytest.mark.parametrize(
    ("task", "factor"),
    [  # 5 examples; softmax has one loss an example, the others one for each unit
        ("binary", 1 / 5),
        ("multiclass", 1 / 5),
        ("multilabel", 1 / 15),
        ("regression", 2 / 10),
        ("count", 1 / 10),
    ],
)
def test_the_gradient_is_p_minus_y_averaged_as_the_loss_is(task, factor):
    z, y = batch(task, n=5)
    t = np.eye(UNITS[task])[y] if task == "multiclass" else y
    expected = factor * (head(task).predict(z) - t)
    np.testing.assert_allclose(head(task).gradient(z, y), expected, rtol=1e-12, atol=1e-15)


@REPEATABLE
@given(batches(size=5))
def test_the_gradient_agrees_with_finite_differences(case):
    task, logits, y = case
    step, numeric = 1e-5, np.zeros_like(logits)
    for at in np.ndindex(logits.shape):
        nudge = np.zeros_like(logits)
        nudge[at] = step
        above, below = (head(task).loss_value(logits + s * nudge, y) for s in (1, -1))
        numeric[at] = (above - below) / (2 * step)
    np.testing.assert_allclose(head(task).gradient(logits, y), numeric, rtol=1e-6, atol=1e-7)


@REPEATABLE
@given(hnp.arrays(np.float64, (3, 2), elements=st.floats(-1e4, 1e4)))
def test_softmax_of_two_classes_is_the_sigmoid_of_the_difference(logits):
    y = [0, 1, 1]
    difference = logits[:, [1]] - logits[:, [0]]  # (n, 1)
    two, one = head("multiclass"), head("binary")
    np.testing.assert_allclose(two.predict(logits)[:, [1]], one.predict(difference), atol=1e-12)
    np.testing.assert_allclose(two.losses(logits, y), one.losses(difference, y), atol=1e-9)
    slope = two.gradient(logits, y)
    np.testing.assert_allclose(slope[:, [1]], one.gradient(difference, y), atol=1e-12)
    np.testing.assert_allclose(slope.sum(axis=1), 0, atol=1e-12)


def test_a_label_alone_is_a_binary_task():
    z, y = batch("binary")
    for method in ("losses", "gradient"):
        one, many = getattr(head("binary"), method), getattr(head("multilabel"), method)
        np.testing.assert_array_equal(one(z, y), many(z, y))


# Any float


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("task", TASKS)
def test_the_floating_type_is_kept(task, dtype):
    z, y = batch(task)
    z = z.astype(dtype)
    exact = z.astype(np.float64)  # the same logits
    calls = [head(task).predict, lambda z: head(task).losses(z, y)]
    for call in [*calls, lambda z: head(task).gradient(z, y)]:
        assert call(z).dtype == dtype
        scale = np.abs(call(exact)).max()
        np.testing.assert_allclose(call(z), call(exact), atol=20 * np.finfo(dtype).eps * scale)
    assert type(head(task).loss_value(z, y)) is float


@pytest.mark.parametrize("task", TASKS)
def test_whole_numbers_become_float64(task):
    z, y = np.ones((7, UNITS[task]), dtype=int), batch(task)[1]
    for result in (head(task).predict(z), head(task).losses(z, y), head(task).gradient(z, y)):
        assert result.dtype == np.float64


@REPEATABLE
@pytest.mark.parametrize("dtype", FLOATS)
@given(data=st.data())
def test_no_float_warns_and_nan_comes_only_from_nan(dtype, data):
    task, z, y = data.draw(batches(allow_special=True, dtype=dtype))
    nan = np.isnan(z).any(axis=1)  # (n,)
    p = head(task).predict(z)
    each = head(task).losses(z, y)
    slope = head(task).gradient(z, y)
    assert p.shape == slope.shape == z.shape
    assert each.shape == (len(z),)
    assert (np.isnan(each) == nan).all()
    assert (np.isnan(p).any(axis=1) == nan).all()
    assert (np.isnan(slope).any(axis=1) == nan).all()
    assert math.isnan(head(task).loss_value(z, y)) == nan.any()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("task", ["binary", "multilabel"])
@pytest.mark.parametrize(
    ("logit", "y", "loss", "slope"),
    [
        (1e4, 1, 0, 0),
        (1e4, 0, 1e4, 1),
        (-1e4, 0, 0, 0),
        (-1e4, 1, 1e4, -1),
        (INF, 1, 0, 0),
        (INF, 0, INF, 1),
        (-INF, 0, 0, 0),
        (-INF, 1, INF, -1),
        (0, 1, math.log(2), -0.5),
    ],
)
def test_a_sigmoids_cross_entropy_far_out(task, dtype, logit, y, loss, slope):
    z = np.array([[logit]], dtype)
    assert head(task).loss_value(z, [[y]]) == pytest.approx(loss, rel=1e-3)
    assert head(task).gradient(z, [[y]]).item() == slope


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    ("logits", "p", "losses"),  # the loss if class 0, 1, 2 is right
    [
        ([1e4, 0, -1e4], [1, 0, 0], [0, 1e4, 2e4]),
        ([INF, 0, 5], [1, 0, 0], [0, INF, INF]),
        ([INF, INF, -INF], [0.5, 0.5, 0], [math.log(2), math.log(2), INF]),
        ([-INF, 0, 0], [0, 0.5, 0.5], [INF, math.log(2), math.log(2)]),
        ([-INF, -INF, -INF], [1 / 3, 1 / 3, 1 / 3], [math.log(3)] * 3),
        ([5, 5, 5], [1 / 3, 1 / 3, 1 / 3], [math.log(3)] * 3),
    ],
)
def test_a_softmaxs_cross_entropy_far_out(dtype, logits, p, losses):
    z = np.array([logits] * 3, dtype)  # one row for each right class
    multiclass = head("multiclass")
    np.testing.assert_allclose(multiclass.predict(z), [p] * 3, rtol=1e-3)
    np.testing.assert_allclose(multiclass.losses(z, [0, 1, 2]), losses, rtol=1e-3)
    expected = (np.array(p) - np.eye(3)) / 3
    np.testing.assert_allclose(multiclass.gradient(z, [0, 1, 2]), expected, rtol=2e-3, atol=1e-7)


@pytest.mark.parametrize("dtype", FLOATS)
def test_logits_further_apart_than_the_type_reaches(dtype):
    largest = np.finfo(dtype).max
    z = np.array([[largest, -largest]], dtype)
    assert head("multiclass").predict(z).tolist() == [[1, 0]]
    assert head("multiclass").losses(z, [0]).tolist() == [0]
    assert head("multiclass").losses(z, [1]).tolist() == [INF]
    assert head("multiclass").gradient(z, [1]).tolist() == [[1, -1]]


@pytest.mark.parametrize(
    ("logit", "y", "loss", "slope"),
    [
        (1e4, 5, INF, INF),
        (INF, 5, INF, INF),  # e^z outgrows y z
        (INF, 0, INF, INF),
        (-1e4, 5, 5e4, -5),
        (-1e4, 0, 0, 0),
        (-INF, 5, INF, -5),
        (-INF, 0, 0, 0),
        (0, 5, 1, -4),
    ],
)
def test_a_counts_loss_far_out(logit, y, loss, slope):
    assert head("count").loss_value([[logit]], [y]) == loss
    assert head("count").gradient([[logit]], [y]).item() == slope


@pytest.mark.parametrize("y", [-3.0, 0.0, 1e200])
def test_a_regressions_loss_far_out(y):
    regression = head("regression")
    assert regression.loss_value([[1e4]], [0.0]) == 1e8
    assert regression.loss_value([[INF]], [y]) == INF
    assert regression.gradient([[-INF]], [y]).item() == -INF


def test_a_mean_beyond_the_type_is_infinite():
    z = np.full((2, 1), 1.8e19, np.float32)  # each loss fits float32, their sum does not
    assert np.isfinite(head("regression").losses(z, [0, 0])).all()
    assert head("regression").loss_value(z, [0, 0]) == INF


# Labels


@pytest.mark.parametrize("task", ["binary", "regression", "count"])
def test_labels_of_one_unit_may_be_a_row_or_a_column(task):
    z, y = np.array([[0.5], [-1.0]]), np.array([1, 0])
    np.testing.assert_array_equal(head(task).losses(z, y), head(task).losses(z, y[:, None]))
    np.testing.assert_array_equal(head(task).gradient(z, y), head(task).gradient(z, y[:, None]))
    np.testing.assert_array_equal(head(task).losses(z, y), head(task).losses(z, y > 0))
    assert head(task).label_shape.startswith("(n,) or (n, ")


def test_classes_may_be_numbers_a_column_or_one_hot_rows():
    z, y = batch("multiclass")
    same = [y.astype(np.uint8), y.astype(float), y[:, None], np.eye(4)[y], np.eye(4)[y] > 0]
    for other in [*same, y.tolist()]:
        expected, got = head("multiclass").gradient(z, y), head("multiclass").gradient(z, other)
        np.testing.assert_array_equal(got, expected)
        assert head("multiclass").targets(other, 4).tolist() == np.eye(4)[y].tolist()


@pytest.mark.skipif(
    np.finfo(np.longdouble).nmant == np.finfo(float).nmant,
    reason="this platform has no type in which a sum can be off by exactly a thousandth",
)
def test_shares_may_be_off_by_a_thousandth():
    for share, fits in [(1e-3, True), (math.nextafter(1e-3, 1), False)]:
        labels = np.array([[np.longdouble(1) - np.longdouble(share), 0]])
        if fits:
            assert (head("multiclass").targets(labels, 2) == labels).all()
        else:
            with pytest.raises(ValueError, match="rows of at least 0 that sum to 1"):
                head("multiclass").targets(labels, 2)


def test_labels_are_not_changed():
    y = np.array([[1.0], [0.0]])
    head("binary").gradient(np.zeros((2, 1)), y)
    assert y.tolist() == [[1], [0]]


ONE = [[0.0], [0.0]]
THREE = [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]


@pytest.mark.parametrize(
    ("task", "logits", "y", "message"),
    [
        ("binary", ONE, [0, 2], "y must hold 0 or 1 for the binary head, got 2.0"),
        ("binary", ONE, [0, 0.5], "y must hold 0 or 1 for the binary head, got 0.5"),
        ("binary", ONE, [-1, 1], "y must hold 0 or 1 for the binary head, got -1.0"),
        ("binary", ONE, [0, math.nan], "y must hold 0 or 1 for the binary head, got nan"),
        ("binary", ONE, [[0, 1], [1, 0]], "y must have the shape (n, 1), got (2, 2)"),
        ("binary", ONE, 1, "y must have the shape (n, 1), got ()"),
        ("multilabel", THREE, [[0, 1, 3]] * 2, "0 or 1 for the multilabel head, got 3.0"),
        ("multilabel", THREE, [0, 1], "y must have the shape (n, 3), got (2,)"),
        ("multiclass", THREE, [0, 3], "y must hold class numbers from 0 to 2, got 3.0"),
        ("multiclass", THREE, [-1, 0], "y must hold class numbers from 0 to 2, got -1.0"),
        ("multiclass", THREE, [0, 1.5], "y must hold class numbers from 0 to 2, got 1.5"),
        ("multiclass", THREE, [0, math.nan], "y must hold class numbers from 0 to 2, got nan"),
        ("multiclass", THREE, [[0, 1]] * 2, "or (n, 3) of one-hot rows, got (2, 2)"),
        ("multiclass", THREE, [[0, 0, 1], [0, 1, 1]], "that sum to 1, got [0.0, 1.0, 1.0]"),
        ("multiclass", THREE, [[2, -1, 0]] * 2, "that sum to 1, got [2.0, -1.0, 0.0]"),
        ("multiclass", THREE, [[0.2, 0.2, 0.2]] * 2, "that sum to 1, got [0.2, 0.2, 0.2]"),
        ("multiclass", THREE, [[1e308, 1e308, 0]] * 2, "sum to 1, got [1e+308, 1e+308, 0.0]"),
        ("multiclass", THREE, [[math.nan, 1, 0]] * 2, "that sum to 1, got [nan, 1.0, 0.0]"),
        ("regression", ONE, [0, INF], "y must be finite, got inf"),
        ("regression", ONE, [math.nan, 0], "y must be finite, got nan"),
        ("regression", THREE, [0, 1], "y must have the shape (n, 3), got (2,)"),
        ("count", ONE, [0, -2], "y must hold counts of at least 0, got -2.0"),
        ("count", ONE, [math.nan, 1], "y must hold counts of at least 0, got nan"),
        ("count", ONE, [INF, 1], "y must be finite, got inf"),
        ("binary", ONE, [0, 1, 1], "as many examples, got shapes (3,) and (2, 1)"),
        ("multiclass", THREE, [0, 1, 2], "as many examples, got shapes (3,) and (2, 3)"),
        ("binary", [0.0, 0.0], [0, 1], "logits must have the shape (n, units), got (2,)"),
        ("binary", THREE, [0, 1], "units must be 1 for the binary head, got 3"),
        ("multiclass", ONE, [0, 0], "units must be at least 2 for the multiclass head, got 1"),
        ("regression", [[], []], [[], []], "units must be at least 1 for the regression head"),
    ],
)
def test_labels_that_do_not_fit_are_named(task, logits, y, message):
    for method in (head(task).losses, head(task).loss_value, head(task).gradient):
        with pytest.raises(ValueError) as error:  # noqa: PT011 the message is compared below
            method(logits, y)
        assert message in str(error.value)


def test_a_label_beyond_the_logits_type_is_named():
    message = r"^y must fit the logits' type float16, got 100000\.0$"
    for task in ("regression", "count"):
        with pytest.raises(ValueError, match=message):
            head(task).gradient(np.zeros((2, 1), np.float16), [1, 100_000])


@pytest.mark.parametrize("wrong", [[["a"]], [[1j]], [[None]]])
def test_other_types_are_named(wrong):
    with pytest.raises(TypeError, match=r"^logits must hold real numbers, got dtype"):
        head("binary").predict(wrong)
    with pytest.raises(TypeError, match=r"^y must hold real numbers, got dtype"):
        head("binary").gradient([[0.0]], wrong)


@pytest.mark.parametrize("task", TASKS)
def test_units_that_the_task_cannot_have_are_named(task):
    allowed = {"binary": {1}, "multiclass": {2, 3}}.get(task, {1, 2, 3})
    for units in range(4):
        if units in allowed:
            head(task).check_units(units)
        else:
            with pytest.raises(ValueError, match=rf"^units must be .* {task} head, got {units}$"):
                head(task).check_units(units)


@pytest.mark.parametrize("task", TASKS)
def test_no_examples_have_no_mean(task):
    z = np.zeros((0, UNITS[task]))
    y = np.zeros(0) if task == "multiclass" else z
    assert head(task).predict(z).shape == head(task).gradient(z, y).shape == z.shape
    assert head(task).losses(z, y).shape == (0,)
    with pytest.raises(ValueError, match=r"^logits must hold at least one example, got none$"):
        head(task).loss_value(z, y)


def test_no_units_have_no_probabilities():
    assert head("multiclass").predict(np.empty((2, 0))).shape == (2, 0)


def test_a_label_may_be_the_largest_number_of_the_type():
    top = float(np.finfo(np.float16).max)
    losses = head("regression").losses(np.full((1, 1), top, np.float16), [top])
    assert losses.tolist() == [0.0]


def test_what_overflows_on_the_way_does_not_warn():
    with np.errstate(all="raise"):
        far = np.array([[3e38, -3e38]], np.float32)  # their difference is beyond the type
        assert head("multiclass").predict(far).tolist() == [[1.0, 0.0]]
        assert head("count").predict([[1e3]]).tolist() == [[INF]]
        huge = np.array([[1e308], [1e308]])
        assert head("regression").loss_value(huge, [[0.0], [0.0]]) == INF
        assert head("regression").loss_value(np.full((2, 1), 1.2e154), [[0.0], [0.0]]) == INF
        slopes = head("regression").gradient(huge, [[-1e308], [-1e308]])
        assert slopes.tolist() == [[INF], [INF]]
        assert np.isnan(head("regression").gradient([[INF]], [[0.0]])).sum() == 0


def test_a_signalling_nan_is_a_nan_like_others():
    nan = np.array([[0x7FF0000000000001]], dtype=np.uint64).view(np.float64)
    assert np.isnan(head("regression").gradient(nan, [[0.0]])).all()
