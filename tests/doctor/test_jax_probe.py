"""The pass through a Flax NNX module: what it records, beside a plain pass written by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("flax", reason="needs livegrad[jax]")

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from livegrad.doctor import examine
from livegrad.doctor._jax.data import draw
from livegrad.doctor._jax.probe import JaxProbe
from livegrad.doctor._jax.steps import Moves

entropy = optax.sigmoid_binary_cross_entropy


def data(n=16):
    x = np.random.default_rng(0).standard_normal((n, 8)).astype("float32")
    return x, (x[:, :1] > 0).astype("float32")


class Net(nnx.Module):
    """Three dense layers, with functions between them."""

    def __init__(self, first=jnp.tanh, second=nnx.relu, last=None, width=4):
        rngs = nnx.Rngs(0)
        self.a, self.b = nnx.Linear(8, width, rngs=rngs), nnx.Linear(width, 4, rngs=rngs)
        self.out = nnx.Linear(4, 1, rngs=rngs)
        self.first, self.second, self.last = first, second, last

    def __call__(self, x):
        x = self.out(self.second(self.b(self.first(self.a(x)))))
        return x if self.last is None else self.last(x)


def probed(model, x, y, loss=entropy, optimizer=None, rows=64):
    return JaxProbe(model, draw(x, y, rows), loss, None if optimizer is None else Moves(optimizer))


def run(model, x, y, loss=entropy, **more):
    probe = probed(model, x, y, loss)
    return probe.run(**more), probe.loss(probe.values())


def kinds(result):
    return [(call.layer.name, call.layer.kind) for call in result.calls]


def by_name(result):
    return {call.layer.name: at for at, call in enumerate(result.calls)}


def test_each_calls_tensors_and_gradients_are_those_of_a_plain_pass():
    x, y = data()
    model = Net()
    result, again = run(model, x, y)
    a, b, out = model.a, model.b, model.out

    def forward(shifts):
        """Return all tensors, each with a shift, and the loss."""
        tensors = []

        def made(value):
            tensors.append(value + shifts[len(tensors)])
            return tensors[-1]

        given = made(x)
        h1 = made(given @ a.kernel[...] + a.bias[...])
        h2 = made(jnp.tanh(h1))
        h3 = made(h2 @ b.kernel[...] + b.bias[...])
        h4 = made(jnp.maximum(h3, 0))
        p = made(h4 @ out.kernel[...] + out.bias[...])
        return jnp.mean(jnp.maximum(p, 0) - p * y + jnp.log1p(jnp.exp(-jnp.abs(p)))), tensors

    shapes = [(16, 8), *[(16, 4)] * 4, (16, 1)]
    zeros = [jnp.zeros(shape) for shape in shapes]
    (loss, tensors), gradients = jax.value_and_grad(forward, has_aux=True)(zeros)
    assert result.loss == pytest.approx(float(loss), rel=1e-5) and result.error == ""
    assert again == pytest.approx(float(loss), rel=1e-5)
    assert [call.layer.name for call in result.calls] == ["a", "tanh", "b", "relu", "out"]
    assert [call.layer.activation for call in result.calls] == [
        "linear", "tanh", "linear", "relu", "linear",
    ]  # fmt: skip
    assert [call.parents for call in result.calls] == [[], [0], [1], [2], [3]]
    assert [call.first for call in result.calls] == [True, False, False, False, False]
    for at, call in enumerate(result.calls):
        np.testing.assert_allclose(call.inputs[0], tensors[at], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(call.output, tensors[at + 1], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(call.gradients[0], gradients[at], rtol=1e-3, atol=1e-7)
        np.testing.assert_allclose(call.gradient, gradients[at + 1], rtol=1e-3, atol=1e-7)
        assert call.pre is call.output and call.delta is call.gradient
        if at:
            assert call.inputs[0] is result.calls[at - 1].output
    assert result.calls[-1].output is result.outputs[0]

    def cost(params):
        return jnp.mean(entropy(nnx.merge(graph, params)(x), y))

    graph, params = nnx.split(model)
    for found, true in zip(result.weights, jax.tree.leaves(jax.grad(cost)(params)), strict=True):
        np.testing.assert_allclose(found, true, rtol=1e-3, atol=1e-7)


def test_values_stand_in_for_the_weights():
    x, y = data()
    model = Net()
    probe = probed(model, x, y)
    zeros = [np.zeros_like(value) for value in probe.values()]
    result = probe.run(zeros)
    assert result.loss == pytest.approx(math.log(2), rel=1e-6) == probe.loss(zeros)
    assert not result.calls[0].output.any() and np.any(model.a.kernel[...])
    # What is told of a function is told by the model's own weights.
    assert [name for name, _ in kinds(result)] == ["a", "tanh", "b", "relu", "out"]


def test_values_must_be_as_many_as_the_weights():
    probe = probed(Net(), *data())
    values = probe.values()
    for wrong in (values[:-1], [*values, values[0]]):
        with pytest.raises(ValueError, match="zip"):
            probe.run(wrong)
        with pytest.raises(ValueError, match="zip"):
            probe.loss(wrong)


def test_without_a_loss_there_are_no_gradients():
    result, _ = run(Net(), *data(), with_loss=False)
    assert math.isnan(result.loss) and result.error == "" and result.weights == [None] * 6
    assert all(call.gradient is None and call.gradients == [] for call in result.calls)
    assert result.outputs[0].shape == (16, 1) and len(result.calls) == 5


@pytest.mark.parametrize(("said", "error"), [("two\nlines ", "two"), ("", "OSError")])
def test_what_keeps_the_loss_from_being_computed_is_told_in_a_line(said, error):
    def fail(p, y):
        raise OSError(said)

    result = probed(Net(), *data(), loss=fail).run()
    assert result.error == error and math.isnan(result.loss) and result.weights == [None] * 6
    assert len(result.calls) == 5


def held(module):
    return [np.asarray(leaf) if not jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
            else np.asarray(jax.random.key_data(leaf))
            for leaf in jax.tree.leaves(nnx.state(module))]  # fmt: skip


class Noisy(nnx.Module):
    def __init__(self):
        rngs = nnx.Rngs(0)
        self.a, self.norm = nnx.Linear(8, 4, rngs=rngs), nnx.BatchNorm(4, rngs=rngs)
        self.drop, self.out = nnx.Dropout(0.9, rngs=rngs), nnx.Linear(4, 1, rngs=rngs)
        self.seen = 0

    def __call__(self, x):
        self.seen += 1
        return self.out(self.drop(nnx.relu(self.norm(self.a(x)))))


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_noise_is_switched_off_and_statistics_are_the_batchs(mode):
    x, y = data()
    model = Noisy()
    getattr(model, mode)()
    result, again = run(model, x, y)
    at = by_name(result)
    normal, mask = result.calls[at["norm"]], result.calls[at["drop"]]
    np.testing.assert_array_equal(mask.output, mask.inputs[0])
    assert np.abs(np.mean(normal.output, axis=0)).max() < 1e-5
    assert again == pytest.approx(result.loss, rel=1e-6)
    probe = probed(model, x, y)
    hidden = np.maximum(np.asarray(model.a(x)) / math.sqrt(1 + 1e-5), 0)  # as nothing was averaged
    p = hidden @ model.out.kernel[...] + model.out.bias[...]
    assert probe.loss(training=False) == pytest.approx(float(jnp.mean(entropy(p, y))), rel=1e-5)


def fails(p, y):
    raise OSError("lost")


@pytest.mark.parametrize("loss", [entropy, fails])
def test_the_module_and_the_optimizer_are_left_as_they_were(loss):
    x, y = data(64)
    model = Noisy()
    optimizer = nnx.Optimizer(model, optax.adam(1e-3), wrt=nnx.Param)
    calls = [kind.__call__ for kind in (nnx.Linear, nnx.BatchNorm, nnx.Dropout)]
    before, steps = held(model), held(optimizer)
    names = set(vars(model.a))
    examine(model, x, y, loss=loss, optimizer=optimizer)
    for now, then in zip(held(model) + held(optimizer), before + steps, strict=True):
        np.testing.assert_array_equal(now, then)
    assert [kind.__call__ for kind in (nnx.Linear, nnx.BatchNorm, nnx.Dropout)] == calls
    assert model.seen == 0 and set(vars(model.a)) == names
    assert not model.drop.deterministic and not model.norm.use_running_average


def test_a_call_that_fails_leaves_the_classes_as_they_were():
    class Own(nnx.Linear):
        """Has no call of its own."""

    class Broken(nnx.Module):
        def __init__(self):
            self.a, self.b = Own(8, 4, rngs=nnx.Rngs(0)), nnx.Linear(5, 1, rngs=nnx.Rngs(0))

        def __call__(self, x):
            return self.b(self.a(x))

    call = nnx.Linear.__call__
    probe = probed(Broken(), *data())
    with pytest.raises(TypeError):
        probe.run()
    assert nnx.Linear.__call__ is call and "__call__" not in vars(Own)
    assert probe.failed is not None and probe.failed[0].name == "b"


class Between(nnx.Module):
    """Two dense layers and a function between them."""

    def __init__(self, function, width=4):
        rngs = nnx.Rngs(0)
        self.a, self.out = nnx.Linear(8, 4, rngs=rngs), nnx.Linear(width, 1, rngs=rngs)
        self.function = function

    def __call__(self, x):
        return self.out(self.function(self.a(x)))


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (nnx.relu, "relu"),
        (nnx.sigmoid, "sigmoid"),
        (nnx.tanh, "tanh"),
        (nnx.gelu, "gelu"),
        (lambda x: nnx.gelu(x, approximate=False), "gelu"),
        (nnx.silu, "silu"),
        (nnx.elu, "elu"),
        (nnx.selu, "selu"),
        (nnx.leaky_relu, "leaky_relu"),
        (lambda x: nnx.leaky_relu(x, 0.3), "leaky_relu"),
        (nnx.softplus, "softplus"),
        (nnx.softmax, "softmax"),
        (lambda x: nnx.softmax(x, axis=0), "softmax"),
        (nnx.log_softmax, "log_softmax"),
        # Written by hand, in several lines.
        (lambda x: jnp.where(x > 0, x, 0), "relu"),
        (lambda x: x * (x > 0), "relu"),
        (lambda x: 1 / (1 + jnp.exp(-x)), "sigmoid"),
        (lambda x: x * nnx.sigmoid(x), "silu"),
        (lambda x: jnp.exp(x) / jnp.exp(x).sum(-1, keepdims=True), "softmax"),
    ],
)
def test_an_activation_is_told_by_what_it_gives(function, name):
    x, y = data(64)
    result, _ = run(Between(function), x, y)
    assert [call.layer.name for call in result.calls] == ["a", name, "out"]
    bent = result.calls[1]
    assert (bent.layer.kind, bent.layer.activation) == ("activation", name)
    assert bent.parents == [0] and bent.inputs[0] is result.calls[0].output
    assert bent.output is result.calls[2].inputs[0]
    _, back = jax.vjp(function, jnp.asarray(bent.inputs[0]))
    (expected,) = back(jnp.asarray(bent.gradient))
    np.testing.assert_allclose(bent.gradients[0], expected, rtol=1e-3, atol=1e-7)
    if name == "leaky_relu":
        assert bent.layer.negative in (pytest.approx(0.01), pytest.approx(0.3))


def test_what_gives_back_what_it_is_given_is_told_by_its_name_alone():
    x, y = data(64)
    model = Between(nnx.relu)
    model.a.bias[...] = jnp.full(4, 100.0)
    assert by_name(run(model, x, y)[0]) == {"a": 0, "relu": 1, "out": 2}
    model = Between(lambda x: x + 0.0)
    result, _ = run(model, x, y)
    assert (result.calls[1].layer.kind, result.calls[1].layer.activation) == ("merging", "none")


@pytest.mark.parametrize(
    ("function", "width", "expected"),
    [
        (
            lambda x: nnx.relu(x).reshape(-1, 2, 2)[:, 0],
            2,
            ["activation", "passing", "other", "passing"],
        ),
        (lambda x: x.reshape(-1, 2, 2).mean(1), 2, ["passing", "passing", "scaling"]),
        (lambda x: x / 255, 4, ["scaling"]),
        (lambda x: jnp.concatenate([x, nnx.relu(x)], -1), 8, ["activation", "merging"]),
        (lambda x: x + nnx.gelu(x), 4, ["activation", "merging"]),
        (jnp.square, 4, ["other"]),
        (lambda x: x[:, :2], 2, ["other"]),
    ],
)
def test_functions_between_modules_are_calls(function, width, expected):
    result, _ = run(Between(function, width), *data(64))
    assert [call.layer.kind for call in result.calls[1:-1]] == expected
    merged = result.calls[-2]
    if merged.layer.kind == "merging":
        assert merged.parents == [0, 1] and merged.inputs[0] is result.calls[0].output


def test_pooling_and_what_lies_before_it_are_told():
    class Pictures(nnx.Module):
        def __init__(self):
            rngs = nnx.Rngs(0)
            self.a, self.out = nnx.Conv(1, 3, (3, 3), rngs=rngs), nnx.Linear(12, 1, rngs=rngs)

        def __call__(self, x):
            x = nnx.max_pool(nnx.relu(self.a(x)), (2, 2), (2, 2))
            return self.out(x.reshape(x.shape[0], -1))

    x = np.random.default_rng(0).standard_normal((32, 4, 4, 1))
    result, _ = run(Pictures(), x, data(32)[1])
    assert [kind for _, kind in kinds(result)] == [
        "convolution", "activation", "other", "passing", "dense",
    ]  # fmt: skip
    assert result.calls[0].layer.kernel.shape == (3, 3, 1, 3)


def test_the_models_own_activation_is_told():
    result, _ = run(Net(last=nnx.sigmoid), *data(), loss=lambda p, y: jnp.mean((p - y) ** 2))
    assert result.calls[-1].layer.name == "sigmoid"
    assert result.calls[-1].output is result.outputs[0]
    assert result.calls[-1].gradient is not None


def test_two_readers_of_one_tensor_share_its_gradient_and_each_has_its_own():
    class Two(nnx.Module):
        def __init__(self):
            rngs = nnx.Rngs(0)
            self.a, self.left, self.right = (
                nnx.Linear(i, o, rngs=rngs) for i, o in ((8, 4), (4, 1), (4, 1))
            )

        def __call__(self, x):
            h = self.a(x)
            return self.left(h) * self.right(h)

    x, y = data()
    model = Two()
    probe = probed(model, x, y, optax.l2_loss)
    result = probe.run()
    at = by_name(result)
    a, left, right, both = (result.calls[at[name]] for name in ("a", "left", "right", "mul"))
    assert left.inputs[0] is right.inputs[0] is a.output
    parts = [probe.alone(left), probe.alone(right)]
    np.testing.assert_allclose(parts[0], left.gradient @ model.left.kernel[...].T, rtol=1e-4)
    np.testing.assert_allclose(parts[0] + parts[1], a.gradient, rtol=1e-4, atol=1e-8)
    np.testing.assert_array_equal(left.gradients[0], a.gradient)
    assert both.parents == [at["left"], at["right"]] and both.layer.kind == "merging"


def test_whole_numbers_are_no_signal():
    class Words(nnx.Module):
        def __init__(self):
            rngs = nnx.Rngs(0)
            self.words, self.out = nnx.Embed(5, 3, rngs=rngs), nnx.Linear(6, 1, rngs=rngs)

        def __call__(self, x):
            x = self.words(x)
            return self.out(x.reshape(len(x), -1))

    x = np.arange(32).reshape(16, 2) % 5
    result, _ = run(Words(), x, np.ones((16, 1), "float32"))
    words = result.calls[0]
    assert words.inputs == [] and words.gradients == [] and words.first
    np.testing.assert_array_equal(words.whole[0], x)
    rows = np.zeros((5, 3))
    np.add.at(rows, words.whole[0], words.gradient)
    table = result.weights[words.layer.weights["embedding"].place]
    np.testing.assert_allclose(table, rows, rtol=1e-5, atol=1e-8)
    found = examine(Words(), x + 1, np.ones((16, 1), "float32"), loss=entropy)
    assert found.codes == ("index-range",)


class Inside(nnx.Module):
    """Attention, a recurrent layer and a learned table of places."""

    def __init__(self):
        rngs = nnx.Rngs(0)
        self.places = nnx.Param(jnp.full((6, 8), 0.1))
        self.look = nnx.MultiHeadAttention(2, 8, decode=False, rngs=rngs)
        self.cells = nnx.RNN(nnx.GRUCell(8, 5, rngs=rngs), rngs=rngs)
        self.out = nnx.Linear(5, 1, rngs=rngs)

    def __call__(self, x):
        x = x + self.places
        return self.out(self.cells(x + self.look(x))[:, -1])


def test_what_is_inside_flaxs_own_modules_is_not_listened_to():
    x = np.random.default_rng(0).standard_normal((16, 6, 8)).astype("float32")
    model = Inside()
    result, _ = run(model, x, data()[1])
    names = [name for name, kind in kinds(result) if kind not in ("merging", "passing", "other")]
    assert names == ["look", "cells", "out"]
    look = result.calls[by_name(result)["look"]]
    assert look.scores.shape == (16, 2, 6, 6)
    np.testing.assert_allclose(look.scores.sum(-1), 1, rtol=1e-5)
    np.testing.assert_allclose(look.output, model.look(look.inputs[0]), rtol=1e-4, atol=1e-6)
    probe = probed(model, x, data()[1])
    assert [layer.name for layer in probe.layers] == ["Inside", "look", "cells", "out"]
    assert set(probe.layers[0].weights) == {"places"}
    assert all(w.place is not None for layer in probe.layers for w in layer.weights.values())


def test_what_is_compiled_or_computed_again_is_listened_to():
    class Compiled(nnx.Module):
        def __init__(self):
            rngs = nnx.Rngs(0)
            self.a, self.norm = nnx.Linear(8, 4, rngs=rngs), nnx.BatchNorm(4, rngs=rngs)
            self.out = nnx.Linear(4, 1, rngs=rngs)

        @nnx.jit
        def __call__(self, x):
            h = nnx.remat(lambda part, x: part(x))(self.a, x)
            return self.out(jax.jit(nnx.relu)(self.norm(h)))

    x, y = data()
    model = Compiled()
    result, again = run(model, x, y)
    assert [name for name, _ in kinds(result)] == ["a", "norm", "relu", "out"]
    assert again == pytest.approx(result.loss, rel=1e-6)
    assert float(model.norm.mean[...].sum()) == 0


class Scanned(nnx.Module):
    """The same layer three times, in a loop of JAX's own."""

    def __init__(self):
        rngs = nnx.Rngs(0)
        self.first = nnx.Linear(8, 8, rngs=rngs)

        @nnx.split_rngs(splits=3)
        @nnx.vmap(in_axes=(0,), out_axes=0)
        def layers(rngs):
            return nnx.Linear(8, 8, rngs=rngs)

        self.layers, self.out = layers(rngs), nnx.Linear(8, 1, rngs=rngs)

    def __call__(self, x):
        @nnx.scan(in_axes=(nnx.Carry, 0), out_axes=nnx.Carry)
        def through(x, layer):
            return nnx.relu(layer(x))

        return self.out(through(nnx.relu(self.first(x)), self.layers))


