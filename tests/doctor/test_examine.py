"""The order of an examination: what is asked for, what is refused, and what a finding hides."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from livegrad.doctor import CODES, Finding, _keras, _learning, _trial, examine
from livegrad.doctor._facts import Plan
from livegrad.doctor._judge import judge
from livegrad.doctor._keras.data import draw
from livegrad.doctor._keras.probe import KerasProbe, undisturbed
from livegrad.signals import GRADIENT_BOUNDS
from livegrad_lab.faults import CASES

L = keras.layers


def data(n=64):
    x = np.random.default_rng(0).standard_normal((n, 8)).astype("float32")
    return x, (x[:, 0] > 0).astype("float32")


def net(*hidden, end="sigmoid", loss="binary_crossentropy", optimizer="adam"):
    model = keras.Sequential([keras.Input((8,)), *hidden, L.Dense(1, end, name="output")])
    model.compile(optimizer, loss)
    return model


def hidden(at, activation="relu", **given):
    start = {"kernel_initializer": "he_normal"} | given
    return L.Dense(16, activation, name=f"hidden_{at}", **start)


def refused(model, x, y):
    with pytest.raises((TypeError, ValueError)) as raised:
        examine(model, x, y)
    return str(raised.value)


# What is refused ------------------------------------------------------------------------------


def test_what_is_no_compiled_model_is_refused_with_what_is_expected():
    x, y = data()
    kinds = "model must be a keras.Model, a torch.nn.Module or a flax.nnx.Module"
    compiled = "model must be compiled with an optimizer and a loss: model.compile(...)"
    assert refused("net.keras", x, y) == f"{kinds}, got str"
    assert refused(keras.Sequential([keras.Input((8,)), L.Dense(1)]), x, y) == compiled
    assert refused(net(optimizer=None), x, y) == compiled


@pytest.mark.parametrize(
    ("want", "got", "fits"),
    [
        *[((8,), (8,), True), ((8,), (7,), False), ((8,), (8, 1), False)],
        *[((None, 3), (5, 3), True), ((None, 3), (5, 4), False), ((None, None), (5,), False)],
        *[((), (), True), ((), (1,), False)],
    ],
)
def test_a_shape_fits_where_each_length_is_equal_or_free(want, got, fits):
    assert _keras._fits(want, got) is fits


def test_a_last_axis_of_length_1_may_be_left_out():
    flat = keras.Sequential([keras.Input((6, 1)), L.Flatten(), hidden(1), L.Dense(1, "sigmoid")])
    flat.compile("adam", "binary_crossentropy")
    x, y = data()
    assert not examine(flat, x[:, :6, None], y).unjudged
    assert refused(flat, x, y) == "x must have the shape (n, 6, 1), got (n, 8)"
    wide = keras.Sequential([keras.Input((3, 2)), L.Flatten(), hidden(1), L.Dense(1, "sigmoid")])
    wide.compile("adam", "binary_crossentropy")
    assert refused(wide, x[:, :3], y) == "x must have the shape (n, 3, 2), got (n, 3)"


def test_a_model_that_does_not_run_is_refused_by_the_first_line_of_its_error():
    class Broken(L.Layer):
        def call(self, x, training=None):
            if training:
                raise OSError("first\nsecond")
            return x

    x, y = data()
    said = refused(net(Broken(name="broken")), x, y)
    assert said.startswith("model could not be run on x: ") and "\n" not in said


def test_a_model_that_cannot_be_copied_is_to_be_called_once():
    class Own(keras.Model):
        def __init__(self, out):
            super().__init__()
            self.out = out

        def call(self, x):
            return self.out(x)

    x, y = data()
    model = Own(L.Dense(1, "sigmoid"))
    model.compile("adam", "binary_crossentropy")
    expected = "model has no weights yet and cannot be copied: call it once on data, model(x)"
    assert refused(model, x, y) == expected
    model(x)
    assert examine(model, x, y).healthy


# What it takes --------------------------------------------------------------------------------


def test_an_unbuilt_models_twin_has_its_loss_and_optimizer():
    model = keras.Sequential([hidden(1), L.Dense(1, name="output")])
    model.compile(keras.optimizers.SGD(1e-9), "binary_crossentropy")
    x, y = data()
    assert examine(model, x, y).codes == ("output-loss-mismatch", "learning-rate")
    model.compile(keras.optimizers.SGD(1e-9), "mean_squared_error")
    assert examine(model, x, y).codes == ("learning-rate",) and not model.built


def test_several_inputs_are_cast_each_to_what_the_model_takes():
    first = keras.Input((8,), name="numbers")
    words = keras.Input((2,), dtype="int32", name="words")
    embedded = L.Flatten()(L.Embedding(5, 4)(words))
    h = hidden(1)(L.Concatenate()([first, embedded]))
    model = keras.Model({"numbers": first, "words": words}, L.Dense(1, "sigmoid")(h))
    model.compile("adam", "binary_crossentropy")
    x, y = data()
    # Keras asks for the inputs in the order of their names.
    given = {"numbers": x.astype("float64"), "words": np.arange(128).reshape(64, 2) % 5}
    report = examine(model, given, y)
    assert report.healthy and report.unjudged == ()
    given["words"] = given["words"][:, :1]
    assert refused(model, given, y) == "x must have the shape (n, 2), got (n, 1)"


def test_the_loss_and_the_gains_are_told():
    report = examine(net(hidden(1), hidden(2)), *data())
    assert [(layer.layer, layer.activation) for layer in report.layers] == [
        ("hidden_1", "relu"), ("hidden_2", "relu"),
    ]  # fmt: skip
    assert report.gain == pytest.approx(math.prod(layer.gain for layer in report.layers))
    assert report.signal_gain == pytest.approx(
        math.prod(layer.signal_gain for layer in report.layers)
    )
    x, y = data()
    model = net(hidden(1), hidden(2))
    p = np.asarray(model(x))[:, 0]
    entropy = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    assert examine(model, x, y).loss == pytest.approx(entropy, rel=1e-5)


# What is not looked into ----------------------------------------------------------------------


class Gate(L.Layer):
    """A layer of the reader's own."""

    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones")

    def call(self, x):
        return x * self.scale


