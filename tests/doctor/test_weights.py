"""What the doctor tells from the weights alone, layer by layer."""

from __future__ import annotations

import math
import re
import types

import keras
import numpy as np
import pytest

from livegrad.doctor import _path, _weights, examine
from livegrad.doctor._facts import Call, Layer, Pass, Weight
from livegrad.doctor._keras.data import draw
from livegrad.doctor._keras.layers import facts
from livegrad.doctor._keras.probe import KerasProbe, undisturbed
from livegrad.doctor._keras.words import WORDS

L = keras.layers


def data(n=64, features=8):
    x = np.random.default_rng(0).standard_normal((n, features)).astype("float32")
    return x, (x[:, 0] > 0).astype("float32")


def net(*layers, shape=(8,)):
    model = keras.Sequential([keras.Input(shape), *layers, L.Dense(1, "sigmoid", name="output")])
    model.compile("sgd", "binary_crossentropy")
    return model


def told(model):
    """What the probe tells of a model and its weights."""
    x = np.ones((1, *model.input_shape[1:]))
    return KerasProbe(model, draw(x, np.ones(1), 1))


# Broken ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("gamma", "Ones()((16,))"),
        ("moving_variance", "Ones()((16,))"),
        ("beta", "Zeros()((16,))"),
        ("moving_mean", "Zeros()((16,))"),
    ],
)
def test_a_broken_normalisation_is_begun_again(name, start):
    model = net(L.Dense(16, "relu", name="hidden"), L.BatchNormalization(name="scale"))
    layer = model.get_layer("scale")
    value = getattr(layer, name).numpy()
    value[2:5] = [np.nan, np.inf, -np.inf]
    getattr(layer, name).assign(value)
    (found,) = _weights.broken(told(model))
    assert found.evidence == f"3 of 16 entries of {name} are not finite, above 0"
    assert found.fix == f'model.get_layer("scale").{name}.assign(keras.initializers.{start})'
    exec(found.fix, {"model": model, "keras": keras})
    assert _weights.broken(told(model)) == []


@pytest.mark.parametrize(
    ("name", "start"), [("kernel", "GlorotUniform()((8, 16))"), ("bias", "Zeros()((16,))")]
)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_broken_layer_is_begun_again(name, start, dtype):
    hidden = L.Dense(16, "relu", name="hidden", dtype=dtype)
    model = net(L.Dense(8, "relu"), hidden)
    variable = getattr(hidden, name)
    value = np.zeros(variable.shape)
    value.flat[0] = np.nan
    variable.assign(value)
    (found,) = _weights.broken(told(model))
    assert (found.code, found.layer) == ("non-finite", "hidden")
    assert found.evidence == f"1 of {value.size} entries of {name} are not finite, above 0"
    exec(found.fix, {"model": model, "keras": keras})
    assert found.fix.endswith(start + ")") and _weights.broken(told(model)) == []


def test_a_broken_layer_inside_a_model_is_found_behind_one_with_whole_numbers():
    inner = keras.Sequential([keras.Input((8,)), L.Dense(4, "relu", name="inside")])
    model = net(L.Dropout(0.5), inner)
    inner.layers[-1].bias.assign([0, np.nan, 0, 0])
    (found,) = _weights.broken(told(model))
    assert found.layer == "inside"


# Symmetric ------------------------------------------------------------------------------------


def symmetric(model, x, y):
    probe = KerasProbe(model, draw(x, y, 64))
    with undisturbed(model):
        result = probe.run()
    return _weights.symmetric(_path.through(result.calls, result.outputs), result, probe)


