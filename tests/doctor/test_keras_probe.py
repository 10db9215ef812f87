"""The instrumented pass: what it records of a model, beside a plain tape on the same model."""

from __future__ import annotations

import math
import random

import keras
import numpy as np
import pytest

from livegrad.doctor._facts import norm
from livegrad.doctor._keras.backend import array, held
from livegrad.doctor._keras.data import Sample, draw
from livegrad.doctor._keras.probe import KerasProbe, undisturbed
from livegrad.doctor._trial import _one_by_one

L = keras.layers
BACKEND = keras.backend.backend()
TENSORFLOW = pytest.mark.skipif(BACKEND != "tensorflow", reason="the tape is TensorFlow's own")


def data(n=16):
    x = np.random.default_rng(0).standard_normal((n, 8)).astype("float32")
    return x, (x[:, 0] > 0).astype("float32")


def net(*hidden, loss="binary_crossentropy"):
    hidden = hidden or (L.Dense(4, "tanh", name="a"), L.Dense(4, name="b"), L.ReLU(name="bend"))
    model = keras.Sequential([keras.Input((8,)), *hidden, L.Dense(1, "sigmoid", name="out")])
    model.compile("sgd", loss)
    return model


def run(model, x, y, weight=None, **more):
    sample = draw(x, y, 64)
    if weight is not None:
        sample = Sample(
            sample.x, sample.y, keras.ops.convert_to_tensor(weight), sample.rows, sample.labels
        )
    probe = KerasProbe(model, sample)
    with undisturbed(model):
        return probe.run(**more), probe.loss(probe.values())


@TENSORFLOW
def test_each_calls_tensors_and_gradients_are_those_of_a_plain_tape():
    import tensorflow as tf

    x, y = data()
    model = net()
    result, again = run(model, x, y)
    a, b, bend, out = (model.get_layer(name) for name in ("a", "b", "bend", "out"))
    with tf.GradientTape(persistent=True) as tape:
        given = tf.constant(x)
        tape.watch(given)
        z1 = given @ a.kernel.value + a.bias.value
        h1 = tf.tanh(z1)
        h2 = h1 @ b.kernel.value + b.bias.value
        h3 = tf.nn.relu(h2)
        z4 = h3 @ out.kernel.value + out.bias.value
        p = tf.sigmoid(z4)
        loss = keras.losses.BinaryCrossentropy()(y[:, None], p)
    assert result.loss == again == pytest.approx(float(loss), rel=1e-5) and result.error == ""
    assert [call.layer.origin for call in result.calls] == [a, b, bend, out]
    assert [call.parents for call in result.calls] == [[], [0], [1], [2]]
    assert [call.first for call in result.calls] == [True, False, False, False]
    pres, posts = [z1, h2, h3, z4], [h1, h2, h3, p]
    for call, came, pre, post in zip(result.calls, [given, h1, h2, h3], pres, posts, strict=True):
        for found, true in [(call.inputs[0], came), (call.output, post), (call.pre, pre)]:
            np.testing.assert_allclose(found, true, rtol=1e-4, atol=1e-6)
        pairs = [(call.gradients[0], came), (call.gradient, post), (call.delta, pre)]
        if call.layer.origin is out:  # Keras goes past it, to the loss of the logits
            assert pairs.pop(1)[0] is None
        for found, of in pairs:
            np.testing.assert_allclose(found, tape.gradient(loss, of), rtol=1e-3, atol=1e-7)
    np.testing.assert_allclose(result.outputs[0], p, rtol=1e-4)
    for found, variable in zip(result.weights, model.trainable_variables, strict=True):
        true = tape.gradient(loss, variable.value)
        np.testing.assert_allclose(found, true, rtol=1e-3, atol=1e-7)


