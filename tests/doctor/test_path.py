"""The path through a model: slopes beside those that a tape measures, bounds, blocks."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from livegrad.doctor import _path
from livegrad.doctor._facts import Optimizer
from livegrad.doctor._keras.data import draw
from livegrad.doctor._keras.layers import facts
from livegrad.doctor._keras.probe import KerasProbe, undisturbed
from livegrad.doctor._path import bends, bounds, slope, through
from livegrad.signals import GRADIENT_BOUNDS, SIGNAL_BOUNDS

L = keras.layers
Z = np.concatenate([np.linspace(-8, 8, 161), [-2.5, 2.5]]).astype("float32")
STEEPEST = {"sigmoid": 0.25, "hard_sigmoid": 1 / 6}


def measured(layer, activation):
    z = tf.constant(Z[:, None])
    with tf.GradientTape() as tape:
        tape.watch(z)
        a = activation(z)
    return slope(facts(layer), a.numpy()), tape.gradient(a, z).numpy()


@pytest.mark.parametrize("name", ["relu", "relu6", "sigmoid", "tanh", "softplus", "hard_sigmoid"])
def test_a_slope_is_that_of_the_tape_over_the_steepest(name):
    found, true = measured(L.Dense(1, name), keras.activations.get(name))
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, true / STEEPEST.get(name, 1.0), atol=2e-6)


@pytest.mark.parametrize("most", [None, 2.0, 6])
def test_a_relu_that_ends_has_no_slope_beyond_its_end(most):
    layer = L.ReLU(max_value=most)
    found, true = measured(layer, layer)
    inside = most != Z  # at its end, the output is that of all beyond
    np.testing.assert_array_equal(found[inside], true[inside])


@pytest.mark.parametrize(
    "layer",
    [
        *[L.ReLU(negative_slope=0.1), L.ReLU(threshold=0.5), L.LeakyReLU(), L.Dense(1)],
        *[L.Dense(1, name) for name in ("silu", "gelu", "elu", "selu", "softmax")],
    ],
)
def test_a_slope_that_the_output_does_not_tell_is_unknown(layer):
    assert slope(facts(layer), Z[:, None]) is None


@pytest.mark.parametrize(
    ("layer", "bent"),
    [
        *[(L.Flatten(), False), (L.Dropout(0.5), False), (L.BatchNormalization(), False)],
        *[(L.AveragePooling2D(2), False), (L.Activation("linear"), False), (L.Dense(1), False)],
        *[(L.MaxPooling2D(2), True), (L.Activation("relu"), True), (L.LayerNormalization(), True)],
        *[(L.ReLU(), True), (L.Dense(1, "tanh"), True)],
    ],
)
def test_what_keeps_two_maps_from_being_one(layer, bent):
    assert bends(facts(layer)) is bent


def told(optimizer):
    """What the probe tells of an optimizer."""
    model = keras.Sequential([keras.Input((1,)), L.Dense(1)])
    model.compile(optimizer, "mean_squared_error")
    return KerasProbe(model, draw(np.ones((1, 1)), np.ones(1), 1)).optimizer


def test_only_sgd_has_its_own_bounds():
    adam, sgd = keras.optimizers.Adam(), keras.optimizers.SGD(momentum=0.9)

    class Own(keras.optimizers.SGD):
        pass

    for of, measured in [("gradient", GRADIENT_BOUNDS), ("signal", SIGNAL_BOUNDS)]:
        for optimizer in [sgd, Own(), keras.optimizers.LossScaleOptimizer(sgd)]:
            assert bounds(of, told(optimizer)) == measured["SGD"]
        for optimizer in [adam, keras.optimizers.RMSprop()]:
            assert bounds(of, told(optimizer)) == measured["Adam"]
        assert bounds(of, Optimizer("Own", adaptive=True, rate=0.1)) == measured["Adam"]


# The way --------------------------------------------------------------------------------------


class Scaled(L.Layer):
    """A layer of the reader's own, with a weight."""

    def build(self, shape):
        self.scale = self.add_weight(shape=(), initializer="ones", name="scale")

    def call(self, x):
        return x * self.scale