def test_layers_that_are_not_understood_are_named_once():
    inputs = keras.Input((8,))
    gate = Gate(name="gate")
    h = L.Reshape((8, 2))(hidden(1)(gate(gate(inputs))))
    h = L.MultiHeadAttention(1, 2, name="attention")(h, h)
    h = L.TimeDistributed(L.Dense(2, "relu"), name="each")(h)
    h = L.BatchNormalization()(L.GRU(4, name="cells")(h))
    model = keras.Model(inputs, L.Dense(1, "sigmoid")(h))
    model.compile("adam", "binary_crossentropy")
    notes = [n for n in judged(model, *data(), trials=False).unjudged if "what happens" in n]
    assert notes == [
        "gate (Gate): what happens inside it",
        "attention (MultiHeadAttention): what happens inside it",
        "each (TimeDistributed): what happens inside it",
        "cells (GRU): what happens inside it",
    ]


# What a finding hides -------------------------------------------------------------------------


def test_two_faults_that_blind_are_both_named():
    x, y = data()
    model = net(hidden(1, kernel_initializer="zeros"), hidden(2, "tanh"))
    report = examine(model, x * 1e3, y)
    assert report.codes == ("symmetric-weights", "unscaled-input")
    note = "gains, units and steps: not before symmetric-weights and unscaled-input is mended"
    assert report.unjudged == (note,) and report.layers != ()


def test_what_is_frozen_is_not_said_to_be_equal_too():
    x, y = data()
    model = net(hidden(1, kernel_initializer="zeros"), hidden(2, kernel_initializer="zeros"))
    assert "symmetric-weights" in examine(model, x, y).codes
    model.trainable = False
    assert examine(model, x, y).codes == ("frozen",)