@pytest.mark.parametrize(
    ("activation", "init"),
    [
        ("relu", "he_normal"),
        ("elu", "he_normal"),
        (None, "he_normal"),
        ("tanh", "glorot_uniform"),
    ],
)
@pytest.mark.parametrize("bias", [True, False])
def test_equal_units_are_named_with_and_without_a_bias(activation, init, bias):
    equal = {"kernel_initializer": keras.initializers.Constant(0.1), "use_bias": bias}
    model = net(L.Dense(8, "relu"), L.Dense(2, activation, name="equal", **equal))
    assert symmetric(model, *data()) == []
    model.get_layer("output").kernel.assign([[0.1], [0.1]])
    (found,) = symmetric(model, *data())
    assert (found.code, found.layer) == ("symmetric-weights", "equal")
    assert found.evidence.startswith("largest difference between its 2 units is 0 in weights")
    assert found.fix == f'keras.layers.Dense(..., kernel_initializer="{init}")'


def test_equal_filters_are_named_and_those_of_a_depthwise_convolution_are_not():
    x = np.random.default_rng(0).standard_normal((64, 6, 6, 3)).astype("float32")
    y = (x[:, 0, 0, 0] > 0).astype("float32")
    model = net(
        L.Conv2D(4, 3, activation="relu", name="equal", kernel_initializer="ones"),
        L.Flatten(),
        shape=(6, 6, 3),
    )
    # Equal weights on unlike places give the filters unlike gradients.
    assert symmetric(model, x, y) == []
    model.layers[-1].kernel.assign(np.full(model.layers[-1].kernel.shape, 0.1))
    (found,) = symmetric(model, x, y)
    assert found.layer == "equal" and found.fix.startswith("keras.layers.Conv2D(...")
    assert "between its 4 units" in found.evidence
    depthwise = L.DepthwiseConv2D(3, activation="relu", depthwise_initializer="ones")
    model = net(depthwise, L.Flatten(), shape=(6, 6, 3))
    model.layers[-1].kernel.assign(np.full(model.layers[-1].kernel.shape, 0.1))
    assert symmetric(model, x, y) == []


def test_units_that_a_bias_tells_apart_are_not_equal():
    layer = L.Dense(4, "tanh", kernel_initializer="zeros")
    model = net(layer)
    model.layers[-1].kernel.assign(np.full((4, 1), 0.1))
    assert len(symmetric(model, *data())) == 1
    layer.bias.assign([0, 0, 0, 1e-3])
    assert symmetric(model, *data()) == []


def test_one_unit_has_no_other_to_equal():
    assert symmetric(net(L.Dense(1, "tanh", kernel_initializer="ones")), *data()) == []


def test_equal_units_with_unlike_gradients_part():
    model = net(L.Dense(4, "tanh", kernel_initializer="zeros", name="equal"))
    assert symmetric(model, *data()) == []
    # Frozen, it has no gradient that could part them.
    model.get_layer("equal").trainable = False
    assert [found.layer for found in symmetric(model, *data())] == ["equal"]


# Identical ------------------------------------------------------------------------------------


def identical(probe):
    return _weights.identical(probe, probe.run(with_loss=False))


def test_copies_are_counted_from_the_first_and_named_in_order():
    shared = {"activation": "relu", "kernel_initializer": keras.initializers.HeNormal(seed=1)}
    model = net(
        L.Dense(8, name="a", **shared),
        L.Dense(8, name="b", **shared),
        L.Dense(4, name="c"),
        L.Dense(4, name="d", **shared),
        L.Dense(8, name="e"),
        L.Dense(8, name="f", **shared),
    )
    (found,) = identical(told(model))
    assert (found.code, found.layer) == ("identical-kernels", "b")
    assert found.evidence == (
        "0 of 64 weights differ from those of a, must be above 0; copies: b, f"
    )
    assert found.fix == 'keras.layers.Dense(..., kernel_initializer="he_normal")'


def test_kernels_that_hold_what_is_no_number_are_no_copies():
    layers = [L.Dense(8, "relu", name=f"hidden_{at}") for at in range(3)]
    model = net(*layers)
    kernel = np.random.default_rng(0).standard_normal((8, 8))
    for bad in (np.nan, np.inf, -np.inf):
        kernel[2, 3] = bad
        for layer in layers[:2]:
            layer.kernel.assign(kernel)
        assert identical(told(model)) == []
        assert [found.layer for found in _weights.broken(told(model))] == ["hidden_0"]
    kernel[2, 3] = 1.0
    for layer in layers[:2]:
        layer.kernel.assign(kernel)
    assert [found.layer for found in identical(told(model))] == ["hidden_1"]