def test_weights_of_examples_and_penalties_are_in_both_losses():
    x, y = data()
    weight = np.linspace(0, 2, 16).astype("float32")
    model = net(L.Dense(4, "relu", kernel_regularizer=keras.regularizers.L2(0.5)))
    result, again = run(model, x, y, weight)
    p = np.clip(array(model(x))[:, 0], 1e-7, 1 - 1e-7)
    entropy = -(y * np.log(p) + (1 - y) * np.log(1 - p))
    penalty = 0.5 * np.sum(array(held(model.layers[0].kernel)) ** 2)
    assert result.loss == again == pytest.approx(np.mean(weight * entropy) + penalty, rel=1e-5)
    assert float(model.losses[0]) == pytest.approx(penalty)


def test_a_models_own_loss_is_asked_as_in_training():
    asked = []

    class Own(keras.Model):
        def compute_loss(self, x, y, y_pred, sample_weight, training):
            shapes = (tuple(part.shape) for part in (x, y, y_pred))
            asked.append((*shapes, sample_weight, training))
            return super().compute_loss(x, y, y_pred, sample_weight, training)

    inputs = keras.Input((8,))
    model = Own(inputs, L.Dense(1, "sigmoid")(inputs))
    model.compile("sgd", "binary_crossentropy")
    run(model, *data())
    # JAX asks as often as it plays the pass.
    assert len(asked) == 2 or (BACKEND == "jax" and len(asked) > 2)
    assert set(asked) == {((16, 8), (16,), (16, 1), None, True)}


def test_values_stand_in_for_the_weights():
    x, y = data()
    model = net()
    zeros = [np.zeros(v.shape, v.dtype) for v in model.trainable_variables]
    result, _ = run(model, x, y, values=zeros)
    assert result.loss == pytest.approx(math.log(2), rel=1e-6)
    assert not np.asarray(result.calls[0].output).any()
    assert array(held(model.get_layer("a").kernel)).any()


def test_values_must_be_as_many_as_the_weights():
    model = net()
    probe = KerasProbe(model, draw(*data(), 64))
    values = probe.values()
    with undisturbed(model):
        for wrong in (values[:-1], [*values, values[0]]):
            with pytest.raises(ValueError, match="zip"):
                probe.run(wrong)
            with pytest.raises(ValueError, match="zip"):
                probe.loss(wrong)


def test_without_a_loss_there_are_no_gradients():
    model = net()
    result, _ = run(model, *data(), with_loss=False)
    assert math.isnan(result.loss) and result.error == "" and result.weights == [None] * 6
    assert all(call.gradient is None and call.gradients == [] for call in result.calls)
    assert result.calls[0].output is not None and result.outputs[0].shape == (16, 1)


@pytest.mark.parametrize(
    ("said", "error"), [("two\nlines ", "two"), ("", "OSError"), (" \n", "OSError")]
)
def test_what_keeps_the_loss_from_being_computed_is_told_in_a_line(said, error, monkeypatch):
    def fail(*given, **more):
        raise OSError(said)

    x, y = data()
    model = net()
    probe = KerasProbe(model, draw(x, y, 64))
    monkeypatch.setattr(model, "compute_loss", fail)
    with undisturbed(model):
        result = probe.run()
    assert result.error == error and math.isnan(result.loss) and result.weights == [None] * 6


@pytest.mark.parametrize(
    "noise",
    [
        *[L.Dropout(0.9), L.AlphaDropout(0.9), L.GaussianDropout(0.9), L.GaussianNoise(1.0)],
    ],
)
def test_noise_is_switched_off_and_the_rest_trains(noise):
    x, y = data()
    model = net(L.Dense(4, "relu", name="a"), L.BatchNormalization(name="norm"), noise)
    result, again = run(model, x, y)
    norm, mask = result.calls[1:3]
    np.testing.assert_array_equal(mask.output, mask.inputs[0])
    # The statistics are those of the batch.
    assert np.abs(np.mean(norm.output, axis=0)).max() < 1e-5 and result.loss == again


class Own(L.Layer):
    """A layer of the reader's own, with two others inside and a sum that is no layer."""

    def __init__(self, **given):
        super().__init__(**given)
        self.first, self.second = L.Dense(4, "relu", name="first"), L.Dense(4, name="second")

    def call(self, x):
        return self.second(self.first(x)) + 1.0