def test_two_faults_that_shrink_the_product_are_both_named():
    x, y = data()
    model = net(hidden(1), hidden(2, "softmax"), hidden(3), end=None)
    report = examine(model, x, y)
    assert report.codes == ("output-loss-mismatch", "softmax-hidden")
    assert report.unjudged == (
        "the products of gains: not before softmax-hidden is mended",
        "the learning rate: not before these are mended",
    )


def test_labels_that_do_not_fit_hide_gradients_and_steps():
    x, _ = data()
    model = net(hidden(1), hidden(2, "softmax"), hidden(3))
    report = examine(model, x * 1e3, np.arange(64) % 5)
    assert report.codes == ("label-mismatch", "unscaled-input", "softmax-hidden")
    assert report.unjudged == ("gradients and steps: the labels do not fit the loss",)
    assert report.layers == () and all(map(math.isnan, (report.gain, report.loss)))


def test_a_loss_that_fails_is_told():
    def fail(y, p):
        raise OSError("no such loss")

    report = examine(net(hidden(1), loss=fail), *data())
    assert report.healthy
    assert report.unjudged == (
        "loss of output: fail is not known here", "gradients and steps: no such loss",
    )  # fmt: skip


def test_labels_of_hinge_are_met_though_they_have_no_side():
    x, y = data()
    model = net(hidden(1), hidden(2), end=None, loss="hinge")
    report = examine(model, x, y + 1)
    assert report.codes == ("label-mismatch",) and not math.isnan(report.loss)
    # Keras takes 0 for -1.
    assert examine(model, x, y).codes == ()


def test_what_is_not_finite_hides_all_that_is_computed_from_it():
    x, y = data()
    model = net(hidden(1), hidden(2))
    model.get_layer("hidden_2").bias.assign([np.nan, *[0] * 15])
    report = examine(model, x, y)
    assert [(f.code, f.layer) for f in report.findings] == [("non-finite", "hidden_2")]
    assert report.unjudged == ("signals, gradients and steps: not while numbers are not finite",)


@pytest.mark.parametrize(("outputs", "codes"), [(1, ()), (2, ("learning-rate",))])
def test_growth_is_from_the_cost_of_knowing_nothing_where_one_output_tells_it(outputs, codes):
    # The target is x itself, of variance 1; each step makes the small error (w - 1)^2 larger.
    x = np.where(np.arange(64) % 2, 1.0, -1.0)[:, None]
    inputs = keras.Input((1,))
    outs = [L.Dense(1, use_bias=False, kernel_initializer="ones")(inputs) for _ in range(outputs)]
    model = keras.Model(inputs, outs)
    model.compile(keras.optimizers.SGD(1.25), ["mean_squared_error"] * outputs)
    for layer in model.layers[1:]:
        layer.kernel.assign([[1.1]])
    assert [c for c in examine(model, x, [x] * outputs).codes if c != "identical-kernels"] == [
        *codes
    ]


def test_findings_come_in_the_order_of_the_codes():
    x, y = data()
    model = net(hidden(1), L.Dropout(0.95), hidden(2, kernel_initializer="zeros"), end=None)
    codes = examine(model, x * 1e3, y).codes
    order = [CODES.index(code) for code in codes]
    assert len(codes) >= 3 and order == sorted(order)


# What is tried where nothing else is found ----------------------------------------------------


def test_an_index_beyond_a_table_is_named_by_the_model_that_does_not_run():
    x = np.arange(128).reshape(64, 2) % 9
    model = keras.Sequential([
        keras.Input((2,), dtype="int32"), L.Embedding(8, 4, name="words"), L.Flatten(),
        hidden(1), L.Dense(1, "sigmoid"),
    ])  # fmt: skip
    model.compile("adam", "binary_crossentropy")
    report = examine(model, x, x[:, 0] > 4)
    assert [(one.code, one.layer) for one in report.findings] == [("index-range", "words")]
    assert report.findings[0].evidence == "indices from 0 to 8, must lie within 0 and 7"
    assert report.unjudged == ("all else: the model does not run",)
    assert examine(model, x % 8, x[:, 0] % 8 > 3).codes == ()