class Pair(keras.Model):
    """Two layers of one name, and so weights of one path."""

    def __init__(self, made):
        super().__init__()
        self.first, self.second, self.out = made(), made(), L.Dense(1, name="output")

    def call(self, x):
        return self.out(self.second(self.first(x)))


class Turned(L.Layer):
    """A layer of the reader's own, with a kernel and no initializer to name."""

    def build(self, shape):
        start = keras.initializers.HeNormal(seed=1)
        shape = (shape[-1], shape[-1])
        self.kernel = self.add_weight(shape=shape, initializer=start, name="kernel")

    def call(self, x):
        return x @ self.kernel


@pytest.mark.parametrize(
    ("made", "fix"),
    [
        (
            lambda: L.Dense(8, name="same", kernel_initializer=keras.initializers.HeNormal(1)),
            'keras.layers.Dense(..., kernel_initializer="he_normal")',
        ),
        (lambda: Turned(name="same"), "keras.layers.Turned(...)"),
    ],
)
def test_copies_of_one_name_are_copies(made, fix):
    model = Pair(made)
    model(np.ones((1, 8)))
    first, second = model.first.kernel, model.second.kernel
    assert first.path == second.path and first is not second
    probe = KerasProbe(model, draw(np.ones((1, 8)), np.ones(1), 1))
    (found,) = identical(probe)
    assert (
        found.evidence == "0 of 64 weights differ from those of same, must be above 0; copies: same"
    )
    assert found.fix == fix


def test_a_layer_with_another_for_its_activation_is_judged_with_its_own_weights():
    shared = {"kernel_initializer": keras.initializers.HeNormal(seed=1)}
    layers = [L.Dense(8, L.PReLU(), name=name, **shared) for name in ("a", "b")]
    model = net(*layers)
    assert [found.layer for found in identical(told(model))] == ["b"]
    model.trainable = False
    (found,), _ = _weights.frozen(told(model))
    assert found.evidence == f"0 of {len(model.weights)} variables are trainable, must be above 0"
    layers[1].kernel.assign(np.full((8, 8), np.nan))
    (found,) = _weights.broken(told(model))
    assert found.layer == "b" and found.evidence.startswith("64 of 64 entries of kernel")


@pytest.mark.parametrize(("past", "found"), [(True, []), (False, ["b"])])
def test_copies_that_a_shortcut_passes_by_are_no_power_of_one_matrix(past, found):
    shared = {"activation": "tanh", "kernel_initializer": keras.initializers.HeNormal(seed=1)}
    inputs = x = keras.Input((8,))
    for name in ("a", "b"):
        y = L.Dense(8, name=name, **shared)(x)
        x = L.Add()([x, y]) if past else y
    model = keras.Model(inputs, L.Dense(1, name="output")(x))
    assert [one.layer for one in identical(told(model))] == found


def test_a_shortcut_to_one_of_two_outputs_does_not_pass_the_other_by():
    shared = {"activation": "tanh", "kernel_initializer": keras.initializers.HeNormal(seed=1)}
    inputs = keras.Input((8,))
    a = L.Dense(8, name="a", **shared)(inputs)
    b = L.Dense(8, name="b", **shared)(a)
    outputs = [L.Dense(1, name="one")(b), L.Dense(1, name="two")(L.Add()([inputs, b]))]
    assert [one.layer for one in identical(told(keras.Model(inputs, outputs)))] == ["b"]


@pytest.mark.parametrize("kernel", [np.eye(8), np.zeros((8, 8)), np.full((8, 8), 0.5)])
def test_constants_and_the_identity_are_no_copies(kernel):
    layers = [L.Dense(8, "relu", name=f"hidden_{at}") for at in range(3)]
    model = net(*layers)
    for layer in layers[:2]:
        layer.kernel.assign(kernel)
    assert identical(told(model)) == []


