"""A model's outputs, each with its own loss, labels and metrics."""

from __future__ import annotations

import types

import keras
import numpy as np
import pytest

from livegrad.doctor import examine
from livegrad.doctor._facts import Metric
from livegrad.doctor._keras import outputs as _outputs
from livegrad.doctor._keras.data import draw
from livegrad.doctor._keras.probe import KerasProbe, undisturbed

L = keras.layers
SPARSE, BINARY = "sparsecategoricalcrossentropy", "binarycrossentropy"
SQUARED = "meansquarederror"


def data(n=64, features=8):
    x = np.random.default_rng(0).standard_normal((n, features)).astype("float32")
    return x, (x[:, 0] > 0).astype("float32")


@pytest.mark.parametrize(
    ("loss", "kind"),
    [
        ("mse", SQUARED),
        ("binary_crossentropy", BINARY),
        (keras.losses.Huber(), "huber"),
        (keras.losses.SparseCategoricalCrossentropy(from_logits=True), SPARSE),
        (keras.losses.squared_hinge, "squaredhinge"),
        ("no_such_loss", "no_such_loss"),
    ],
)
def test_a_loss_is_known_by_the_name_of_its_function_or_class(loss, kind):
    assert _outputs._kind(loss) == kind


# Several outputs ------------------------------------------------------------------------------


def forked(loss, metrics=None):
    """Two outputs on one layer: a probability and a measurement."""
    inputs = keras.Input((8,))
    h = L.Dense(16, "relu", kernel_initializer="he_normal", name="hidden")(inputs)
    outputs = [L.Dense(1, "sigmoid", name="sign")(h), L.Dense(1, name="size")(h)]
    model = keras.Model(inputs, outputs)
    model.compile("sgd", loss, metrics=metrics)
    return model


def paired(model, y):
    x, _ = data()
    probe = KerasProbe(model, draw(x, y, 64))
    with undisturbed(model):
        return probe.outputs(probe.run(with_loss=False))


@pytest.mark.parametrize(
    "loss",
    [
        ["binary_crossentropy", "mean_squared_error"],
        {"size": "mean_squared_error", "sign": "binary_crossentropy"},
        [keras.losses.BinaryCrossentropy(), keras.losses.MeanSquaredError()],
    ],
)
def test_each_output_has_its_own_loss_and_labels(loss):
    x, y = data()
    found, notes = paired(forked(loss), [y, x[:, 1]])
    assert notes == []
    said = [(h.layer, h.activation, h.kind, h.logits) for h in found]
    assert said == [("sign", "sigmoid", BINARY, False), ("size", "linear", SQUARED, False)]
    assert np.array_equal(found[0].y, y) and np.array_equal(found[1].y, x[:, 1])


def test_one_loss_is_that_of_all_outputs():
    x, y = data()
    found, _ = paired(forked("mean_squared_error"), [y, x[:, 1]])
    assert [h.kind for h in found] == [SQUARED, SQUARED]


def test_an_output_without_a_loss_is_no_head():
    x, y = data()
    found, notes = paired(forked({"sign": "binary_crossentropy", "size": None}), [y, x[:, 1]])
    assert [h.layer for h in found] == ["sign"] and notes == []


def test_the_first_output_may_be_without_a_loss():
    x, y = data()
    found, notes = paired(forked({"sign": None, "size": "mean_squared_error"}), [y, x[:, 1]])
    assert [(h.layer, h.kind) for h in found] == [("size", SQUARED)] and notes == []


@pytest.mark.parametrize(
    ("given", "names", "outputs", "expected"),
    [
        ("mse", ["a", "b"], 2, ["mse", "mse"]),
        (["mse"], ["a", "b", "c"], 3, ["mse", None, None]),
        (("mse", "mae"), ["a", "b"], 2, ["mse", "mae"]),
        ({"b": "mse"}, ["a", "b"], 2, [None, "mse"]),
        ({"b": "mse", "a": "mae"}, None, 4, ["mse", "mae", None, None]),
        (None, None, 2, [None, None]),
    ],
)
def test_what_compile_takes_is_spread_over_the_outputs(given, names, outputs, expected):
    model = types.SimpleNamespace(**({"output_names": names} if names else {}))
    assert _outputs._spread(given, model, outputs) == expected


def test_a_loss_brings_its_options_and_the_output_its_precision():
    model = keras.Sequential([keras.Input((8,)), L.Dense(3, dtype="mixed_float16", name="out")])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    model.compile("sgd", loss, metrics=["accuracy"])
    (found,), notes = paired(model, np.arange(64) % 3)
    assert notes == []
    assert (found.layer, found.activation, found.kind) == ("out", "linear", SPARSE)
    assert (found.logits, found.ignored) == (True, -1)
    assert found.metrics == [Metric("accuracy", plain=True)]
    assert found.output.dtype == np.float32 and found.output.shape == (64, 3)


