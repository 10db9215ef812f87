"""What each finding of the doctor says: its evidence, word for word, and numbers worked out apart.

A template's ``{}`` stand for numbers, in their order; a number and its threshold that were
exchanged do not pass.
"""

from __future__ import annotations

import math
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from livegrad.doctor import Watch, _architecture, examine
from livegrad.doctor._judge import judge
from livegrad.doctor._keras.data import draw
from livegrad.doctor._keras.probe import KerasProbe, undisturbed
from livegrad.doctor._keras.words import WORDS
from livegrad.doctor._path import bounds, through
from livegrad.network import MLP
from livegrad.signals import GRADIENT_BOUNDS, SIGNAL_BOUNDS, measure
from livegrad_lab.faults import CASES

L = keras.layers
NUMBER = r"(-?(?:inf|\d+(?:\.\d+)?(?:e[+-]?\d+)?))"


def says(text, template, *numbers, rel=6e-3):
    """Assert that the text is the template, and what stands for ``{}`` the numbers as printed."""
    pattern = NUMBER.join(re.escape(part) for part in template.split("{}"))
    found = re.fullmatch(pattern, text)
    assert found, f"{text!r} is not {template!r}"
    assert [float(n) for n in found.groups()] == pytest.approx(numbers, rel=rel)


def data(n=64, features=8):
    x = np.random.default_rng(0).standard_normal((n, features)).astype("float32")
    return x, (x[:, 0] > 0).astype("float32")


def net(depth, activation="relu", initializer="he_normal", optimizer="sgd", width=16, out=1):
    layers = [
        L.Dense(width, activation, kernel_initializer=initializer, name=f"hidden_{at}")
        for at in range(1, depth + 1)
    ]
    model = keras.Sequential([keras.Input((8,)), *layers, L.Dense(out, "sigmoid", name="output")])
    model.compile(optimizer, "binary_crossentropy")
    return model


def one(model, x, y):
    (finding,) = examine(model, x, y).findings
    return finding


def planted(name):
    patient = CASES[name].build(False)
    (finding,) = examine(patient.model, patient.x, patient.y).findings
    return patient, finding


def fix_units(layer, units, bias):
    """Set the first units of a layer to a constant: no weights, this bias."""
    kernel, b = layer.kernel.numpy(), layer.bias.numpy()
    kernel[:, :units], b[:units] = 0, bias
    layer.kernel.assign(kernel)
    layer.bias.assign(b)


# Units ----------------------------------------------------------------------------------------


def test_dead_units_are_a_share_above_what_is_allowed():
    """Six layers of 16: chance allows 1/2 + 3 / (2 sqrt 16) = 7/8, and 7/8 itself is allowed."""
    x, y = data()
    model = net(6)
    fix_units(model.get_layer("hidden_3"), 14, -1.0)
    assert "hidden_3" not in [finding.layer for finding in examine(model, x, y).findings]
    fix_units(model.get_layer("hidden_3"), 15, -1.0)
    found = one(model, x, y)
    assert (found.code, found.layer) == ("dead-units", "hidden_3")
    says(found.evidence, "{}% of its units give 0 on all {} examples, above {}%", 94, 64, 88)
    assert found.fix == 'keras.layers.Dense(..., bias_initializer="zeros")'
    few = examine(model, x[:15], y[:15])
    assert few.codes == ()
    assert few.unjudged[0] == "dead units: 15 examples are too few to call a unit silent"
    assert examine(model, x[:16], y[:16]).codes == ("dead-units",)


def test_dead_units_of_wide_layers_are_measured_by_the_gradient_that_is_left():
    """Two layers of 400: 1 - (1/20)^(2/2) / 2 = 97.5 %, more than chance's 57.5 %."""
    x, y = data()
    model = net(2, width=400)
    fix_units(model.get_layer("hidden_1"), 388, -1.0)
    assert examine(model, x, y).codes == ()
    fix_units(model.get_layer("hidden_1"), 394, -1.0)
    says(
        one(model, x, y).evidence,
        "{}% of its units give 0 on all {} examples, above {}%",
        98,
        64,
        98,
    )


def test_units_dead_by_their_kernel_are_given_another():
    x, y = data()
    model = net(1)
    model.get_layer("hidden_1").kernel.assign(-np.random.default_rng(0).uniform(0.5, 1, (8, 16)))
    found = one(model, np.abs(x), y)
    assert found.code == "dead-units"
    assert found.fix == 'keras.layers.Dense(..., kernel_initializer="he_normal")'