def test_a_module_in_a_loop_of_jaxs_own_is_not_seen_and_that_is_said():
    x, y = data(64)
    result, again = run(Scanned(), x, y)
    assert kinds(result) == [
        ("first", "dense"), ("relu", "activation"), ("scan", "other"), ("out", "dense"),
    ]  # fmt: skip
    assert again == pytest.approx(result.loss, rel=1e-6) and result.calls[2].parents == [1]
    assert all(np.any(gradient) for gradient in result.weights)
    found = examine(Scanned(), x, y, loss=entropy)
    assert "layers (Linear): its calls are not seen" in found.unjudged


def test_weights_used_outside_of_their_module_are_linear():
    class Tied(nnx.Module):
        def __init__(self):
            self.words = nnx.Embed(5, 3, rngs=nnx.Rngs(0))

        def __call__(self, x):
            return self.words.attend(nnx.relu(self.words(x)))

    x = np.arange(32).reshape(16, 2) % 5
    loss = optax.softmax_cross_entropy_with_integer_labels
    result, _ = run(Tied(), x, x, loss)
    assert [name for name, _ in kinds(result)] == ["words", "relu", "dot_general"]
    assert result.calls[2].layer.activation == "linear"
    assert not any("output" in note for note in examine(Tied(), x, x, loss=loss).unjudged)