def passed(*layers, x=None):
    x = np.random.default_rng(0).standard_normal((32, 8)).astype("float32") if x is None else x
    inputs = keras.Input(x.shape[1:], dtype=x.dtype)
    out = inputs
    for layer in layers:
        out = layer(out)
    model = keras.Model(inputs, out)
    model.compile("sgd", "mean_squared_error")
    sample = draw(x, np.zeros((len(x), *out.shape[1:])), 32)
    with undisturbed(model):
        result = KerasProbe(model, sample).run()
    return result, through(result.calls, result.outputs)


def names(calls):
    return [call.layer.name for call in calls]


def test_a_block_is_weights_with_what_bends_and_scales_behind_them():
    result, path = passed(
        Scaled(name="before"), L.Dense(6, "relu", name="a"), L.BatchNormalization(name="norm"),
        L.Dropout(0.5, name="mask"), L.Reshape((2, 3), name="shape"), L.Dense(4, name="b"),
        L.Flatten(name="flat"), L.ReLU(name="bend"), Scaled(name="own"), L.Dense(3, name="head"),
        L.Softmax(name="soft"),
    )  # fmt: skip
    assert [block.name for block in path.blocks] == ["a", "b"] and path.head.name == "head"
    assert [names(block.followers) for block in path.blocks] == [["norm"], ["bend"]]
    assert [[result.calls[p].layer.name for p in block.passed] for block in path.blocks] == [
        ["norm", "mask", "shape"], ["flat", "bend", "own"],
    ]  # fmt: skip
    assert [block.activation for block in [*path.blocks, path.head]] == ["relu", "relu", "softmax"]
    assert [block.width for block in path.blocks] == [6, 4]
    assert (
        path.depth == 2 and path.unknown == ["before", "own"] and names(path.before) == ["before"]
    )
    assert path.start.layer.name == "before"


def test_weights_that_are_not_understood_take_the_output_from_the_last_block():
    _, path = passed(L.Dense(4, "tanh", name="a"), L.Dense(4, "relu", name="b"), Scaled(name="own"))
    assert [block.name for block in path.blocks] == ["a", "b"] and path.head is None
    # The last block's own slopes are all that is known of its gain.
    assert (
        path.gains[1]
        == path.blocks[1].through_activation()
        == path.own_factors[1] / (path.blocks[1].through_weights())
    )
    assert len(path.own_factors) == 2


def test_a_gradient_of_0_has_no_factors():
    zeros = L.Dense(1, kernel_initializer="zeros")
    _, path = passed(L.Dense(4, "relu"), L.LayerNormalization(), L.ReLU(), L.Dense(4), zeros)
    assert len(path.gains) == 2 and np.isnan([*path.gains, *path.own_factors]).all()
    assert np.isfinite(path.signal_gains).all()
    _, path = passed(L.Dense(4, "relu", kernel_initializer="zeros"), L.Dense(4, "relu"), L.Dense(1))
    assert path.signal_gains[0] == 0 and np.isnan(path.signal_gains[1])


def test_the_last_activation_that_bends_is_the_blocks():
    _, path = passed(
        L.Dense(4, "tanh", name="a"), L.LeakyReLU(), L.Activation("linear"), L.Dense(1)
    )
    assert path.blocks[0].activation == "leaky_relu"
    _, path = passed(L.Dense(4, name="a"), L.LayerNormalization(), L.Dense(1))
    assert path.blocks[0].activation == "linear"


def test_an_embedding_is_no_unknown_layer_and_the_first_weights_of_its_path():
    x = np.arange(64).reshape(32, 2) % 5
    _, path = passed(L.Embedding(5, 3, name="words"), L.Flatten(), L.Dense(4, "relu"), L.Dense(1),
                     x=x)  # fmt: skip
    assert path.unknown == [] and path.start.layer.name == "words"


def test_a_normalisation_is_not_where_the_data_meet_the_first_weights():
    _, path = passed(L.LayerNormalization(name="scale"), L.Dense(1, name="only"))
    assert path.blocks == [] and path.head.name == "only" and path.depth == 1
    assert path.start.layer.name == "only" and path.gains == path.own_factors == []