def test_saturated_slopes_are_a_share_above_what_is_allowed():
    """Six layers: 1 - (1/20)^(2/6) = 63.2 %; 10 of 16 units are less, 12 are more."""
    x, y = data()
    model = net(6, "tanh", "glorot_uniform")
    fix_units(model.get_layer("hidden_2"), 10, 10.0)
    assert "saturated-units" not in examine(model, x, y).codes
    fix_units(model.get_layer("hidden_2"), 12, 10.0)
    found = one(model, x, y)
    assert (found.code, found.layer) == ("saturated-units", "hidden_2")
    template = "{}% of its slopes are below a twentieth of the largest, above {}%"
    says(found.evidence, template, 75, 63)
    assert found.fix == 'keras.layers.Dense(..., bias_initializer="zeros")'


def test_units_saturated_by_their_kernel_are_given_another():
    x, y = data()
    model = net(2, "tanh", keras.initializers.RandomNormal(stddev=300.0, seed=1))
    found = one(model, x, y)
    assert (found.code, found.layer) == ("saturated-units", "hidden_1")
    assert found.fix == 'keras.layers.Dense(..., kernel_initializer="glorot_uniform")'


class Branches(keras.Model):
    """A long branch and a short one, called in the order given; each has an output."""

    def __init__(self, first):
        super().__init__()
        self.first = first
        self.long = [L.Dense(16, "relu", name="long_1"), L.Dense(16, "relu", name="long_2")]
        self.short = L.Dense(16, "relu", name="short")
        self.ends = [L.Dense(1, "sigmoid"), L.Dense(1, "sigmoid")]

    def call(self, x):
        if self.first == "long":
            long = self.ends[0](self.long[1](self.long[0](x)))
            return [long, self.ends[1](self.short(x))]
        short = self.ends[1](self.short(x))
        return [self.ends[0](self.long[1](self.long[0](x))), short]


@pytest.mark.parametrize(("first", "dead"), [("long", "short"), ("short", "long_2")])
def test_units_are_looked_for_behind_an_output(first, dead):
    x, y = data()
    model = Branches(first)
    model(x)
    model.compile("sgd", "binary_crossentropy")
    model.get_layer(dead).bias.assign(np.full(16, -100.0))
    found = examine(model, x, [y, y]).findings
    assert ("dead-units", dead) in [(f.code, f.layer) for f in found]


def test_units_are_looked_for_behind_a_layer_whose_slope_is_unknown():
    x, y = data()
    model = net(3)
    model.get_layer("hidden_1").activation = keras.activations.elu
    fix_units(model.get_layer("hidden_2"), 15, -1.0)
    found = one(model, x, y)
    assert (found.code, found.layer) == ("dead-units", "hidden_2")


def test_what_too_few_examples_cannot_show_does_not_hide_a_later_layer():
    x, y = data(15)
    model = net(2)
    model.get_layer("hidden_2").activation = keras.activations.tanh
    model.get_layer("hidden_1").bias.assign(np.full(16, -100.0))
    assert "dead units: 15 examples are too few" in examine(model, x, y).unjudged[0]
    model.get_layer("hidden_2").bias.assign(np.full(16, 10.0))
    found = examine(model, x, y).findings
    assert ("saturated-units", "hidden_2") in [(f.code, f.layer) for f in found]


# The two products -----------------------------------------------------------------------------


def weights_of(model):
    """Return an ``MLP`` with the model's weights."""
    widths = [8, *(layer.units for layer in model.layers)]
    own = MLP(widths, model.layers[0].activation.__name__, head="binary", rng=0)
    own.set_weights(model.get_weights())
    return own


def chance(widths):
    """Return what chance takes from and adds to the logarithm, for hidden layers so wide."""
    variance = sum(5 / width for width in widths) / 4
    return 3 * math.sqrt(variance) + variance, 3 * math.sqrt(variance)


SAYS = (
    "the {of}'s product {} is {word} {}, the bound with chance; this layer's own factor is {}, "
    "the bound's root for {} hidden layers {}"
)


def template(of, word):
    return SAYS.replace("{of}", of).replace("{word}", word)