def test_a_kernel_equal_to_the_identity_but_for_one_weight_is_a_copy():
    layers = [L.Dense(8, "relu", name=f"hidden_{at}") for at in range(2)]
    model = net(*layers)
    for layer in layers:
        layer.kernel.assign(np.eye(8) + 1e-3 * (np.arange(64).reshape(8, 8) == 5))
    assert [found.layer for found in identical(told(model))] == ["hidden_1"]


def test_a_frozen_copy_and_one_layer_called_twice_are_no_copies():
    shared = L.Dense(8, "relu", name="shared")
    inputs = keras.Input((8,))
    model = keras.Model(inputs, L.Dense(1)(shared(shared(inputs))))
    assert identical(told(model)) == []
    layers = [L.Dense(8, "relu", name=f"hidden_{at}") for at in range(3)]
    model = net(*layers)
    layers[2].kernel.assign(layers[0].kernel)
    layers[0].trainable = False
    assert identical(told(model)) == []


# Drawn and frozen -----------------------------------------------------------------------------


def built(units=128, **given):
    layer = L.Dense(units, **given)
    layer.build((None, 128))
    return layer


@pytest.mark.parametrize("given", ["glorot_uniform", "he_normal", "zeros", "ones", "orthogonal"])
@pytest.mark.parametrize("bias", [True, False])
def test_a_fresh_layer_is_as_it_was_drawn(given, bias):
    assert _weights.drawn(facts(built(kernel_initializer=given, use_bias=bias))) is True


@pytest.mark.parametrize(("factor", "expected"), [(1.01, True), (0.99, True), (1.06, False),
                                                  (0.94, False), (0, False)])  # fmt: skip
def test_a_kernel_is_drawn_within_four_standard_deviations(factor, expected):
    layer = built()
    assert 4 / math.sqrt(128 * 128) == 0.03125
    layer.kernel.assign(layer.kernel * factor)
    assert _weights.drawn(facts(layer)) is expected


def test_a_bias_that_moved_was_trained_and_one_that_began_elsewhere_tells_nothing():
    layer = built()
    layer.bias.assign([*[0.0] * 127, 1e-3])
    assert _weights.drawn(facts(layer)) is False
    assert _weights.drawn(facts(built(bias_initializer="ones"))) is True


def test_a_constant_kernel_is_drawn_where_its_constant_is_the_initializers():
    layer = built(kernel_initializer="zeros")
    layer.kernel.assign(layer.kernel + 1)
    assert _weights.drawn(facts(layer)) is False
    layer.kernel.assign(np.random.default_rng(0).standard_normal((128, 128)))
    assert _weights.drawn(facts(layer)) is False


def test_what_has_no_initializer_to_ask_cannot_be_told():
    class Stubborn(keras.initializers.Initializer):
        def __call__(self, shape, dtype=None):
            return keras.ops.ones(shape, dtype)

        def get_config(self):
            raise NotImplementedError

    assert _weights.drawn(facts(L.ReLU())) is None
    assert _weights.drawn(facts(L.Dense(2))) is None
    assert (
        _weights.drawn(facts(built(kernel_initializer=lambda shape, dtype: np.ones(shape)))) is None
    )
    assert _weights.drawn(facts(built(kernel_initializer=Stubborn()))) is None


def frozen_net():
    """Two layers of which one cannot be told, and three that can."""

    def ones(shape, dtype=None):
        return keras.ops.ones(shape, dtype)

    layers = [
        L.Dense(128, "relu", name="first"),
        L.BatchNormalization(name="scale"),
        L.Dense(128, "relu", name="unknown", kernel_initializer=ones),
        L.Dense(128, "relu", name="chance"),
        L.Dense(128, "relu", name="free"),
    ]
    return net(*layers), layers