def test_what_is_inside_the_readers_layers_and_models_is_listened_to_and_keras_s_is_not():
    inner = keras.Sequential([keras.Input((4,)), L.Dense(4, name="inside")])
    x, y = data()
    result, _ = run(net(Own(), inner, L.Reshape((2, 2)), L.GRU(3, name="cells")), x, y)
    names = [call.layer.name for call in result.calls]
    assert [name for name in names if "reshape" not in name] == [
        "first", "second", "inside", "cells", "out",
    ]  # fmt: skip
    # Behind the sum that is no layer, the call before is taken for the parent.
    assert [call.parents for call in result.calls[:3]] == [[], [0], [1]]
    assert not any(call.first for call in result.calls[1:])


def test_operations_that_are_no_layers_are_calls_with_their_true_parents():
    inputs = keras.Input((8,))
    left, right = L.Dense(4, name="left")(inputs), L.Dense(4, name="right")(inputs)
    joined = keras.ops.tanh(left + 2 * right)
    model = keras.Model(inputs, L.Dense(1, name="out")(joined) + keras.ops.sum(left))
    model.compile("sgd", "mean_squared_error")
    result, _ = run(model, *data())
    made = {call.layer.type + call.layer.name * call.layer.weighted: at
            for at, call in enumerate(result.calls)}  # fmt: skip
    assert set(made) == {"Denseleft", "Denseright", "Denseout", "Multiply", "Add", "Tanh", "Sum"}
    # The last sum is called like the first, and comes behind it.
    first, last = [at for at, call in enumerate(result.calls) if call.layer.type == "Add"]
    parents = {
        "Denseleft": [], "Denseright": [], "Multiply": [made["Denseright"]], "Tanh": [first],
        "Denseout": [made["Tanh"]], "Sum": [made["Denseleft"]],
    }  # fmt: skip
    for name, expected in parents.items():
        assert result.calls[made[name]].parents == expected
    assert result.calls[first].parents == [made["Denseleft"], made["Multiply"]]
    assert result.calls[last].parents == [made["Denseout"], made["Sum"]]
    assert {call.layer.name for call in result.calls if call.first} == {"left", "right"}
    assert result.calls[last].output is result.outputs[0]
    bent = result.calls[made["Tanh"]]
    assert (bent.layer.kind, bent.layer.weights, bent.layer.activation) == ("other", {}, "none")
    slope = 1 - np.square(bent.output)
    np.testing.assert_allclose(bent.gradients[0], bent.gradient * slope, rtol=1e-4, atol=1e-7)
    assert result.calls[made["Multiply"]].inputs[0] is result.calls[made["Denseright"]].output


def test_an_operation_of_the_readers_own_is_a_call():
    class Twice(keras.Operation):
        def call(self, x):
            return 2 * x

        def compute_output_spec(self, x):
            return keras.KerasTensor(x.shape, x.dtype)

    inputs = keras.Input((8,))
    hidden = Twice(name="twice")(L.Dense(4, name="hidden")(inputs))
    model = keras.Model(inputs, L.Dense(1)(hidden))
    model.compile("sgd", "mean_squared_error")
    result, _ = run(model, *data())
    assert [call.layer.name for call in result.calls][:2] == ["hidden", "twice"]
    assert result.calls[1].parents == [0] and result.calls[2].parents == [1]


def test_what_keras_tries_to_build_a_layer_is_not_listened_to():
    class Late(keras.Model):
        """A branch that only training takes, and which is not built before."""

        def __init__(self):
            super().__init__()
            self.early, self.late = L.Dense(4, name="early"), Own(name="late")

        def build(self, shape):
            self.early.build(shape)

        def call(self, x, training=None):
            h = self.early(x)
            return self.late(h) if training else h

    x, y = data()
    model = Late()
    model(x)
    model.compile("sgd", "mean_squared_error")
    result, _ = run(model, x, np.repeat(y[:, None], 4, axis=1))
    assert [call.layer.name for call in result.calls] == ["early", "first", "second"]
    # Their weights are there, though they were not when the pass began.
    assert [sorted(call.layer.weights) for call in result.calls] == [["bias", "kernel"]] * 3