@pytest.mark.parametrize(
    ("factor", "of", "code", "word"),
    [
        (1e-5, "signal", "vanishing-signal", "below"),
        (1e5, "signal", "exploding-signal", "above"),
        (1e-5, "gradient", "vanishing-gradient", "below"),
        (1e5, "gradient", "exploding-gradient", "above"),
    ],
)
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_layer_a_hundred_thousand_times_off_takes_one_product_along(
    factor, of, code, word, optimizer
):
    """The first layer's weights are in the signal's product alone, the output's in the other."""
    x, y = data()
    model = net(5, optimizer=optimizer, width=32)
    layer = model.layers[0 if of == "signal" else -1]
    layer.kernel.assign(factor * layer.kernel)
    layer.bias.assign(layer.bias + 0.01 * factor)
    report = examine(model, x, y)
    (found,) = report.findings
    assert (found.code, found.layer) == (code, layer.name)
    expected = measure(weights_of(model), x, y)
    product = expected.gain if of == "gradient" else expected.signal_gain
    low, high = (GRADIENT_BOUNDS if of == "gradient" else SIGNAL_BOUNDS)[
        "SGD" if optimizer == "sgd" else "Adam"
    ]
    below, above = chance(5 * [32])
    if of == "signal":
        own = expected.layers[0].signal_gain
    else:
        own = float(np.linalg.norm(layer.kernel.numpy()))  # one output: |W^T delta| / |delta|
    bound, root = (low * math.exp(-below), low) if factor < 1 else (high * math.exp(above), high)
    says(found.evidence, template(of, word), product, bound, own, 5, root ** (1 / 5), rel=0.06)
    name = "glorot_uniform" if of == "gradient" else "he_normal"
    assert found.fix == f'keras.layers.Dense(..., kernel_initializer="{name}")'
    assert report.gain == pytest.approx(expected.gain, rel=1e-3)
    assert report.signal_gain == pytest.approx(expected.signal_gain, rel=1e-3)
    assert report.unjudged == ("the learning rate: not before these are mended",)


def test_where_both_products_are_out_the_gradient_is_named_first_and_both_are_told():
    x, y = data()
    model = net(10, "sigmoid", "glorot_uniform", "adam")
    found = one(model, x, y)
    assert (found.code, found.layer) == ("vanishing-gradient", "hidden_1")
    expected = measure(weights_of(model), x, y)
    below, _ = chance(10 * [16])
    z = x @ model.layers[0].kernel.numpy()  # (64, 16)
    a = 1 / (1 + np.exp(-z))
    assert 0.2 < np.mean(a * (1 - a)) < 0.25
    numbers = re.findall(NUMBER, found.evidence)
    slope = float(numbers[2])  # of the first layer, whose weights are not in the product
    assert 0.19 < slope < 0.25
    (low, _), (low_signal, _) = GRADIENT_BOUNDS["Adam"], SIGNAL_BOUNDS["Adam"]
    says(
        found.evidence,
        template("gradient", "below") + "; the signal's product {} is below {} too",
        *[expected.gain, low * math.exp(-below), slope, 10, low**0.1],
        *[expected.signal_gain, low_signal * math.exp(-below)],
        rel=0.06,
    )
    assert found.fix == 'keras.layers.Dense(..., activation="relu", kernel_initializer="he_normal")'


def test_weights_as_their_initializer_draws_them_are_the_initializers_fault():
    x, y = data()
    model = net(4, initializer=keras.initializers.RandomNormal(stddev=0.01, seed=None))
    for layer in model.layers[:-1]:
        layer.kernel.assign(keras.initializers.RandomNormal(stddev=0.01)(layer.kernel.shape))
    found = one(model, x, y)
    assert found.code == "initializer-mismatch"
    assert "; with he_normal the product is " in found.evidence
    fresh = float(found.evidence.split("; with he_normal the product is ")[1].split(";")[0])
    assert 0.1 < fresh < 10
    assert found.why == (
        "At this depth the first weights lose the gradient; what pairs with relu keeps its size."
    )


def told(optimizer):
    """What the probe tells of an optimizer."""
    return KerasProbe(net(1, optimizer=optimizer), draw(*data(), 64)).optimizer