def test_frozen_chance_is_named_behind_what_cannot_be_told():
    model, layers = frozen_net()
    for layer in layers[1:3]:
        layer.trainable = False
    note = "unknown is frozen; whether it was trained cannot be told"
    assert _weights.frozen(told(model)) == ([], [note])
    layers[3].trainable = False
    (found,), notes = _weights.frozen(told(model))
    assert notes == [note] and (found.code, found.layer) == ("frozen", "chance")
    spread = re.match(r"kernel's spread ([\d.]+) is its initializer's up to chance, and 0 of 2 ",
                      found.evidence)  # fmt: skip
    assert float(spread.group(1)) == pytest.approx(math.sqrt(2 / 256), rel=0.05)
    exec(found.fix, {"model": model})
    assert _weights.frozen(told(model)) == ([], [note])


def test_one_frozen_layer_that_was_trained_speaks_for_the_others():
    model, layers = frozen_net()
    for layer in layers[:4]:
        layer.trainable = False
    assert [found.layer for found in _weights.frozen(told(model))[0]] == ["first"]
    layers[0].bias.assign(np.ones(128))
    assert _weights.frozen(told(model)) == ([], [])


def test_a_model_of_which_nothing_trains_is_named_at_once():
    model = net(L.Dense(4, "relu"))
    model.trainable = False
    (found,), notes = _weights.frozen(told(model))
    assert (found.layer, notes) == ("model", [])
    assert found.evidence == "0 of 4 variables are trainable, must be above 0"
    exec(found.fix, {"model": model})
    assert _weights.frozen(told(model)) == ([], [])
    nothing = keras.Sequential([keras.Input((8,)), L.ReLU()])
    assert _weights.frozen(told(nothing)) == ([], [])
    assert examine(net(L.Dense(4, "relu", kernel_initializer="he_normal")), *data()).healthy


# A few steps, and how far a draw reaches ------------------------------------------------------


def zero_ended(*layers, optimizer="sgd"):
    model = keras.Sequential([
        keras.Input((8,)), *layers, L.Dense(1, name="output", kernel_initializer="zeros"),
    ])  # fmt: skip
    model.compile(optimizer, "mean_squared_error")
    return model


def equal(name="equal", value=0.1, **given):
    start = keras.initializers.Constant(value)
    return L.Dense(4, "tanh", name=name, kernel_initializer=start, **given)


def test_below_an_output_that_starts_at_0_a_few_steps_tell():
    """The first step moves the output alone, by as much for each of the equal units."""
    x, y = data()
    # Equal units stay so: there is no gradient at first, and the same for all afterwards.
    model = zero_ended(equal())
    assert [found.layer for found in symmetric(model, x, y)] == ["equal"]
    # Behind units that differ the output's weights part, and the equal units' inputs with them.
    model = zero_ended(L.Dense(8, "tanh"), equal())
    assert [found.layer for found in symmetric(model, x, y)] == ["equal"]

    # What the output is given beside them makes no difference; a mask that tells them apart does.
    class Apart(L.Layer):
        def call(self, x):
            return x * keras.ops.convert_to_tensor([1.0, 2.0, 3.0, 4.0])

    model = zero_ended(equal(), Apart())
    assert symmetric(model, x, y) == []
    # The model's own weights have not moved.
    assert np.ptp(model.get_layer("equal").kernel.numpy()) == 0
    assert np.ptp(model.get_layer("output").kernel.numpy()) == 0


def test_units_are_equal_where_no_step_can_be_tried():
    class Stubborn(keras.optimizers.SGD):
        def get_config(self):
            raise NotImplementedError

    class Apart(L.Layer):
        def call(self, x):
            return x * keras.ops.convert_to_tensor([1.0, 2.0, 3.0, 4.0])

    for optimizer, found in [(keras.optimizers.SGD(0.1), []), (Stubborn(0.1), ["equal"])]:
        model = zero_ended(equal(), Apart(), optimizer=optimizer)
        assert [one.layer for one in symmetric(model, *data())] == found
    # Nor where it is frozen, and no step moves it.
    model = zero_ended(equal(trainable=False), Apart())
    assert [one.layer for one in symmetric(model, *data())] == ["equal"]