def test_an_output_of_no_known_layer_is_a_note():
    class Doubled(keras.Model):
        def __init__(self):
            super().__init__()
            self.hidden = L.Dense(1)

        def call(self, x):
            return 2 * self.hidden(x)

    _, y = data()
    for model, name in [
        (Doubled(), "output"),
        (
            keras.Sequential([keras.Input((8,)), L.Dense(1), L.Rescaling(2.0, name="scaled")]),
            "scaled",
        ),
    ]:
        model.compile("sgd", "mean_squared_error")
        (found,), notes = paired(model, y)
        assert (found.layer, found.activation) == (name, "unknown")
        assert notes == [f"output activation of {name}: it is no known layer's"]


def test_a_loss_that_is_not_known_is_a_note_and_the_others_are_judged():
    def fourth_power(y, p):
        return keras.ops.mean((y - p) ** 4)

    x, y = data()
    found, notes = paired(forked(["binary_crossentropy", fourth_power]), [y, x[:, 1]])
    assert [(h.layer, h.kind) for h in found] == [("sign", BINARY), ("size", "")]
    assert notes == ["loss of size: fourthpower is not known here"]
    found, notes = paired(forked([fourth_power, "mean_squared_error"]), [y, x[:, 1]])
    assert [(h.layer, h.kind) for h in found] == [("sign", ""), ("size", SQUARED)]
    assert notes == ["loss of sign: fourthpower is not known here"]


def test_outputs_and_labels_that_cannot_be_paired_are_a_note():
    _, y = data()
    found, notes = paired(forked(["binary_crossentropy", "mean_squared_error"]), y)
    assert found == []
    assert notes == ["output, loss and labels: 2 outputs and 1 arrays of labels cannot be paired"]


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        (None, [[], []]),
        ([["accuracy"], ["mae"]], [["accuracy"], ["mae"]]),
        ({"size": ["mae"], "sign": "accuracy"}, [["accuracy"], ["mae"]]),
        ([None, "mae"], [[], ["mae"]]),
        (["accuracy", "mae"], [["accuracy"], ["mae"]]),
    ],
)
def test_each_output_has_its_own_metrics(metrics, expected):
    x, y = data()
    model = forked(["binary_crossentropy", "mean_squared_error"], metrics)
    given = [[Metric(name, plain=True) for name in names] for names in expected]
    assert [h.metrics for h in paired(model, [y, x[:, 1]])[0]] == given


def test_a_fault_of_one_output_is_found_at_that_output():
    x, y = data()
    model = forked(["mean_squared_error", "binary_crossentropy"])
    report = examine(model, x, [y, (x[:, 1] > 0).astype("float32")])
    assert {(f.code, f.layer) for f in report.findings} == {
        ("output-loss-mismatch", "sign"), ("output-loss-mismatch", "size"),
    }  # fmt: skip


# What a loss that is not known costs ----------------------------------------------------------


def fourth(y, p):
    return keras.ops.mean((y - p) ** 4)


class Fourth(keras.losses.Loss):
    """Keras hands it labels and answers as they are."""

    def call(self, y, p):
        return (y - p) ** 4


def test_a_function_is_given_labels_of_the_answers_shape_and_a_class_is_not():
    x, y = data()
    for loss, found in [(fourth, []), (Fourth(), ["label-mismatch"])]:
        model = keras.Sequential([keras.Input((8,)), L.Dense(1, name="output")])
        model.compile("sgd", loss)
        heads, notes = paired(model, y)
        assert [head.kind for head in heads] == [""] and len(notes) == 1
        # The cost is what training takes: of each answer and each label, or of its own.
        answers = np.linspace(0, 1, 64, dtype="float32")[:, None]
        by_hand = np.mean((y - answers if found else y[:, None] - answers) ** 4)
        assert heads[0].cost(answers) == pytest.approx(float(by_hand), rel=1e-5)
        told = float(model.compute_loss(x, y, keras.ops.convert_to_tensor(answers)))
        assert heads[0].cost(answers) == pytest.approx(told, rel=1e-5)
        assert [code for code in examine(model, x, y).codes if code == "label-mismatch"] == found
        # A column of labels pairs them.
        assert "label-mismatch" not in examine(model, x, y[:, None]).codes


def test_the_cost_is_that_of_the_labels_of_as_many_rows():
    _, y = data()
    model = keras.Sequential([keras.Input((8,)), L.Dense(1, "sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    (head,), _ = paired(model, y)
    assert head.cost(np.full((4, 1), 0.25, "float32")) == pytest.approx(
        -float(np.mean(np.where(y[:4] == 1, np.log(0.25), np.log(0.75)))), rel=1e-5
    )
    assert head.some.tolist() == y.tolist() and head.axis == -1


@pytest.mark.parametrize(
    ("loss", "axis"),
    [
        (keras.losses.CategoricalCrossentropy(axis=0), 0),
        (keras.losses.CategoricalCrossentropy(), -1),
        (keras.losses.MeanSquaredError(), -1),
        ("mse", -1),
    ],
)
def test_the_axis_of_a_loss_is_its_own(loss, axis):
    assert _outputs._axis(loss) == axis