def test_the_bounds_are_those_measured_for_the_optimizer():
    for of, measured in [("gradient", GRADIENT_BOUNDS), ("signal", SIGNAL_BOUNDS)]:
        for optimizer in (keras.optimizers.SGD(momentum=0.9), keras.optimizers.SGD()):
            assert bounds(of, told(optimizer)) == measured["SGD"]
            scaled = keras.optimizers.LossScaleOptimizer(optimizer)
            assert bounds(of, told(scaled)) == measured["SGD"]
        for optimizer in (keras.optimizers.Adam(), keras.optimizers.RMSprop()):
            assert bounds(of, told(optimizer)) == measured["Adam"]


def test_chance_is_that_of_the_hidden_layers_not_of_the_inputs():
    x, y = data(features=8)
    model = net(3, width=64)
    with undisturbed(model):
        result = KerasProbe(model, draw(x, y, 64)).run()
    path = through(result.calls, result.outputs)
    assert path.chance == pytest.approx(chance(3 * [64]))


def test_chance_stays_within_its_bounds_over_seeds():
    """Ten layers of 16, where chance is large: no network of 30 is named."""
    x, y = data(256)
    for seed in range(30):
        report = measure(MLP([8] + 10 * [16] + [1], "relu", "he_normal", rng=seed), x, y)
        below, above = chance(10 * [16])
        for gain, bound in [(report.gain, GRADIENT_BOUNDS), (report.signal_gain, SIGNAL_BOUNDS)]:
            low, high = bound["SGD"]
            assert low * math.exp(-below) < gain < high * math.exp(above)


# The path -------------------------------------------------------------------------------------


class Halved(keras.Model):
    """Its output is no layer's."""

    def __init__(self):
        super().__init__()
        self.first = L.Dense(16, "relu", kernel_initializer="he_normal", name="first")
        self.second = L.Dense(16, "relu", kernel_initializer="he_normal", name="second")
        self.last = L.Dense(1, "sigmoid", name="last")

    def call(self, x):
        return self.last(self.second(self.first(x))) * 0.5 + 0.25


def test_an_output_that_no_layer_gives_ends_at_the_last_call():
    x, y = data()
    model = Halved()
    model.compile("sgd", "binary_crossentropy")
    model(x)
    report = examine(model, x, y)
    assert [layer.layer for layer in report.layers] == ["first", "second"]
    assert all(math.isfinite(layer.gain) for layer in report.layers)
    assert report.unjudged == ("output activation of output: it is no known layer's",)


def test_a_path_without_calls_has_no_blocks():
    path = through([], [])
    assert (path.blocks, path.head, path.gains, path.signal_gains) == ([], None, [], [])
    assert path.depth == 1 and path.start is None


def test_the_longest_way_is_taken():
    x, y = data()
    inputs = keras.Input((8,))
    long = L.Dense(8, "relu", kernel_initializer="he_normal", name="long_1")(inputs)
    long = L.Dense(8, "relu", kernel_initializer="he_normal", name="long_2")(long)
    short = L.Dense(8, "relu", kernel_initializer="he_normal", name="short")(inputs)
    joined = L.concatenate([short, long])
    model = keras.Model(inputs, L.Dense(1, "sigmoid", name="output")(joined))
    model.compile("sgd", "binary_crossentropy")
    assert [layer.layer for layer in examine(model, x, y).layers] == ["long_1", "long_2"]


class Own(L.Dense):
    """A dense layer that calls no activation of its own."""

    def call(self, x):
        return tf.nn.relu(x @ self.kernel)


def test_a_layer_without_an_activation_to_listen_to_still_has_a_gain():
    x, y = data()
    layers = [Own(16, kernel_initializer="he_normal", name=f"own_{at}") for at in (1, 2)]
    model = keras.Sequential([keras.Input((8,)), *layers, L.Dense(1, "sigmoid", name="output")])
    model.compile("sgd", "binary_crossentropy")
    report = examine(model, x, y)
    own = MLP([8, 16, 16, 1], "relu", head="binary", rng=0)
    own.set_weights([model.layers[0].kernel, np.zeros(16), model.layers[1].kernel, np.zeros(16),
                     *model.layers[-1].get_weights()])  # fmt: skip
    gradients = own.backward(own.forward(x), y)
    a1, a2 = (float(np.linalg.norm(g)) for g in gradients.a[:2])
    assert report.layers[0].gain == pytest.approx(a1 / a2, rel=1e-3)
    assert report.layers[1].gain == pytest.approx(
        a2 / float(np.linalg.norm(gradients.z[-1])), rel=1e-3
    )