def test_values_and_steps_are_copies():
    x, y = data()
    model = net()
    model.optimizer.build(model.trainable_variables)
    before = [array(held(v)).copy() for v in model.variables]
    probe = KerasProbe(model, draw(x, y, 64))
    kept = probe.values()
    with undisturbed(model):
        result = probe.run()
        for rate in (None, 100.0):
            twin = probe.stepper(rate)
            twin.step(result.weights)
            moved = twin.values
            twin.step(result.weights)
            assert not np.array_equal(moved[0], kept[0])
            assert not np.array_equal(moved[0], twin.values[0])
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(array(held(variable)), value)
    model.trainable_variables[0].assign(np.zeros((8, 4)))
    np.testing.assert_array_equal(kept[0], before[0])


def test_a_layer_of_two_inputs_has_two_parents_and_two_gradients():
    inputs = keras.Input((8,))
    left, right = L.Dense(4, name="left")(inputs), L.Dense(4, name="right")(inputs)
    model = keras.Model(inputs, L.Dense(1)(L.Multiply(name="both")([left, right])))
    model.compile("sgd", "mean_squared_error")
    result, _ = run(model, *data())
    by_name = {call.layer.name: at for at, call in enumerate(result.calls)}
    both = result.calls[by_name["both"]]
    assert both.parents == [by_name["left"], by_name["right"]] and len(both.gradients) == 2
    for at, other in ((0, 1), (1, 0)):
        expected = both.gradient * both.inputs[other]
        np.testing.assert_allclose(both.gradients[at], expected, rtol=1e-5)
    assert result.calls[by_name["left"]].first and result.calls[by_name["right"]].first


def test_whole_numbers_are_no_signal():
    model = keras.Sequential([keras.Input((2,), dtype="int32"), L.Embedding(5, 3), L.Flatten(),
                              L.Dense(1, "sigmoid")])  # fmt: skip
    model.compile("sgd", "binary_crossentropy")
    result, _ = run(model, np.arange(32, dtype="int32").reshape(16, 2) % 5, np.ones(16))
    words = result.calls[0]
    assert words.inputs == [] and words.gradients == [] and words.first
    assert words.output.shape == (16, 2, 3) and words.gradient.shape == (16, 2, 3)
    # Its gradient names rows; as numbers it is as large as the table.
    assert result.weights[0].shape == (5, 3)
    rows = np.zeros((5, 3))
    np.add.at(rows, words.whole[0], words.gradient)
    np.testing.assert_allclose(result.weights[0], rows, rtol=1e-5)
    assert norm(result.weights[0]) == pytest.approx(float(np.linalg.norm(result.weights[0])))


def test_an_activation_that_is_a_layer_is_overheard_and_put_back():
    bend = L.LeakyReLU(0.5)
    model = net(L.Dense(4, bend, name="a"))
    layer = model.get_layer("a")
    result, _ = run(model, *data())
    assert layer.activation is bend and len(result.calls) == 2
    pre, post = np.asarray(result.calls[0].pre), np.asarray(result.calls[0].output)
    np.testing.assert_allclose(post, np.where(pre > 0, pre, 0.5 * pre), rtol=1e-6)


def test_a_call_that_fails_leaves_layers_as_they_were():
    def fail(z):
        raise OSError("bent")

    call, operation = L.Layer.__call__, keras.Operation.__call__
    model = net()
    layer, own = model.get_layer("b"), fail
    layer.activation = own
    probe = KerasProbe(model, draw(*data(), 64))
    with undisturbed(model), pytest.raises(OSError, match="bent"):
        probe.run()
    assert layer.activation is own and L.Layer.__call__ is call
    assert keras.Operation.__call__ is operation


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_small_gradient_is_kept_in_half_precision(dtype):
    x, y = data()
    policy = "mixed_float16" if dtype == "float16" else "float32"
    model = net(L.Dense(4, "tanh", dtype=policy, name="a"))
    model.get_layer("out").kernel.assign(np.full((4, 1), 1e-6))
    result, _ = run(model, x, y)
    assert 1e-9 < norm(result.weights[0]) < 1e-6


