"""What the doctor tells from the order of the layers: softmax inside, maps that are one, masks."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from livegrad.doctor import _architecture
from livegrad.doctor._facts import Call, Layer, Output, Pass, norm
from livegrad.doctor._keras.data import draw
from livegrad.doctor._keras.probe import KerasProbe, undisturbed
from livegrad.doctor._keras.words import WORDS

L = keras.layers


def run(*layers, shape=(8,), out=None):
    """Return the pass of the layers in a row, and the probe that ran it."""
    x = np.random.default_rng(0).standard_normal((32, *shape)).astype("float32")
    inputs = keras.Input(shape)
    h = inputs
    for layer in layers:
        h = layer(h)
    return passed(keras.Model(inputs, h if out is None else out(inputs, h)), x)


def passed(model, x, y=None):
    model.compile("sgd", "mean_squared_error")
    y = np.zeros((len(x), *model.output_shape[1:])) if y is None else y
    probe = KerasProbe(model, draw(x, y, 64))
    with undisturbed(model):
        return probe.run(), probe


def softmax(given):
    return _architecture.softmax(given[0], WORDS)


def linear(given):
    return _architecture.linear(*given)


def dropout(given):
    return _architecture.dropout(given[0], WORDS)


def dense(name, units=8, activation=None, **given):
    return L.Dense(units, activation, name=name, **given)


# Softmax --------------------------------------------------------------------------------------


@pytest.mark.parametrize("between", [[], [L.Dropout(0.5)], [L.Reshape((4, 2)), L.Flatten()]])
@pytest.mark.parametrize("own", [True, False])
def test_a_softmax_before_other_weights_is_named(between, own):
    inside = [dense("soft", activation="softmax")]
    if not own:
        inside = [dense("before"), L.Softmax(name="soft")]
    result = run(*inside, *[type(one).from_config(one.get_config()) for one in between],
                 dense("out", 3))  # fmt: skip
    (found,) = softmax(result)
    call = next(call for call in result[0].calls if call.layer.name == "soft")
    gain = norm(call.gradients[0]) / norm(call.gradient)
    assert (found.code, found.layer) == ("softmax-hidden", "soft")
    assert found.evidence == (
        f"its 8 outputs sum to 1.000 on every example: free numbers 7, must be 8; gain {gain:.3g}"
    )
    assert found.fix == ('keras.layers.Dense(8, activation="relu", kernel_initializer="he_normal")')


def test_a_softmax_that_no_gradient_reaches_has_no_gain():
    result = run(dense("soft", activation="softmax"), dense("out", 1, kernel_initializer="zeros"))
    (found,) = softmax(result)
    assert found.evidence.endswith("free numbers 7, must be 8")


def test_a_softmax_that_ends_a_model_or_gates_it_is_none():
    assert softmax(run(dense("a"), dense("soft", activation="softmax"))) == []

    def gated(inputs, h):
        return dense("out", 1)(L.Multiply()([h, dense("gate", activation="softmax")(inputs)]))

    assert softmax(run(dense("a", activation="relu"), out=gated)) == []


def test_the_first_of_two_is_named():
    result = run(dense("a", activation="relu"), dense("b", activation="softmax"),
                 dense("c", activation="softmax"), dense("d"))  # fmt: skip
    assert [found.layer for found in softmax(result)] == ["b"]


# Two maps that are one ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("between", "found"),
    [
        ([], True),
        ([L.Dropout], True),
        ([L.BatchNormalization], True),
        ([lambda: L.Activation("linear"), L.Flatten], True),
        ([L.ReLU], False),
        ([L.LayerNormalization], False),
        ([lambda: L.Dropout(0.5), lambda: L.Activation("tanh")], False),
    ],
)
def test_two_maps_are_one_unless_something_between_them_bends(between, found):
    made = [one(0.5) if one is L.Dropout else one() for one in between]
    result = run(dense("first"), *made, dense("second", 4, "relu"), dense("out", 1))
    said = linear(result)
    assert [(one.code, one.layer) for one in said] == [("no-nonlinearity", "first")] * found
    if found:
        assert said[0].evidence == (
            "0 non-linear functions before second, must be at least 1; "
            "rank 4 of the two maps is not lowered by 8 units"
        )
        assert said[0].fix.startswith('keras.layers.Dense(8, activation="relu"')


@pytest.mark.parametrize(
    ("ends", "units", "found"),
    [((8, 8), 8, True), ((8, 8), 7, False), ((8, 4), 4, True), ((8, 4), 3, False),
     ((8, 16), 8, True), ((8, 16), 7, False)],
)  # fmt: skip
def test_a_layer_narrower_than_both_its_neighbours_is_no_fault(ends, units, found):
    into, out = ends
    for shape in [(into,), (5, into)]:
        layers = [dense("first", units), dense("second", out, "relu"), dense("out", 1)]
        assert bool(linear(run(*layers, shape=shape))) == found


def test_maps_of_unlike_kinds_or_of_each_channel_alone_are_not_one():
    assert not linear(run(L.Conv1D(4, 2), L.Flatten(), dense("out"), shape=(6, 4)))
    rows = [L.DepthwiseConv1D(2), L.DepthwiseConv1D(2), L.SeparableConv1D(4, 2)]
    rows += [L.SeparableConv1D(4, 2)]
    assert not linear(run(*rows, shape=(9, 4)))
    found = linear(run(L.Conv1D(4, 2, name="row"), L.Conv1D(4, 2), shape=(6, 4)))
    assert found[0].layer == "row" and found[0].fix.startswith("keras.layers.Conv1D(4, activation")


def test_what_is_read_twice_is_no_chain():
    def added(_, h):
        return dense("out", 1)(L.Add()([h, dense("branch", activation="relu")(h)]))

    assert linear(run(dense("stream"), out=added)) == []

    class Sum(keras.Model):
        """The other reader is no layer."""

        def __init__(self, factor):
            super().__init__()
            self.stream, self.branch, self.out = dense("s"), dense("b", 8, "relu"), dense("o", 1)
            self.factor = factor

        def call(self, x):
            h = self.stream(x)
            return self.out(self.factor * h + self.branch(h))

    x = np.random.default_rng(0).standard_normal((32, 8)).astype("float32")
    for factor, found in [(1.0, []), (0.05, []), (0.0, ["s"])]:
        model = Sum(factor)
        model(x)
        result = passed(model, x, np.zeros((32, 1)))
        assert [one.layer for one in linear(result)] == found


def test_the_second_of_three_maps_is_named_where_the_first_is_bent():
    result = run(dense("a", activation="relu"), dense("b"), dense("c"), dense("d", 1))
    assert [found.layer for found in linear(result)] == ["b"]
    assert linear(run(dense("a", activation="relu"), dense("out"))) == []


# Masks ----------------------------------------------------------------------------------------


def test_a_mask_on_the_answer_is_named_and_one_on_the_inputs_is_not():
    result = run(L.Dropout(0.1, name="first"), dense("a", activation="relu"),
                 L.Dropout(0.25, name="last"))  # fmt: skip
    (found,) = dropout(result)
    assert (found.code, found.layer) == ("dropout-rate", "last")
    assert found.evidence == (
        "0 layers with weights follow the mask of rate 0.25, must be at least 1"
    )
    assert found.fix.endswith("# without last")
    assert dropout(run(L.Dropout(0.5), L.ReLU())) == []
    result = run(dense("a"), L.Dropout(0.2, name="mask"), L.ReLU())
    assert [one.layer for one in dropout(result)] == ["mask"]
    assert dropout(run(dense("a"), L.Dropout(0.0))) == []


def test_a_mask_on_one_of_two_ways_to_the_answer_is_followed_by_what_joins_them():
    def joined(inputs, h):
        return dense("out", 1)(L.Concatenate()([h, inputs]))

    assert dropout(run(dense("a"), L.Dropout(0.5), out=joined)) == []

    def beside(inputs, h):
        return L.Add()([L.Dropout(0.5, name="mask")(h), dense("b")(inputs)])

    result = run(dense("a"), out=beside)
    assert [one.layer for one in dropout(result)] == ["mask"]


@pytest.mark.parametrize(
    ("rates", "variance"), [((0.9,), 9), ((0.75,) * 3, 9), ((0.5, 0.95), 20), ((0.89,), None),
                            ((0.5,) * 8, None)],
)  # fmt: skip
@pytest.mark.parametrize("kind", [L.Dropout, L.AlphaDropout])
def test_masks_are_added_up_and_the_largest_is_named(rates, variance, kind):
    layers = [kind(rate, name=f"mask_{at}") for at, rate in enumerate(rates)]
    said = dropout(run(*layers, dense("out")))
    assert bool(said) == (variance is not None)
    if said:
        assert said[0].layer == f"mask_{rates.index(max(rates))}"
        assert said[0].evidence == (
            f"variance r / (1 - r) of {len(rates)} masks together {variance:.3g}, at least "
            "3^2 = 9 of the signal's"
        )


# Two maps before the answers, and maps of parts -----------------------------------------------


@pytest.mark.parametrize(
    ("inside", "found"),
    [("relu", []), ("gelu", []), (None, ["first"]), ("softmax", ["first"])],
)
def test_one_map_more_before_the_answers_is_no_fault_in_a_network_that_bends(inside, found):
    result = run(dense("inside", activation=inside), L.LayerNormalization(),
                 dense("first"), dense("out", 3))  # fmt: skip
    said = [one.layer for one in linear(result)]
    assert said == found
    # Before other layers it is one.
    result = run(dense("inside", activation=inside), L.LayerNormalization(),
                 dense("first"), dense("second", 8, "relu"), dense("out", 3))  # fmt: skip
    assert [one.layer for one in linear(result)] == ["first"]


def test_what_bends_behind_or_beside_does_not_excuse_it():
    # The answers are bent, and nothing is before them.
    assert [one.layer for one in linear(run(dense("a"), dense("out", 8, "sigmoid")))] == ["a"]


@pytest.mark.parametrize(("heads", "found"), [(1, ["first"]), (2, [])])
def test_a_map_that_is_cut_into_heads_is_not_all_of_the_next(heads, found):
    cut = L.Reshape((heads, 8 // heads))
    result = run(dense("first"), cut, dense("second", 8, "relu"), L.Flatten(), dense("out", 1))
    assert [one.layer for one in linear(result)] == found


def test_a_step_in_between_that_another_layer_reads_is_no_chain():
    def branched(_, h):
        flat = L.Flatten()(h)
        return dense("out", 1)(L.Add()([dense("second", 8, "relu")(flat), flat]))

    assert linear(run(dense("first"), L.Reshape((4, 2)), out=branched)) == []


def test_what_passes_on_what_it_is_given_is_no_second_reader():
    result = run(dense("first"), L.Dropout(0.5), dense("second", 4, "relu"), dense("out", 1))
    calls = {call.layer.name: call for call in result[0].calls}
    (mask,) = [call for call in result[0].calls if call.layer.kind == "mask"]
    # A mask's output is its own, though it is off: another framework's may be what it was given.
    assert mask.output is not calls["first"].output
    assert [one.layer for one in linear(result)] == ["first"]
    mask.output = calls["first"].output
    calls["second"].inputs[0] = mask.output
    assert [one.layer for one in linear(result)] == ["first"]

    def added(_, h):
        return dense("out", 1)(L.Add()([L.Dropout(0.5)(h), dense("branch", 8, "relu")(h)]))

    assert linear(run(dense("stream"), out=added)) == []


# Two activations in a row ---------------------------------------------------------------------


def stacked(given):
    return _architecture.stacked(given[0], WORDS)


def test_two_activations_before_the_answers_are_named():
    result = run(dense("out", 3, "relu"), L.Activation("sigmoid", name="end"))
    (found,) = stacked(result)
    assert (found.code, found.layer) == ("stacked-activations", "out")
    (output,) = result[0].outputs
    assert found.evidence == (
        "2 activations between the last weights and the output, relu and sigmoid, must be 1; the "
        f"answers lie within {output.min():.3g} and {output.max():.3g}"
    )
    assert output.min() == 0.5
    assert found.fix == 'keras.layers.Dense(..., activation="linear")'
    (found,) = stacked(run(dense("out", 3), L.ReLU(name="bend"), L.Softmax()))
    assert found.layer == "bend" and found.fix.endswith("# without bend")


@pytest.mark.parametrize(
    ("layers", "found"),
    [
        ([lambda: dense("out", 3, "sigmoid"), L.Softmax], "out"),
        ([lambda: dense("out", 3, "softmax"), L.Softmax], "out"),
        ([lambda: dense("out", 3, "relu"), lambda: L.Activation("tanh")], "out"),
        ([lambda: dense("out", 3, "tanh"), lambda: L.Activation("hard_sigmoid")], "out"),
        ([lambda: dense("out", 4, "relu"), lambda: L.Dropout(0.1),
          lambda: L.Reshape((2, 2)), lambda: L.Activation("softsign")], "out"),
        ([lambda: dense("out", 3, "sigmoid"), lambda: L.Activation("linear"), L.Softmax], "out"),
        # The last of them must squash: a rectifier of what is squashed changes nothing.
        ([lambda: dense("out", 3, "sigmoid"), L.ReLU], None),
        ([lambda: dense("out", 3), L.Softmax], None),
        ([lambda: dense("out", 3, "softmax")], None),
        ([lambda: dense("out", 3, "relu")], None),
        # Weights and normalisations in between begin anew.
        ([lambda: dense("a", 3, "relu"), lambda: dense("out", 3, "sigmoid")], None),
        ([lambda: dense("out", 3, "relu"), L.BatchNormalization, L.Softmax], None),
        # A logarithm of a softmax is one function in two steps, that of a ReLU is not.
        ([lambda: dense("out", 3, "softmax"), lambda: L.Activation("log_softmax")], "out"),
        ([lambda: dense("out", 3, "relu"), lambda: L.Activation("log_softmax")], None),
        ([lambda: dense("out", 3, "log_softmax"), L.Softmax], "out"),
    ],
)  # fmt: skip
def test_the_last_activation_is_given_what_weights_made(layers, found):
    said = stacked(run(*[one() for one in layers]))
    assert [one.layer for one in said] == ([found] if found else [])


def test_each_output_is_looked_at():
    def two(_, h):
        return [
            dense("well", 1, "sigmoid")(h),
            L.Activation("sigmoid")(dense("twice", 1, "relu")(h)),
        ]

    inputs = keras.Input((8,))
    model = keras.Model(inputs, two(inputs, dense("a", activation="relu")(inputs)))
    model.compile("sgd", ["mean_squared_error"] * 2)
    x = np.random.default_rng(0).standard_normal((32, 8)).astype("float32")
    probe = KerasProbe(model, draw(x, [np.zeros((32, 1))] * 2, 64))
    with undisturbed(model):
        result = probe.run()
    assert [one.layer for one in stacked((result, probe))] == ["twice"]


# The axis of the classes ----------------------------------------------------------------------


def shares(made, kind="activation", activation="softmax", own=True):
    call = Call(Layer("soft", kind, activation=activation), [], made, [], True)
    return _architecture.axis(Pass([call], [made] if own else [], 1.0, []), [], WORDS)


def soft(shape, axis):
    z = np.exp(np.random.default_rng(0).standard_normal(shape))
    return z / z.sum(axis=axis, keepdims=True)


@pytest.mark.parametrize(
    ("shape", "axis", "said"),
    [
        ((6, 3), 0, "examples"),
        ((2, 3), 0, "examples"),
        ((6, 3), 1, None),
        ((6, 4, 3), 0, "examples"),
        ((6, 4, 3), 1, "places of axis 1"),
        ((6, 4, 3), 2, None),
        ((6, 4, 5, 3), 2, "places of axis 2"),
    ],
)
def test_shares_of_another_axis_than_the_last_are_named(shape, axis, said):
    made = soft(shape, axis)
    found = shares(made)
    total = made.sum(axis=-1)
    assert [one.evidence for one in found] == (
        [
            f"its outputs sum to 1 over the {said}, and to {total.min():.3g} to {total.max():.3g} "
            "over the 3 classes, must be 1"
        ]
        if said
        else []
    )
    for one in found:
        assert (one.code, one.layer) == ("wrong-axis", "soft")
        assert one.fix == "keras.layers.Softmax(axis=-1)"


def test_what_comes_before_and_is_none_does_not_hide_a_wrong_axis():
    made = soft((6, 3), 0)
    before = [(None, "activation"), (made, "merging"), (made, "other"), (soft((6, 3), 1), "other")]
    calls = [Call(Layer("before", kind), [], one, [], True) for one, kind in before]
    calls.append(Call(Layer("soft", "activation", activation="softmax"), [], made, [3], False))
    (found,) = _architecture.axis(Pass(calls, [], 1.0, []), [], WORDS)
    assert found.layer == "soft"


def test_within_a_network_only_the_examples_are_no_axis_of_a_softmax():
    assert len(shares(soft((6, 3), 0), own=False)) == 1
    # Attention over the places of a sequence is no fault.
    assert shares(soft((6, 4, 3), 1), own=False) == []
    assert shares(soft((6, 3), 0), own=False, activation="none") == []
    assert len(shares(soft((6, 3), 0), activation="none")) == 1


@pytest.mark.parametrize("kind", ["activation", "other", "dense", "normalization", "merging"])
def test_what_may_be_a_softmax_is_looked_at(kind):
    found = shares(soft((6, 3), 0), kind)
    assert bool(found) == (kind in ("activation", "other", "dense"))


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (soft((6, 3), 0) * 1.0009, True),
        (soft((6, 3), 0) * 1.0012, False),
        (soft((6, 3), 0) - np.eye(6, 3) + np.eye(6, 3, -1), False),
        (soft((1, 3), 0), False),
        (np.ones(6) / 6, False),
        (np.zeros((6, 3)), False),
        (np.full((3, 3), 1 / 3), False),
        (np.full((6, 3), np.nan), False),
    ],
)
def test_shares_sum_to_1_and_are_not_below_0(made, found):
    assert bool(shares(made)) == found


@pytest.mark.parametrize(("axis", "found"), [(-1, False), (1, False), (0, True), (-2, True)])
def test_a_loss_takes_the_classes_on_the_last_axis(axis, found):
    head = Output("out", "linear", "categoricalcrossentropy", True, None, soft((6, 3), 1),
                  np.eye(3)[[0, 1, 2, 0, 1, 2]], axis=axis)  # fmt: skip
    said = _architecture.axis(Pass([], [], 1.0, []), [head], WORDS)
    assert [(one.code, one.layer) for one in said] == [("wrong-axis", "loss")] * found
    if found:
        assert said[0].evidence == (
            f"the loss takes the classes on axis {axis}, and the outputs have them on the last of 2"
        )
    none = Call(Layer("none", "activation"), [], None, [], True)
    assert len(_architecture.axis(Pass([none], [], 1.0, []), [head], WORDS)) == found


# What lies side by side, and what is one of many -----------------------------------------------


def test_masks_side_by_side_are_no_longer_way():
    """Eight masks of 0.6 on eight heads add what one of them adds; eight in a row add it all."""

    def heads(inputs, h):
        parts = [dense(f"part_{at}")(L.Dropout(0.6, name=f"mask_{at}")(h)) for at in range(8)]
        return dense("out", 3)(L.Add()(parts))

    assert dropout(run(dense("first"), out=heads)) == []
    row = [
        part for at in range(8) for part in (L.Dropout(0.6, name=f"mask_{at}"), dense(f"d_{at}"))
    ]
    (found,) = dropout(run(*row))
    assert found.evidence.startswith("variance r / (1 - r) of 8 masks together 12, ")


def test_a_mask_on_the_shares_of_a_mixture_does_not_hit_the_answer():
    def mixed(inputs, h):
        shares = L.Softmax()(dense("scores", 8)(h))
        return L.Multiply()([L.Dropout(0.5, name="mask")(shares), dense("values", 8)(inputs)])

    def added(inputs, h):
        return L.Add()([L.Dropout(0.5, name="mask")(dense("branch")(h)), inputs])

    assert dropout(run(dense("first"), out=mixed)) == []
    assert [one.layer for one in dropout(run(dense("first"), out=added))] == ["mask"]


@pytest.mark.parametrize(("bent", "found"), [(7, True), (8, False)])
def test_one_pair_of_maps_among_ten_layers_that_bend_is_a_waste(bent, found):
    layers = [dense(f"hidden_{at}", activation="relu") for at in range(bent)]
    said = linear(run(*layers[:3], dense("first"), dense("second", 8, "relu"), *layers[3:]))
    assert [one.layer for one in said] == ["first"] * found