def test_a_layer_called_twice_has_two_calls():
    class Twice(nnx.Module):
        def __init__(self):
            rngs = nnx.Rngs(0)
            self.a, self.out = nnx.Linear(8, 8, rngs=rngs), nnx.Linear(8, 1, rngs=rngs)

        def __call__(self, x):
            return self.out(nnx.relu(self.a(nnx.relu(self.a(x)))))

    result, _ = run(Twice(), *data())
    assert [name for name, _ in kinds(result)] == ["a", "relu", "a", "relu_2", "out"]
    assert result.calls[0].layer is result.calls[2].layer


def test_what_has_no_slope_passes_no_gradient():
    result, _ = run(Between(lambda x: jax.nn.one_hot(jnp.argmax(x, -1), 4)), *data())
    assert [name for name, _ in kinds(result)] == ["a", "argmax", "out"]
    assert result.calls[1].gradients == [None] and result.calls[1].gradient is not None
    for function, name in (
        (lambda x: jax.lax.stop_gradient(nnx.relu(x)), "stop_gradient"),
        (jnp.round, "round"),
    ):
        found = examine(Between(function), *data(64), loss=entropy, optimizer=optax.adam(1e-3))
        assert [(f.code, f.layer) for f in found.findings] == [("cut-gradient", name)]