def test_an_index_that_only_later_rows_ask_for_is_named_too():
    """The glance sees the first rows, the pass all of them."""
    x = np.where(np.arange(64)[:, None] == 63, 8, np.arange(128).reshape(64, 2) % 8)
    model = keras.Sequential([
        keras.Input((2,), dtype="int32"), L.Embedding(8, 4, name="words"), L.Flatten(),
        L.Dense(1, "sigmoid"),
    ])  # fmt: skip
    model.compile("adam", "binary_crossentropy")
    report = examine(model, x, x[:, 0] > 4)
    assert [(one.code, one.layer) for one in report.findings] == [("index-range", "words")]


def noise(n=64):
    x, _ = data(n)
    return x, np.random.default_rng(7).integers(0, 2, n).astype("float32")


def judged(model, x, y, **more):
    with undisturbed(model):
        return judge(KerasProbe(model, draw(x, y, 256)), **more)


def test_what_is_tried_can_be_left_out():
    model = net(hidden(1), hidden(2))
    assert judged(model, *noise()).codes == ("unrelated-labels",)
    assert judged(model, *noise(), trials=False).codes == ()


def learning(patch, judge, way=True, balanced=False):
    """Let a function of the probe and more say what is learned."""

    class Learning:
        def __init__(self, *given):
            self.judge = lambda: judge(*given)
            self.way = {"rate": 0.1} if way else {}

        def bent(self, path):
            return []

        def balanced(self, rows):
            return balanced

    patch.setattr(_learning, "Learning", Learning)


@pytest.mark.parametrize("finding", ["metric", "steps"])
def test_where_something_else_is_found_nothing_is_tried(monkeypatch, finding):
    asked = []
    learning(monkeypatch, lambda *given: asked.append(given) or ([], True))
    x, y = data()
    assert examine(net(hidden(1), hidden(2)), x, y).codes == () and len(asked) == 1
    model = net(hidden(1), hidden(2), optimizer=keras.optimizers.SGD(1e-9))
    if finding == "metric":
        model = net(hidden(1), end=None, loss=keras.losses.BinaryCrossentropy(from_logits=True))
        model.compile("adam", model.loss, metrics=["binary_accuracy"])
    # A metric that does not fit is a fault of its own.
    assert len(examine(model, x, y).codes) == 1 and len(asked) == 1 + (finding == "metric")


def test_several_outputs_are_not_tried(monkeypatch):
    learning(monkeypatch, lambda *given: 1 / 0)
    inputs = keras.Input((8,))
    h = hidden(1)(inputs)
    model = keras.Model(inputs, [L.Dense(1, "sigmoid")(h), L.Dense(1, "sigmoid")(h)])
    model.compile("adam", ["binary_crossentropy"] * 2)
    x, y = noise()
    assert examine(model, x, [y, y]).codes == ()


@pytest.mark.parametrize(
    ("well", "related", "told", "codes"),
    [
        (True, True, False, ()),
        (True, False, False, ("unrelated-labels",)),
        # The model itself tells held-out labels: no cheap learner is a better judge.
        (True, False, True, ()),
        (False, False, False, ("unrelated-labels",)),
        (None, False, False, ()),
    ],
)
def test_labels_are_unrelated_where_neither_cheap_learners_nor_the_model_tell_them(
    monkeypatch, well, related, told, codes
):
    learning(monkeypatch, lambda *given: ([], well), way=well is not None)
    monkeypatch.setattr(_trial, "told", lambda *given: told)
    report = examine(net(hidden(1), hidden(2)), *(data() if related else noise()))
    assert report.codes == codes and report.unjudged == ()


LONGER = Finding("learning-rate", "optimizer", "x", "x", "x")