@pytest.mark.parametrize("activation", [None, "tanh", L.LeakyReLU()])
def test_a_layers_activation_is_its_own_again(activation):
    x, y = data()
    model = keras.Sequential([keras.Input((8,)), L.Dense(16, activation), L.Dense(1, "sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    before = [(layer.activation, len(layer._layers)) for layer in model.layers]
    examine(model, x, y)
    after = [(layer.activation, len(layer._layers)) for layer in model.layers]
    assert all(a[0] is b[0] and a[1] == b[1] for a, b in zip(before, after, strict=True))


# The shape of x -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "given", "said"),
    [
        ((1,), (64,), ""),
        ((1,), (64, 1), ""),
        ((1,), (64, 2), "x must have the shape (n, 1), got (n, 2)"),
        ((1,), (64, 1, 1), "x must have the shape (n, 1), got (n, 1, 1)"),
        ((8,), (64,), "x must have the shape (n, 8), got (n)"),
        ((8,), (64, 7), "x must have the shape (n, 8), got (n, 7)"),
        ((4, 8), (64, 8), "x must have the shape (n, 4, 8), got (n, 8)"),
        ((None, 8), (64, 5, 8), ""),
        ((None, 8), (64, 5, 7), "x must have the shape (n, None, 8), got (n, 5, 7)"),
        ((6, 6, 1), (64, 6, 6), ""),
        ((6, 6, 1), (64, 5, 6), "x must have the shape (n, 6, 6, 1), got (n, 5, 6)"),
    ],
)
def test_x_has_the_shape_that_fit_takes(wanted, given, said):
    x = np.random.default_rng(0).standard_normal(given).astype("float32")
    told = x.mean(axis=1) if wanted[0] is None else x
    y = (told.reshape(64, -1)[:, 0] > 0).astype("float32")
    layers = [L.GlobalAveragePooling1D()] if wanted[0] is None else [L.Flatten()]
    model = keras.Sequential([keras.Input(wanted), *layers, L.Dense(1, "sigmoid", name="output")])
    model.compile("sgd", "binary_crossentropy")
    if said:
        with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
            examine(model, x, y)
    else:
        assert examine(model, x, y).codes == ()


# Numbers that are not finite, and inputs that are not scaled -----------------------------------


def test_what_is_not_finite_is_counted_where_it_was_first():
    patient, found = planted("a weight is NaN")
    template = "{} of {} entries of kernel are not finite, above 0"
    assert (found.code, found.layer) == ("non-finite", "hidden_2")
    says(found.evidence, template.replace("above 0", "above {}"), 1, 32 * 32, 0)
    patient, found = planted("a logarithm of 0")
    cut = patient.model.get_layer("cut")(patient.model.get_layer("hidden_1")(patient.x))
    bad = int(np.sum(cut.numpy() == 0))
    says(found.evidence, "{} of {} activations are not finite, above {}", bad, 256 * 32, 0)


class Root(L.Layer):
    """Its slope at 0 is infinite."""

    def call(self, x):
        return tf.sqrt(tf.nn.relu(x))


def test_gradients_that_are_not_finite_are_told_from_activations():
    x, y = data()
    model = keras.Sequential([keras.Input((8,)), L.Dense(16, name="hidden"), Root(name="root"),
                              L.Dense(1, "sigmoid", name="output")])  # fmt: skip
    model.compile("sgd", "binary_crossentropy")
    found = one(model, x, y)
    assert (found.code, found.layer) == ("non-finite", "root")
    z = x @ model.layers[0].kernel.numpy()
    says(found.evidence, "{} of {} gradients are not finite, above {}", np.sum(z <= 0), z.size, 0)


def test_a_loss_that_is_not_finite_is_told_from_outputs():
    x, y = data()
    model = keras.Sequential([keras.Input((8,)), L.Dense(1, name="output")])
    model.compile("sgd", lambda y, p: keras.ops.sum(keras.ops.log(p * 0)))
    found = one(model, x, y)
    assert (found.code, found.layer) == ("non-finite", "loss")
    assert found.evidence == "the loss is -inf, though all outputs are finite"
    assert found.fix.startswith("keras.losses.BinaryCrossentropy(from_logits=True)  # stable")


@pytest.mark.parametrize(
    ("factor", "found"),
    [(19.0, False), (22.0, True), (0.06, False), (0.04, True)],
)
def test_inputs_are_judged_by_their_root_mean_square(factor, found):
    x, y = data(256)
    x = x / np.sqrt(np.mean(x**2, axis=0))  # each feature's root mean square is 1
    x = x * np.float32(factor)
    report = examine(net(1, "tanh", "glorot_uniform"), x, y)
    named = [f for f in report.findings if f.code == "unscaled-input"]
    assert bool(named) == found
    if found and factor > 1:
        template = "root mean square {} of a feature, above e^{} = {}, as hidden_1 is given it"
        says(named[0].evidence, template, factor, 3, math.exp(3))
    elif found:
        template = "root mean square {} of the inputs, below e^{} = {}, as hidden_1 is given it"
        says(named[0].evidence, template, factor, -3, math.exp(-3))
    if found:
        assert named[0].layer == "data" and "Normalization()" in named[0].fix


def test_one_feature_is_enough_to_be_too_large_but_not_to_be_too_small():
    x, y = data(256)
    x = x / np.sqrt(np.mean(x**2, axis=0))
    scale = np.ones(8, "float32")
    scale[3] = 100
    found = one(net(1, "tanh", "glorot_uniform"), x * scale, y)
    template = "root mean square {} of a feature, above e^{} = {}, as hidden_1 is given it"
    says(found.evidence, template, 100, 3, math.exp(3))
    scale[3] = 1e-6
    assert examine(net(1, "tanh", "glorot_uniform"), x * scale, y).codes == ()


def test_whole_numbers_up_to_255_are_taken_for_pixels():
    x, y = data()
    pixels = np.random.default_rng(0).integers(0, 256, x.shape).astype("float32")
    pixels[0, 0] = 255
    assert "Rescaling(1 / 127.5, offset=-1)" in one(net(1), pixels, y).fix
    pixels[0, 0] = 256
    assert "Normalization()" in one(net(1), pixels, y).fix


@pytest.mark.parametrize("layer", [L.SeparableConv1D, L.DepthwiseConv1D, L.Conv1D])
def test_convolutions_that_are_two_maps_each_are_not_one_map(layer):
    x = np.random.default_rng(0).standard_normal((64, 8, 4)).astype("float32")
    sizes = [3] if layer is L.DepthwiseConv1D else [4, 3]
    rows = [layer(*sizes, padding="same", name=f"row_{at}") for at in (1, 2)]
    model = keras.Sequential([keras.Input((8, 4)), *rows, L.Flatten(), L.Dense(1, "sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    found = [(f.code, f.layer) for f in examine(model, x, (x[:, 0, 0] > 0).astype(int)).findings]
    assert found == ([("no-nonlinearity", "row_1")] if layer is L.Conv1D else [])


@pytest.fixture
def in_precision():
    """A small network with parameters of a precision."""

    def make(policy, rate):
        keras.config.set_dtype_policy(policy)
        model = net(2, optimizer=keras.optimizers.SGD(rate))
        # What so many steps lead to is another question.
        with undisturbed(model):
            return judge(KerasProbe(model, draw(*data(), 64)), trials=False).findings

    yield make
    keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize(
    ("policy", "rate", "bound"),
    [("float32", 1e-6, 8 * 2**-23), ("float16", 1e-4, 8 * 2**-10), ("bfloat16", 1e-3, 8 * 2**-7)],
)
def test_a_step_that_rounding_eats_is_one_of_the_weights_precision(
    in_precision, policy, rate, bound
):
    (finding,) = in_precision(policy, rate)
    assert (finding.code, finding.layer) == ("learning-rate", "optimizer")
    assert f"of their size, below 8 eps = {bound:.1e}; one " in finding.evidence
    moved, longer = re.search(r"by ([\de.-]+) of .* one ([\de+]+) times", finding.evidence).groups()
    assert float(longer) == pytest.approx(1e-3 / float(moved), rel=0.5)
    assert float(finding.fix.rpartition(" ")[2]) == pytest.approx(
        10 * rate * float(longer), rel=0.5
    )


@pytest.mark.parametrize(
    ("policy", "rate"),
    [("float32", 1e-5), ("float16", 1e-3), ("float16", 0.1), ("bfloat16", 0.1), ("bfloat16", 0.5)],
)
def test_a_step_that_lowers_the_loss_is_not_too_short(in_precision, policy, rate):
    assert in_precision(policy, rate) == ()


# Weights --------------------------------------------------------------------------------------


def test_equal_units_and_equal_layers_are_counted():
    _, found = planted("all weights equal")
    says(found.evidence, "largest difference between its {} units is {} in weights and gradients, "
         "must be above {}", 32, 0, 0)  # fmt: skip
    _, found = planted("one initializer instance in eight layers")
    copies = ", ".join(f"hidden_{at}" for at in range(3, 9))
    assert found.evidence == (
        f"0 of 1024 weights differ from those of hidden_2, must be above 0; copies: {copies}"
    )


def test_what_is_frozen_is_counted():
    _, found = planted("everything frozen")
    assert found.evidence == "0 of 6 variables are trainable, must be above 0"
    patient, found = planted("a layer frozen as chance made it")
    spread = float(np.std(patient.model.layers[0].kernel.numpy()))
    says(found.evidence, "kernel's spread {} is its initializer's up to chance, and {} of {} "
         "variables are trainable, must be above {}", spread, 0, 2, 0)  # fmt: skip


# Architecture ---------------------------------------------------------------------------------


def test_a_softmax_inside_is_measured():
    patient, found = planted("softmax between layers")
    model = patient.model
    a = model.get_layer("hidden_1")(patient.x)
    with tf.GradientTape() as tape:
        tape.watch(a)
        s = model.get_layer("hidden_2")(a)
        loss = keras.losses.BinaryCrossentropy()(
            patient.y[:, None], model.get_layer("output")(model.get_layer("hidden_3")(s))
        )
    below, above = (float(tf.norm(g)) for g in tape.gradient(loss, [a, s]))
    says(found.evidence, "its {} outputs sum to {} on every example: free numbers {}, must be {}; "
         "gain {}", 32, 1, 31, 32, below / above)  # fmt: skip


def test_two_linear_maps_are_one():
    _, found = planted("no activation between layers")
    assert found.evidence == (
        "0 non-linear functions before hidden_2, must be at least 1; "
        "rank 2 of the two maps is not lowered by 32 units"
    )


@pytest.mark.parametrize(("units", "found"), [(4, False), (8, True)])
def test_a_bottleneck_is_no_fault(units, found):
    x, y = data()
    model = keras.Sequential([keras.Input((8,)), L.Dense(units, name="first"),
                              L.Dense(8, name="second"), L.ReLU(),
                              L.Dense(1, "sigmoid")])  # fmt: skip
    model.compile("adam", "binary_crossentropy")
    assert ("no-nonlinearity" in examine(model, x, y).codes) == found


@pytest.mark.parametrize(("rates", "variance"), [((0.9,), 9), ((0.75,) * 3, 9), ((0.95,), 19)])
def test_masks_are_judged_by_the_variance_that_they_add(rates, variance):
    x, y = data()
    layers = [layer for at, rate in enumerate(rates, 1)
              for layer in (L.Dense(16, "relu"), L.Dropout(rate, name=f"mask_{at}"))]  # fmt: skip
    model = keras.Sequential([keras.Input((8,)), *layers, L.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy")
    (found,) = [f for f in examine(model, x, y).findings if f.code == "dropout-rate"]
    said = "variance r / ({} - r) of {} masks together {}, at least {}^{} = {} of the signal's"
    says(found.evidence, said, 1, len(rates), variance, 3, 2, 9)


@pytest.mark.parametrize("rates", [(0.89,), (0.74,) * 3, (0.5,) * 8])
def test_masks_that_leave_enough_are_no_fault(rates):
    x, y = data()
    calls = keras.Sequential([keras.Input((8,)), *[L.Dropout(rate) for rate in rates], L.Dense(1)])
    calls.compile("adam", "mse")
    probe = KerasProbe(calls, draw(x, y, 64))
    with undisturbed(calls):
        assert _architecture.dropout(probe.run(), WORDS) == []


# Steps ----------------------------------------------------------------------------------------


def test_a_step_too_short_is_measured():
    x, y = data()
    rate = 1e-6  # as short as it is, rounding leaves most of the step
    model = net(2, optimizer=keras.optimizers.SGD(rate))
    kernels = [v for v in model.trainable_variables if len(v.shape) > 1]
    with tf.GradientTape() as tape:
        loss = model.compute_loss(x, y, model(x))
    gradients = tape.gradient(loss, kernels)
    sizes = [float(tf.norm(g) / tf.norm(v.value)) for g, v in zip(gradients, kernels, strict=True)]
    relative = rate * float(np.median(sizes))
    found = one(model, x, y)
    numbers = [float(n) for n in re.findall(NUMBER, found.evidence)]
    eps = 8 * float(np.finfo("float32").eps)
    template = (
        "a step moves the weights by {} of their size, below {} eps = {}; one {} times as long "
        "lowers the loss from {} to {}"
    )
    lower = numbers[-1]
    given = (relative, 8, eps, 1e-3 / relative, float(loss), lower)
    says(found.evidence, template, *given, rel=0.3)
    assert numbers[4] == pytest.approx(float(loss), rel=1e-3)
    # Along the gradient the loss falls by the step times its square.
    step = rate * 1e-3 / relative
    fall = step * sum(float(tf.norm(g)) ** 2 for g in gradients)
    assert numbers[4] - lower == pytest.approx(fall, rel=0.5)


def test_a_step_too_long_is_measured():
    _, found = planted("Adam's rate too high")
    growth, steps, bound, moved = (float(n) for n in re.findall(NUMBER, found.evidence))
    assert growth > bound == 3 and steps == 3 and moved > 3
    assert found.evidence.startswith("loss ")
    assert " times as large after 3 steps on one batch, above 3; weights move by " in found.evidence


# What is told of both products ----------------------------------------------------------------


def test_products_and_gains_are_written_where_they_belong(tmp_path, monkeypatch):
    x, y = data()
    model = net(3, "tanh", "glorot_uniform")
    written = {}
    monkeypatch.setattr(tf.summary, "scalar", written.__setitem__)
    watch = Watch(x, y, every=1, log_dir=tmp_path)
    watch.set_model(model)
    watch.on_train_begin()
    watch.on_train_end()
    expected = measure(weights_of(model), x, y)
    plain = watch.examinations[0][1].to_dict()
    assert written["livegrad/loss"] == plain["loss"] == pytest.approx(expected.loss, rel=1e-3)
    for tag, key, product in [("", "gain", expected.gain),
                              ("signal ", "signal_gain", expected.signal_gain)]:  # fmt: skip
        name = f"livegrad/product of {tag}gains"
        assert written[name] == plain[key] == pytest.approx(product, rel=1e-3)
        for layer, told in zip(expected.layers[:-1], plain["layers"], strict=True):
            gain = pytest.approx(getattr(layer, key), rel=1e-3)
            assert told[key] == written[f"livegrad/{tag}gain/{told['layer']}"] == gain
    assert written["livegrad/findings"] == 0


@pytest.mark.parametrize(
    ("name", "blind"),
    [
        ("all weights equal", "gains, units and steps: not before symmetric-weights is mended"),
        ("pixels from 0 to 255", "gains, units and steps: not before unscaled-input is mended"),
        ("softmax between layers", "the products of gains: not before softmax-hidden is mended"),
        ("all units born dead", "the products of gains: not before dead-units is mended"),
        ("tanh far out by its bias", "the products of gains: not before saturated-units is mended"),
        (
            "one initializer instance in eight layers",
            "the products of gains: not before identical-kernels is mended",
        ),
        (
            "counts from a linear output",
            "gradients and steps: the loss is not finite, for what is named",
        ),
        (
            "a weight is NaN",
            "signals, gradients and steps: not while numbers are not finite",
        ),
        ("classes numbered from 1", "gradients and steps: the labels do not fit the loss"),
    ],
)
def test_what_a_finding_hides_is_said(name, blind):
    patient = CASES[name].build(False)
    assert blind in examine(patient.model, patient.x, patient.y).unjudged


def test_an_output_that_does_not_fit_its_loss_hides_no_product():
    patient = CASES["linear output with cross-entropy of probabilities"].build(False)
    report = examine(patient.model, patient.x, patient.y)
    assert report.codes == ("output-loss-mismatch",) and report.unjudged == ()
    assert len(report.layers) == 2 and math.isfinite(report.gain * report.loss)