def test_inputs_may_be_several_and_named_and_modes_are_set():
    class Several(nnx.Module):
        def __init__(self):
            rngs = nnx.Rngs(0)
            self.a, self.b = nnx.Linear(8, 1, rngs=rngs), nnx.Linear(8, 1, rngs=rngs)

        def __call__(self, left, right, *, train, deterministic=False):
            assert train and deterministic
            return self.a(left) + self.b(right)

    x, y = data()
    for given in ((x, x), {"left": x, "right": x}):
        result, _ = run_training(Several(), given, y)
        assert [call.first for call in result.calls] == [True, True, False]


def run_training(model, x, y):
    probe = probed(model, x, y)
    return probe.run(), probe.loss()


def test_layers_come_in_the_order_of_the_module_and_weights_know_their_names():
    class Named(nnx.Module):
        def __init__(self):
            rngs = nnx.Rngs(0)
            self.z = nnx.List([nnx.Linear(8, 4, rngs=rngs), nnx.BatchNorm(4, rngs=rngs)])
            self.a = nnx.Sequential(nnx.Linear(4, 4, rngs=rngs), nnx.relu)
            self.up = nnx.ConvTranspose(4, 2, (3,), transpose_kernel=True, rngs=rngs)

        def __call__(self, x):
            for part in self.z:
                x = part(x)
            return self.up(self.a(x)[:, None]).mean((1, 2))[:, None]

    probe = probed(Named(), *data())
    assert [layer.name for layer in probe.layers] == ["z.0", "z.1", "a.layers.0", "up"]
    dense, normal, _, up = probe.layers
    assert dense.weights["kernel"].path == "z.0.kernel" and dense.kernel.draw is not None
    assert set(normal.weights) == {"gamma", "beta", "running_mean", "running_var"}
    assert normal.momentum == 0.99 and normal.over == "batch"
    assert normal.weights["running_mean"].place is None
    assert up.kernel.shape == (3, 4, 2) == up.kernel.value.shape
    assert [call.layer.name for call in probe.run().calls][:4] == [
        "z.0", "z.1", "a.layers.0", "relu",
    ]  # fmt: skip