@pytest.mark.parametrize(("apart", "found"), [(0.0, True), (0.9e-4, True), (1.5e-4, False)])
def test_gradients_are_equal_up_to_rounding(apart, found):
    """A thousand eps of float32, 1.19e-4, of the largest."""
    weight = Weight("kernel", "k", (3, 2), lambda: np.ones((3, 2)), place=0)
    layer = Layer("equal", "dense", "Dense", weights={"kernel": weight})
    call = Call(layer, [], np.ones((4, 2)), [], True)
    gradient = 7 * np.array([[1.0, 1.0], [0.5, 0.5], [0.0, apart]])
    path = _path.Path([_path.Block(call, 0)], None, [], [])
    probe = types.SimpleNamespace(words=WORDS)
    said = _weights.symmetric(path, Pass([call], [], 1.0, [gradient]), probe)
    assert bool(said) == found


def drawing(values, draws):
    """A layer of these weights, whose initializer draws these in turn."""
    turn = iter(draws)
    kernel = Weight("kernel", "k", values.shape, lambda: values, draw=lambda: next(turn))
    return Layer("drawn", "dense", weights={"kernel": kernel})


@pytest.mark.parametrize(("times", "expected"), [(1.04, True), (1.06, False)])
def test_a_weight_beyond_what_is_drawn_was_trained(times, expected):
    """A uniform draw ends at its limit: one weight of many beyond it is no chance."""
    rng = np.random.default_rng(0)
    draws = [rng.uniform(-1, 1, (100, 100)) for _ in range(30)]
    values = rng.uniform(-1, 1, (100, 100))
    values[3, 4] = -times * max(np.abs(one).max() for one in draws[1:21])
    assert _weights.drawn(drawing(values, draws)) is expected


def test_the_reach_is_that_of_twenty_draws():
    small, large = np.array([[1.0, -1.0]]), np.array([[1.0, -1.5]])
    values = np.array([[1.1, -1.4]])
    # The first is for the spread; the twentieth after it is the last that counts.
    assert _weights.drawn(drawing(values, [small] * 20 + [large] * 9)) is True
    assert _weights.drawn(drawing(values, [small] * 21 + [large] * 9)) is False


def test_a_draw_that_fails_tells_nothing():
    def fail():
        raise OSError("no more")

    kernel = Weight("kernel", "k", (2, 2), lambda: np.eye(2), draw=fail)
    assert _weights.drawn(Layer("a", "dense", weights={"kernel": kernel})) is None
    assert _weights.drawn(Layer("a", "dense")) is None


@pytest.mark.parametrize(
    ("zeros", "value", "expected"),
    [(True, 1e-9, False), (True, 0.0, True), (False, 1e-9, True), (None, 1e-9, True)],
)
def test_a_bias_that_began_at_0_and_is_not_there_was_trained(zeros, value, expected):
    draws = [np.array([[1.0, -1.0]])] * 30
    layer = drawing(draws[0], draws)
    layer.weights["bias"] = Weight("bias", "b", (2,), lambda: np.full(2, value), zeros=zeros)
    assert _weights.drawn(layer) is expected


def test_what_is_frozen_within_a_model_is_named_by_that_model():
    inner = keras.Sequential(
        [keras.Input((8,)), L.Dense(64, "relu"), L.Dense(64, "relu")], name="inner"
    )
    inner.trainable = False
    model = net(inner, L.Dense(8, "relu", name="free"))
    (found,), notes = _weights.frozen(told(model))
    assert (found.code, found.layer, notes) == ("frozen", "inner", [])
    assert found.fix == 'model.get_layer("inner").trainable = True'
    inner.layers[-1].bias.assign(np.ones(64))
    assert _weights.frozen(told(model)) == ([], [])


def test_what_is_frozen_and_has_no_weights_of_a_map_is_not_asked():
    model = net(L.Dense(8, "relu"), L.BatchNormalization(trainable=False), L.Dense(8, "relu"))
    assert _weights.frozen(told(model)) == ([], [])