@pytest.mark.parametrize(
    ("related", "told", "way", "code"),
    [
        (False, False, True, "unrelated-labels"),
        (False, True, True, "learning-rate"),
        (True, False, True, "learning-rate"),
        # Numbers that break are the rate's fault whatever the labels are.
        (False, False, False, "learning-rate"),
    ],
)
def test_steps_that_learn_by_heart_are_no_better_steps(monkeypatch, related, told, way, code):
    asked = []
    learning(monkeypatch, lambda *given: ([LONGER], False), way=way)
    monkeypatch.setattr(_trial, "told", lambda *given: asked.append(given[2]) or told)
    report = examine(net(hidden(1), hidden(2)), *(data() if related else noise()))
    assert report.codes == (code,)
    assert asked == ([{"rate": 0.1}] if way and not related else [])


@pytest.mark.parametrize(("balanced", "more"), [(True, ()), (False, ("learning-rate",))])
def test_steps_that_learn_as_many_of_each_class_are_not_to_blame(monkeypatch, balanced, more):
    learning(monkeypatch, lambda *given: ([LONGER], False), balanced=balanced)
    x, _ = data(400)
    y = (x[:, 0] >= np.sort(x[:, 0])[-16]).astype("float32")
    assert set(examine(net(hidden(1), hidden(2)), x, y).codes) == {"class-imbalance", *more}


def test_what_leads_nowhere_is_a_note_or_a_product_that_chance_does_not_excuse(monkeypatch):
    learning(monkeypatch, lambda *given: ([], False))
    note = "how it learns: 30 steps, however long, lead nowhere"
    report = examine(net(hidden(1), hidden(2)), *data())
    assert (report.codes, report.unjudged) == ((), (note,))
    # A product beyond its bound, and within what chance of these narrow layers allows.
    layers = [L.Dense(4, "tanh", name=f"hidden_{at}") for at in range(1, 4)]
    model = net(*layers)
    model.get_layer("output").kernel.assign(model.get_layer("output").kernel * 3e-3)
    model.get_layer("output").bias.assign([0.1])
    report = examine(model, *data())
    low, _ = GRADIENT_BOUNDS["Adam"]
    assert report.gain < low and report.codes == ("vanishing-gradient",) and not report.unjudged
    assert f"is below {low:.2g}, the bound with chance" in report.findings[0].evidence
    learning(monkeypatch, lambda *given: ([], True))
    assert examine(model, *data()).codes == ()


def test_the_plan_is_the_readers_or_the_data_sets():
    x, y = data()
    seen = []

    def learns(probe, *rest):
        seen.append(probe.plan)
        return [], True

    with pytest.MonkeyPatch.context() as patch:
        learning(patch, learns)
        model = net(hidden(1), hidden(2))
        examine(model, x, y)
        examine(model, x, y, batch_size=16, epochs=3)
        examine(model, tf.data.Dataset.from_tensor_slices((x, y)).batch(8), epochs=2)
    assert seen == [Plan(None, None, 64), Plan(16, 3, 64), Plan(8, 2, 64)]
    assert [plan.steps() for plan in seen] == [None, 12, 16] and seen[1].steps(32) == 6


@pytest.mark.parametrize(
    "code",
    ["constant-input", "unscaled-input", "cut-gradient", "strong-penalty"],
)
def test_what_blinds_hides_the_products(code):
    names = {
        "constant-input": "every example is the same",
        "unscaled-input": "inputs a ten-thousandth",
        "cut-gradient": "a sign between two layers",
        "strong-penalty": "a penalty of ten on all weights",
    }
    patient = CASES[names[code]].build(False)
    report = examine(patient.model, patient.x, patient.y)
    assert report.codes == (code,)
    assert report.unjudged == (f"gains, units and steps: not before {code} is mended",)


def test_an_unscaled_target_hides_the_steps_alone():
    patient = CASES["targets in the hundred thousands"].build(False)
    report = examine(patient.model, patient.x, patient.y)
    assert report.unjudged == ("the learning rate: not before unscaled-target is mended",)
    assert report.layers and math.isfinite(report.gain)


def test_an_attention_that_is_flat_cuts_no_gradient_besides():
    patient = CASES["attention whose scores are not divided"].build(False)
    assert examine(patient.model, patient.x, patient.y).codes == ("attention",)