@pytest.mark.skipif(BACKEND != "tensorflow", reason="elsewhere a clipped probability has no slope")
def test_a_scale_that_overflows_is_lowered():
    x, y = data()
    model = net(L.Dense(4, dtype="mixed_float16", name="a"))
    model.get_layer("out").kernel.assign(np.full((4, 1), 3000.0))
    result, _ = run(model, x, y)
    assert all(np.isfinite(np.asarray(g)).all() for g in result.weights)
    assert norm(result.weights[0]) > 100


def draw_own():
    """Draw from the backend's own generator, where it has one, and return its state before."""
    state = None
    if BACKEND == "tensorflow":
        import tensorflow as tf

        state = tf.random.get_global_generator().state.numpy()
        tf.random.get_global_generator().normal((2,))
    elif BACKEND == "torch":
        import torch

        state = torch.random.get_rng_state().numpy()
        torch.rand(2)
    return state


def disturb(model):
    """Move whatever a pass could move, in the middle of one, and fail."""
    with undisturbed(model):
        random.random()
        np.random.random()  # noqa: NPY002
        draw_own()
        model(data()[0])
        assert len(model.losses) == 1 and not model._compile_loss.built
        raise KeyError(model._compile_loss)


def test_what_a_pass_would_leave_is_put_back():
    model = net(L.Dense(4, activity_regularizer="l2"))
    kept = model._compile_loss
    python, numbers = random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
    draw_own()
    with undisturbed(model):
        eager = draw_own()
    with pytest.raises(KeyError) as raised:
        disturb(model)
    (twin,) = raised.value.args
    assert twin is not kept and type(twin) is type(kept) and twin._user_loss == kept._user_loss
    assert model._compile_loss is kept and model.losses == []
    assert random.getstate() == python
    assert np.array_equal(np.random.get_state()[1], numbers)  # noqa: NPY002
    assert np.array_equal(draw_own(), eager)


def test_the_weights_of_losses_are_taken_along():
    inputs = keras.Input((8,))
    model = keras.Model(inputs, [L.Dense(1, name="a")(inputs), L.Dense(1, name="b")(inputs)])
    model.compile("sgd", {"a": "mse", "b": "mae"}, loss_weights={"a": 2.0, "b": 3.0})
    x, y = data()
    result, again = run(model, x, {"a": y, "b": y})
    a, b = (array(out)[:, 0] for out in model(x))
    expected = 2 * np.mean((a - y) ** 2) + 3 * np.mean(np.abs(b - y))
    assert result.loss == again == pytest.approx(expected, rel=1e-5)


def test_a_loss_of_answers_that_are_not_finite_is_no_error():
    """PyTorch refuses a probability that is none; what is to blame is found all the same."""
    x, y = data()
    model = net(L.Dense(4, "relu", name="a"))
    model.get_layer("a").bias.assign([np.nan, 0, 0, 0])
    result, again = run(model, x, y)
    assert result.error == "" and math.isnan(result.loss) and math.isnan(again)
    assert all(np.isnan(gradient).any() for gradient in result.weights)
    probe = KerasProbe(model, draw(x, y, 64))
    with undisturbed(model):
        loss, gradients = probe.slopes(probe.values(), rows=np.arange(4))
    assert math.isnan(loss) and all(np.isnan(gradient).any() for gradient in gradients)


def test_a_loss_that_fails_on_finite_answers_is_an_error():
    def fail(y, p):
        raise RuntimeError("no such loss")

    result = None
    model = net(loss=fail)
    probe = KerasProbe(model, draw(*data(), 64))
    with undisturbed(model):
        result = probe.run()
    assert result.error == "no such loss" and result.weights == [None] * 6


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_a_bare_step_is_one_without_decay(name):
    x, y = data()
    model = net()
    made = getattr(keras.optimizers, name)
    ends = []
    for decay in (0.5, 0.0):
        model.compile(made(0.1, weight_decay=decay), "binary_crossentropy")
        probe = KerasProbe(model, draw(x, y, 64))
        with undisturbed(model):
            for bare in (True, False):
                twin = probe.stepper(bare=bare)
                twin.step(probe.run().weights)
                ends.append(twin.values[0])
    for same in (ends[0], ends[3]):
        np.testing.assert_allclose(same, ends[2], rtol=1e-5)
    assert not np.allclose(ends[1], ends[2], rtol=1e-3)