def test_what_the_optimizer_leaves_out_is_frozen_and_what_came_later_is_told():
    x, y = data(64)
    model = Net(width=64)
    only = nnx.All(nnx.Param, nnx.Not(nnx.PathContains("a")))
    probe = probed(model, x, y, optimizer=nnx.Optimizer(model, optax.adam(1e-3), wrt=only))
    assert [layer.trainable for layer in probe.layers] == [False, True, True]
    assert probe.trainable == 4 == len(probe.run().weights)
    found = examine(
        model, x, y, loss=entropy, optimizer=nnx.Optimizer(model, optax.adam(1), wrt=only)
    )
    assert ("frozen", "a") in [(f.code, f.layer) for f in found.findings]
    late = nnx.Optimizer(model, optax.adam(1e-3), wrt=nnx.Param)
    model.second = nnx.data(nnx.Linear(4, 4, rngs=nnx.Rngs(3)))
    found = examine(model, x, y, loss=entropy, optimizer=late)
    assert ("frozen", "second") in [(f.code, f.layer) for f in found.findings]


def test_a_model_of_one_module_and_one_in_half_precision():
    x, y = data()
    result, _ = run(nnx.Linear(8, 1, rngs=nnx.Rngs(0)), x, y)
    assert kinds(result) == [("Linear", "dense")]
    model = Net()
    for part in (model.a, model.b, model.out):
        part.dtype = jnp.bfloat16
    result, _ = run(model, x, y)
    assert result.calls[0].output.dtype == np.float32 and np.isfinite(result.loss)
    assert [name for name, _ in kinds(result)] == ["a", "tanh", "b", "relu", "out"]


def test_what_is_no_module_or_has_no_loss_is_refused():
    from flax import linen

    x, y = data()
    with pytest.raises(TypeError, match=r"a keras.Model, a torch.nn.Module or a flax.nnx.Module"):
        examine(linen.Dense(1), x, y, loss=entropy)
    with pytest.raises(ValueError, match="loss must be given"):
        examine(Net(), x, y)
    with pytest.raises(TypeError, match=r"optimizer must be an nnx\.Optimizer"):
        examine(Net(), x, y, loss=entropy, optimizer="adam")