def test_chance_counts_what_enters_the_weights_above():
    x = np.random.default_rng(0).standard_normal((32, 6, 6, 2)).astype("float32")
    _, path = passed(L.Conv2D(4, 3, activation="relu"), L.Conv2D(5, 2, activation="relu"),
                     L.Flatten(), L.Dense(1), x=x)  # fmt: skip
    total = 5 / (2 * 2 * 4) + 5 / (3 * 3 * 5)
    assert path.chance == pytest.approx((1.5 * total**0.5 + total / 4, 1.5 * total**0.5))
    _, path = passed(L.Dense(4, "relu"), L.Dense(6, "relu"), Scaled())
    total = 5 / 4 + 5 / 6
    assert path.chance == pytest.approx((1.5 * total**0.5 + total / 4, 1.5 * total**0.5))


def test_of_two_ways_the_one_with_more_weights_is_taken():
    inputs = keras.Input((8,))
    long = L.Dense(4, "relu", name="second")(L.Dense(4, "relu", name="first")(inputs))
    short = L.Dense(4, "relu", name="short")(inputs)  # called last
    out = L.Dense(1, name="out")(L.Add()([long, short]))
    model = keras.Model(inputs, [L.Dense(1, name="early")(short), out])
    model.compile("sgd", ["mean_squared_error", "mean_squared_error"])
    x, y = np.ones((32, 8), "float32"), np.zeros((32, 1))
    with undisturbed(model):
        result = KerasProbe(model, draw(x, [y, y], 32)).run()
    assert names(result.calls)[:3] == ["first", "second", "short"]
    path = through(result.calls, result.outputs)
    assert [block.name for block in path.blocks] == ["first", "second"]
    assert path.head.name == "out"


# Products beside a plain tape -----------------------------------------------------------------

X = np.random.default_rng(0).standard_normal((32, 8)).astype("float32")


def seen(inputs, out, x=X):
    """Run a model whose loss is the mean square of what it gives, times a half."""
    model = keras.Model(inputs, out)
    model.compile("sgd", "mean_squared_error")
    with undisturbed(model):
        result = KerasProbe(model, draw(x, np.zeros((len(x), *out.shape[1:])), 32)).run()
    return model, through(result.calls, result.outputs)


def square(out):
    return tf.reduce_mean(out**2)


def size(array):
    return float(np.linalg.norm(np.asarray(array, "float64")))


def spread(array):
    wide = np.asarray(array, "float64").reshape(len(array), -1)
    return float(np.sqrt(np.mean(np.var(wide, axis=0))))


def dense(name, units=8, activation=None, **given):
    return L.Dense(units, activation, name=name, use_bias=False, **given)


@pytest.mark.parametrize("normed", [False, True])
def test_the_product_of_a_residual_chain_is_the_tapes(normed):
    """A shortcut's own factor J is I + J: the ends are all that the product tells."""
    inputs = keras.Input((8,))
    h = dense("stem", activation="relu")(inputs)
    for at in range(4):
        branch = L.LayerNormalization(name=f"norm_{at}")(h) if normed else h
        branch = dense(f"up_{at}", 16, "relu")(branch)
        h = L.Add()([h, dense(f"down_{at}")(branch)])
    model, path = seen(inputs, dense("head", 3)(h))
    w = {layer.name: layer.kernel for layer in model.layers if hasattr(layer, "kernel")}

    z = tf.constant(X) @ w["stem"]
    with tf.GradientTape() as tape:
        tape.watch(z)
        h = tf.nn.relu(z)
        for at in range(4):
            branch = model.get_layer(f"norm_{at}")(h) if normed else h
            h = h + tf.nn.relu(branch @ w[f"up_{at}"]) @ w[f"down_{at}"]
        last = h
        out = last @ w["head"]
        loss = square(out)
    below, above = tape.gradient(loss, [z, out])
    names = [block.name for block in path.blocks]
    assert names == ["stem", *[f"{way}_{at}" for at in range(4) for way in ("up", "down")]]
    assert path.head.name == "head"
    expected = size(below) / size(above)
    assert np.prod(path.gains) == pytest.approx(expected, rel=1e-4)
    # By the block that each factor belongs to, the first one's weights are left out in both.
    assert np.prod(path.own_factors) == pytest.approx(expected, rel=1e-4)
    if not normed:
        signal = spread(last) / spread(X)
        assert np.prod(path.signal_gains) == pytest.approx(signal, rel=1e-4)