def test_slopes_are_those_of_a_pass_and_follow_the_values():
    x, y = data()
    model = net(L.Dense(4, "tanh", name="a"), L.BatchNormalization(), L.Dense(4, name="b"))
    model.get_layer("b").trainable = False
    model.compile("sgd", "binary_crossentropy")
    probe = KerasProbe(model, draw(x, y, 64))
    rows = np.arange(8)
    with undisturbed(model):
        for scale in (1.0, 2.0):
            values = [scale * value for value in probe.values()]
            # What does not train is read at each call, not when it is compiled.
            model.get_layer("b").kernel.assign(np.full((4, 4), 0.1 * scale))
            result = probe.run(values, rows=rows)
            loss, gradients = probe.slopes(values, rows=rows)
            assert loss == pytest.approx(result.loss, rel=1e-5)
            for one, other in zip(gradients, result.weights, strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-6)


def test_many_steps_at_once_are_those_taken_one_by_one():
    x, y = data()
    model = net()
    model.compile("adam", "binary_crossentropy")
    probe = KerasProbe(model, draw(x, y, 64))
    if probe.walk is None:
        assert BACKEND == "torch"
        pytest.skip("on PyTorch steps are taken one by one")
    batches = np.stack([np.arange(8), np.arange(8, 16), np.arange(8)])
    with undisturbed(model):
        for rate in (0.1, 0.01):
            losses, values = probe.walk(rate, batches)
            slow, ends = _one_by_one(probe, rate, list(batches), bare=False)
            np.testing.assert_allclose(losses, slow, rtol=1e-4)
            for one, other in zip(values, ends, strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-6)


def test_nothing_is_compiled_that_training_does_not_compile():
    model = net()
    for given in ({"run_eagerly": True}, {"jit_compile": False}):
        model.compile("sgd", "binary_crossentropy", **given)
        seen = KerasProbe(model, draw(*data(), 64)).walk
        # TensorFlow makes a graph all the same, without XLA.
        assert (seen is not None) is (BACKEND == "tensorflow" and "jit_compile" in given)


class Joined(keras.Model):
    """A sum that is no layer, read by a layer and by another sum, and a branch on a number."""

    def __init__(self, asks=False):
        super().__init__()
        self.asks = asks
        self.a, self.b = L.Dense(4, name="a"), L.Dense(4, name="b")
        self.out = L.Dense(4, use_bias=False, name="out")

    def call(self, x):
        h = self.a(x)
        h = h + self.b(h)
        if self.asks and keras.ops.max(h) < 0:
            h = 2 * h
        return h + self.out(h)


def test_a_gradient_is_that_of_all_that_reads_a_tensor():
    x, y = data()
    model = Joined()
    model(x)
    model.compile("sgd", lambda y, p: keras.ops.sum(p, axis=-1))
    result, _ = run(model, x, y)
    a, _, out = result.calls
    kernel = array(held(model.out.kernel))
    # The mean over 16 rows; the sum passes 1 on, and the layer its kernel.
    wanted = (np.ones((16, 4)) + np.ones((16, 4)) @ kernel.T) / 16
    np.testing.assert_allclose(out.gradients[0], wanted, rtol=1e-5)
    np.testing.assert_allclose(out.gradient, np.ones((16, 4)) / 16, rtol=1e-5)
    first = a.gradient @ array(held(model.a.kernel)).T
    np.testing.assert_allclose(a.gradients[0], first, rtol=1e-4, atol=1e-7)


def test_a_model_that_asks_for_numbers_on_its_way_is_run_as_training_runs_it():
    x, y = data()
    model = Joined(asks=True)
    model(x)
    model.compile("sgd", "mse", run_eagerly=True)
    result, again = run(model, x, np.repeat(y[:, None], 4, axis=1))
    assert result.loss == pytest.approx(again) and all(norm(g) > 0 for g in result.weights)