def test_branches_that_start_as_next_to_nothing_lose_no_gradient():
    """A shortcut leads past the first normalisation: what comes before it keeps its scale."""
    inputs = keras.Input((8,))
    h = dense("stem")(inputs)
    for at in range(3):
        branch = dense(f"up_{at}", 16, "relu")(L.LayerNormalization()(h))
        small = keras.initializers.RandomNormal(stddev=1e-6, seed=at)
        h = L.Add()([h, dense(f"down_{at}", kernel_initializer=small)(branch)])
    model, path = seen(inputs, dense("head", 3)(h))
    assert path.blocks[0].scaled is None
    # The way is the shortcut's: the head's weights are all that is left.
    head = model.get_layer("head").kernel
    out = X @ model.get_layer("stem").kernel @ head
    expected = size(out @ tf.transpose(head)) / size(out)
    assert np.prod(path.gains) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("width", [4, 8, 16, 64])
def test_the_product_of_joined_layers_is_the_tapes(width):
    """As in a DenseNet, each layer is given all that came before."""
    inputs = keras.Input((8,))
    h = dense("stem", activation="relu")(inputs)
    for at in range(3):
        h = L.Concatenate()([h, dense(f"grow_{at}", width, "relu")(h)])
    model, path = seen(inputs, dense("head", 3)(h))
    w = {layer.name: layer.kernel for layer in model.layers if hasattr(layer, "kernel")}
    z = tf.constant(X) @ w["stem"]
    with tf.GradientTape() as tape:
        tape.watch(z)
        h = tf.nn.relu(z)
        for at in range(3):
            h = tf.concat([h, tf.nn.relu(h @ w[f"grow_{at}"])], axis=1)
        out = h @ w["head"]
        loss = square(out)
    below, above = tape.gradient(loss, [z, out])
    # The way goes through the widest part.
    grown = {4: 0, 8: 1, 16: 1, 64: 1}[width]
    assert [block.name for block in path.blocks] == ["stem", "grow_0"][: 1 + grown]
    assert np.prod(path.gains) == pytest.approx(size(below) / size(above), rel=1e-4)
    assert np.prod(path.signal_gains) == pytest.approx(spread(h) / spread(X), rel=1e-4)
    assert np.prod(path.own_factors) == pytest.approx(size(below) / size(above), rel=1e-4)
    # A joined part has its share of the whole, which is another factor than 1.
    assert all(joined != 1 for joined, _ in path._between[grown:])


@pytest.mark.parametrize(("padding", "lost"), [(0, False), (2, True)])
def test_what_falls_on_padding_is_lost(padding, lost):
    x = np.random.default_rng(0).standard_normal((16, 6, 6, 2)).astype("float32")
    inputs = keras.Input((6, 6, 2))
    first = L.Conv2D(3, 3, activation="relu", use_bias=False, name="first")
    second = L.Conv2D(3, 3, use_bias=False, name="second")
    h = first(inputs)
    pad = L.ZeroPadding2D(padding)
    h = second(pad(h) if padding else h)
    _, path = seen(inputs, L.GlobalAveragePooling2D()(h), x)
    z = tf.nn.conv2d(x, first.kernel, 1, "VALID")
    with tf.GradientTape() as tape:
        tape.watch(z)
        given = tf.pad(tf.nn.relu(z), [[0, 0], [padding] * 2, [padding] * 2, [0, 0]])
        made = tf.nn.conv2d(given, second.kernel, 1, "VALID")
        loss = square(tf.reduce_mean(made, axis=(1, 2)))
    below, inner, above = tape.gradient(loss, [z, given, made])
    (gain,) = path.gains
    assert gain == pytest.approx(size(below) / size(above), rel=1e-4)
    kept = size(inner[:, padding : padding + 4, padding : padding + 4]) / size(inner)
    ((gradient, signal),) = path._between
    assert gradient == pytest.approx(kept, rel=1e-4) and (gradient < 1) == lost
    # A frame of zeros takes from the spread of each place, too: 4 of 8 in each direction are left.
    assert signal == pytest.approx(4 / 8 if lost else 1.0, rel=1e-3)


@pytest.mark.parametrize(
    "between",
    [
        [L.MaxPooling2D(2)],
        [L.AveragePooling2D(2)],
        [L.Flatten(), L.Reshape((2, 2, 12))],
        [L.Dropout(0.5)],
        [L.GaussianNoise(1.0)],
    ],
)
def test_what_changes_a_norm_without_any_loss_is_passed_over(between):
    x = np.random.default_rng(0).standard_normal((16, 6, 6, 2)).astype("float32")
    inputs = keras.Input((6, 6, 2))
    h = L.Conv2D(3, 3, activation="relu")(inputs)
    for layer in between:
        h = type(layer).from_config(layer.get_config())(h)
    _, path = seen(inputs, L.Dense(1)(L.Flatten()(L.Conv2D(3, 1, activation="relu")(h))), x)
    assert path._between[0] == (1.0, 1.0)


# Weights that run into a normalisation --------------------------------------------------------


def chain(*between, times=1.0, width=16):
    """Three layers, the second of which runs into what is given, and its weights times a number."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input((8,))
    h = dense("first", width, "tanh")(inputs)
    middle = dense("middle", width)
    h = middle(h)
    for layer in between:
        h = layer(h)
    out = dense("head", 3)(dense("last", width, "relu")(h))
    middle.kernel.assign(times * middle.kernel)
    return seen(inputs, out)


def sharp(kind=L.BatchNormalization):
    return kind(epsilon=1e-9)


@pytest.mark.parametrize(
    "between",
    [
        lambda: [sharp()],
        lambda: [sharp(L.LayerNormalization), L.ReLU()],
        lambda: [L.ReLU(), sharp()],
        lambda: [L.LeakyReLU(), L.Dropout(0.3), L.Reshape((4, 4)), L.Flatten(), sharp()],
        lambda: [L.ReLU(), sharp(), L.ReLU(), sharp()],
    ],
)
def test_the_scale_of_weights_before_a_normalisation_is_nobodys(between):
    _, path = chain(*between())
    _, large = chain(*between(), times=100.0)
    assert large.gains == pytest.approx(path.gains, rel=1e-3)
    assert large.signal_gains == pytest.approx(path.signal_gains, rel=1e-3)
    assert large.own_factors == pytest.approx(path.own_factors, rel=1e-3)
    assert path.blocks[1].scaled.layer.kind == "normalization"
    assert all(0.05 < gain < 20 for gain in large.gains)


@pytest.mark.parametrize(
    "between",
    [
        lambda: [],
        lambda: [L.ReLU()],
        # The scale matters to what is not the same for twice as much.
        lambda: [L.Activation("tanh"), sharp()],
        lambda: [L.ELU(), sharp()],
        lambda: [L.Softmax(), sharp()],
        # Weights in between take it out of sight.
        lambda: [Scaled(), sharp()],
    ],
)
def test_the_scale_of_other_weights_is_their_own(between):
    _, path = chain(*between())
    assert path.blocks[1].scaled is None


def test_a_layers_own_activation_comes_before_the_normalisation():
    for activation, scaled in [("relu", True), ("leaky_relu", True), (None, True),
                               ("tanh", False), ("silu", False), ("relu6", False)]:  # fmt: skip
        _, path = passed(L.Dense(4, activation), L.BatchNormalization(), L.Dense(1))
        assert (path.blocks[0].scaled is not None) == scaled


def test_a_sum_before_the_normalisation_keeps_the_scale_of_its_parts():
    inputs = keras.Input((8,))
    h = L.Add()([dense("first")(inputs), dense("beside")(inputs)])
    _, path = seen(inputs, dense("head", 1)(L.LayerNormalization()(h)))
    assert path.blocks[0].scaled is None


def test_what_a_normalised_block_begins_with_is_the_normalisations_gradient():
    """Its own weights and the slopes before them are in no factor."""
    model, path = chain(sharp(), L.ReLU())
    w = {layer.name: layer.kernel for layer in model.layers if hasattr(layer, "kernel")}
    normed = model.layers[3]
    z = tf.nn.tanh(X @ w["first"]) @ w["middle"]
    y = (z - tf.reduce_mean(z, axis=0)) / tf.math.reduce_std(z, axis=0)
    assert isinstance(normed, L.BatchNormalization)
    with tf.GradientTape() as tape:
        tape.watch(y)
        h = tf.nn.relu(y)
        last = h @ w["last"]
        out = tf.nn.relu(last) @ w["head"]
        loss = square(out)
    at_norm, at_last, at_out = tape.gradient(loss, [y, last, out])
    assert path.gains[1:] == pytest.approx(
        [size(at_norm) / size(at_last), size(at_last) / size(at_out)], rel=1e-3
    )
    # The own factor of the next block is that of its weights and slopes.
    assert path.own_factors[1] == pytest.approx(
        path.blocks[1].through_weights() * path.blocks[1].through_activation(), rel=1e-6
    )


@pytest.mark.parametrize(
    ("norms", "blocks", "expected"),
    [(0, 3, False), (1, 3, False), (2, 3, True), (3, 3, True), (1, 2, True), (1, 1, True)],
)
def test_a_path_is_normalised_where_half_of_its_blocks_are(norms, blocks, expected):
    layers = []
    for at in range(blocks):
        layers += [L.Dense(4), *[L.LayerNormalization()] * (at < norms), L.ReLU()]
    _, path = passed(*layers, L.Dense(1))
    assert path.normalised is expected
    for of, found in [("gradient", GRADIENT_BOUNDS), ("signal", SIGNAL_BOUNDS)]:
        sgd, adam = (Optimizer(kind, adaptive=kind == "Adam", rate=0.1) for kind in ("SGD", "Adam"))
        assert bounds(of, sgd, path.normalised) == found["Adam" if expected else "SGD"]
        assert bounds(of, adam, path.normalised) == found["Adam"]


def test_a_path_without_blocks_is_not_normalised():
    _, path = passed(L.LayerNormalization(), L.Dense(1))
    assert path.normalised is False


# Which way ------------------------------------------------------------------------------------


def test_a_gate_is_narrower_than_what_it_opens():
    """Squeeze and excitation: its layers are more, and not on the way."""
    x = np.random.default_rng(0).standard_normal((16, 6, 6, 4)).astype("float32")
    inputs = keras.Input((6, 6, 4))
    h = L.Conv2D(4, 3, activation="relu", name="conv")(inputs)
    gate = L.GlobalAveragePooling2D()(h)
    gate = L.Dense(2, "relu", name="squeeze")(gate)
    gate = L.Reshape((1, 1, 4))(L.Dense(4, "sigmoid", name="excite")(gate))
    h = L.Multiply()([h, gate])
    _, path = seen(inputs, L.Dense(1, name="head")(L.Flatten()(h)), x)
    assert [block.name for block in path.blocks] == ["conv"] and path.head.name == "head"
    # What the gate lets through is a factor on the way.
    assert 0 < path._between[0][0] < 1


def zeros(name, units=8):
    return dense(name, units, kernel_initializer="zeros")


def test_a_branch_that_ends_in_a_kernel_of_0_is_no_way_for_now():
    inputs = keras.Input((8,))
    h = dense("stem", activation="relu")(inputs)
    for at in range(2):
        h = L.Add()([h, zeros(f"down_{at}")(dense(f"up_{at}", 8, "relu")(h))])
    _, path = seen(inputs, dense("head", 3)(h))
    assert [block.name for block in path.blocks] == ["stem"] and path.head.name == "head"
    assert all(math.isfinite(gain) and gain > 0 for gain in path.gains)


def test_a_kernel_of_0_on_the_only_way_is_on_it():
    _, path = passed(L.Dense(8, "relu", kernel_initializer="zeros", name="zero"), L.Dense(1))
    assert [block.name for block in path.blocks] == ["zero"]
    # Beside the inputs themselves it is none.
    inputs = keras.Input((8,))
    h = L.Add()([inputs, zeros("down")(dense("up", 8, "relu")(inputs))])
    _, path = seen(inputs, dense("head", 3)(dense("after", 8, "relu")(h)))
    assert [block.name for block in path.blocks] == ["after"] and path.head.name == "head"


def test_a_ratio_that_cannot_be_told_is_1():
    assert _path._ratio(3.0, 2.0) == 1.5
    for above, below in [(3.0, 0.0), (math.nan, 1.0), (0.0, 1.0), (math.inf, 1.0), (1.0, math.nan)]:
        assert _path._ratio(above, below) == 1.0
