"""Each optimizer against Keras's and PyTorch's, step for step, and against its own formula."""

import numpy as np
import pytest

from livegrad import MLP, optimizers
from livegrad.optimizers import SGD, Adam, AdamW, RMSprop, _norm, cosine_decay, warmup

STEPS = 25
# Ours, and what each library calls the same. PyTorch has Adam's epsilon elsewhere: where it is
# tiny, that makes no difference. Keras has float32's constants: these are numbers of that type.
CASES = {
    "sgd": (SGD, {"learning_rate": 0.125}, "SGD", {"lr": 0.125}),
    "momentum": (
        SGD,
        {"learning_rate": 0.125, "momentum": 0.875},
        "SGD",
        {"lr": 0.125, "momentum": 0.875},
    ),
    "nesterov": (
        SGD,
        {"learning_rate": 0.125, "momentum": 0.875, "nesterov": True},
        "SGD",
        {"lr": 0.125, "momentum": 0.875, "nesterov": True},
    ),
    "rmsprop": (
        RMSprop,
        {"learning_rate": 0.0078125, "rho": 0.75, "epsilon": 1e-14},
        "RMSprop",
        {"lr": 0.0078125, "alpha": 0.75, "eps": 1e-14},
    ),
    "adam": (
        Adam,
        {"learning_rate": 0.0078125, "beta_1": 0.75, "beta_2": 0.984375, "epsilon": 1e-14},
        "Adam",
        {"lr": 0.0078125, "betas": (0.75, 0.984375), "eps": 1e-14},
    ),
    "adamw": (
        AdamW,
        {"learning_rate": 0.0078125, "weight_decay": 0.25, "epsilon": 1e-14},
        "AdamW",
        {"lr": 0.0078125, "weight_decay": 0.25, "eps": 1e-14},
    ),
}


def start():
    """Two arrays of unlike sizes, and a gradient that depends on where they are."""
    rng = np.random.default_rng(0)
    return [rng.standard_normal((4, 3)), rng.standard_normal(5) * 100]


def gradient(arrays):
    return [np.sin(3 * array) + 0.1 * array for array in arrays]


def path(optimizer):
    arrays = start()
    seen = []
    for _ in range(STEPS):
        optimizer.step(arrays, gradient(arrays))
        seen.append([array.copy() for array in arrays])
    return seen


def assert_same(one, other, **bounds):
    for mine, theirs in zip(one, other, strict=True):
        for a, b in zip(mine, theirs, strict=True):
            np.testing.assert_allclose(a, b, **bounds)


@pytest.fixture
def keras():
    keras = pytest.importorskip("keras", reason="the oracle is Keras")
    keras.backend.set_floatx("float64")
    yield keras
    keras.backend.set_floatx("float32")


def kerass(keras, kind, given):
    variables = [keras.Variable(array, dtype="float64") for array in start()]
    optimizer = getattr(keras.optimizers, kind)(**given)
    seen = []
    for _ in range(STEPS):
        steps = gradient([one.numpy() for one in variables])
        optimizer.apply([keras.ops.convert_to_tensor(one) for one in steps], variables)
        seen.append([one.numpy() for one in variables])
    return seen


@pytest.mark.parametrize("case", CASES)
def test_each_is_kerass_step_for_step(keras, case):
    kind, given, _, _ = CASES[case]
    assert_same(path(kind(**given)), kerass(keras, kind.__name__, given), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", [SGD, RMSprop, Adam, AdamW])
def test_the_defaults_are_kerass(keras, kind):
    assert_same(path(kind()), kerass(keras, kind.__name__, {}), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("limit", ["clipnorm", "global_clipnorm", "clipvalue"])
def test_clipping_is_kerass(keras, limit):
    given = {"learning_rate": 0.125, limit: 0.5}
    ours = SGD(**given)
    assert_same(path(ours), kerass(keras, "SGD", given), rtol=1e-6, atol=1e-6)
    assert ours.clipped == ours.iterations == STEPS


@pytest.mark.parametrize("case", CASES)
def test_each_is_torchs_step_for_step(case):
    torch = pytest.importorskip("torch", reason="nox -s torch")
    kind, given, name, theirs = CASES[case]
    tensors = [torch.tensor(array, requires_grad=True) for array in start()]
    optimizer = getattr(torch.optim, name)(tensors, **theirs)
    seen = []
    for _ in range(STEPS):
        for tensor, step in zip(
            tensors, gradient([t.detach().numpy() for t in tensors]), strict=True
        ):
            tensor.grad = torch.tensor(step)
        optimizer.step()
        seen.append([tensor.detach().numpy().copy() for tensor in tensors])
    assert_same(path(kind(**given)), seen, rtol=1e-9, atol=1e-9)


def test_adam_is_its_paper():
    """Algorithm 1 with bias-corrected means, where epsilon does not count."""
    w = np.array([1.0, -3.0])
    ours = [w.copy()]
    adam = Adam(0.1, beta_1=0.7, beta_2=0.9, epsilon=1e-300)
    m = v = np.zeros(2)
    for t in range(1, 8):
        g = np.array([w[0] ** 3, np.cos(w[1])])
        m, v = 0.7 * m + 0.3 * g, 0.9 * v + 0.1 * g**2
        w = w - 0.1 * (m / (1 - 0.7**t)) / np.sqrt(v / (1 - 0.9**t))
        adam.step(ours, [np.array([ours[0][0] ** 3, np.cos(ours[0][1])])])
        np.testing.assert_allclose(ours[0], w, rtol=1e-12)


def test_adams_first_step_is_the_rate_whatever_the_gradient():
    w = [np.zeros(4)]
    Adam(0.25, epsilon=1e-300).step(w, [np.array([1e-100, -1.0, 1e100, 0.0])])
    np.testing.assert_allclose(w[0], [-0.25, 0.25, -0.25, 0.0], rtol=1e-12)


def test_decay_beside_the_gradient_is_no_penalty_in_it():
    """Loshchilov and Hutter 2019: with Adam the two differ, with SGD they are one."""
    g = [np.full(2, 0.1), np.full(2, 0.1)]
    decayed, penal = [np.array([1.0, 10.0])], [np.array([1.0, 10.0])]
    AdamW(0.1, weight_decay=0.5).step(decayed, g[:1])
    Adam(0.1).step(penal, [g[0] + 0.5 * penal[0]])
    np.testing.assert_allclose(decayed[0], [0.95 - 0.1, 9.5 - 0.1], rtol=1e-4)
    np.testing.assert_allclose(penal[0], [0.9, 9.9], rtol=1e-4)


def test_schedules_give_the_rate_of_each_step():
    w = [np.zeros(1)]
    descent = SGD(warmup(0.4, 4))
    seen = []
    for _ in range(6):
        seen.append(descent.rate)
        before = w[0].copy()
        descent.step(w, [np.ones(1)])
        np.testing.assert_allclose(before - w[0], seen[-1])
    np.testing.assert_allclose(seen, [0.1, 0.2, 0.3, 0.4, 0.4, 0.4])


def test_a_cosine_with_its_warm_up_is_kerass(keras):
    theirs = keras.optimizers.schedules.CosineDecay(
        0.1, decay_steps=20, warmup_target=0.4, warmup_steps=3
    )
    ours = cosine_decay(0.4, 20, warmup_steps=4)
    # Keras begins with the rate it is given, and counts the steps to the largest.
    np.testing.assert_allclose(
        [ours(at + (at >= 3)) for at in range(30)],
        [float(theirs(at)) for at in range(30)],
        rtol=1e-5,
        atol=1e-7,
    )


@pytest.mark.parametrize("limit", ["clipnorm", "global_clipnorm", "clipvalue"])
def test_a_limit_that_is_infinite_clips_nothing(limit):
    arrays = [np.zeros(2), np.zeros(1)]
    descent = SGD(1.0, **{limit: np.inf})
    descent.step(arrays, [np.array([np.inf, 1.0]), np.array([2.0])])
    np.testing.assert_array_equal(np.concatenate(arrays), [-np.inf, -1.0, -2.0])
    assert descent.clipped == 0


def test_what_was_clipped_is_counted():
    w = [np.zeros(2)]
    descent = SGD(0.1, global_clipnorm=1.0)
    for size in [0.1, 5.0, 0.2, 7.0]:
        descent.step(w, [np.array([size, 0.0])])
    assert (descent.iterations, descent.clipped) == (4, 2)


@pytest.mark.parametrize("kind", [SGD, RMSprop, Adam, AdamW])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_the_arrays_keep_their_type_and_small_squares_are_not_lost(kind, dtype):
    w = [np.ones(3, dtype)]
    own = w[0]
    kind(0.01).step(w, [np.array([1e-5, 1.0, 100.0], dtype)])
    assert w[0] is own and own.dtype == dtype
    if kind is Adam:
        np.testing.assert_allclose(1 - own.astype(float)[1:], 0.01, rtol=0.05)


def test_an_empty_array_and_a_scalar_are_stepped():
    arrays = [np.zeros((0, 3)), np.zeros(())]
    for kind in (SGD, RMSprop, Adam, AdamW):
        kind(0.1, global_clipnorm=1.0).step(arrays, [np.zeros((0, 3)), np.ones(())])
    assert arrays[1] < 0


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: SGD(0), "learning_rate must be finite and above 0, got 0"),
        (lambda: Adam(np.nan), "learning_rate must be finite and above 0, got nan"),
        (lambda: Adam(True), "learning_rate must be finite and above 0, got True"),
        (lambda: SGD(0.1, momentum=1), r"momentum must be in \[0, 1\), got 1"),
        (lambda: RMSprop(rho=-0.1), r"rho must be in \[0, 1\), got -0.1"),
        (lambda: Adam(beta_1=1.0), r"beta_1 must be in \[0, 1\), got 1.0"),
        (lambda: Adam(beta_2=2.0), r"beta_2 must be in \[0, 1\), got 2.0"),
        (lambda: Adam(epsilon=0), "epsilon must be finite and above 0, got 0"),
        (lambda: AdamW(weight_decay=-1), "weight_decay must be finite and at least 0, got -1"),
        (lambda: SGD(clipnorm=0), "clipnorm must be above 0, got 0"),
        (lambda: SGD(clipnorm=1, clipvalue=1), "at most one way of clipping may be given"),
        (lambda: warmup(0.1, 0), "steps must be a whole number of at least 1, got 0"),
        (lambda: warmup(-1, 3), "learning_rate must be finite and above 0, got -1"),
        (lambda: cosine_decay(0.1, 3, -1), "warmup_steps must be a whole number of at least 0"),
        (lambda: cosine_decay(0.1, 0), "steps must be a whole number of at least 1, got 0"),
        (lambda: SGD(lambda step: -1.0).rate, "at least 0, got -1.0 at step 0"),
    ],
)
def test_what_is_out_of_range_is_named(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def test_unlike_shapes_are_named():
    adam = Adam()
    with pytest.raises(ValueError, match=r"gradients must have the arrays' shapes \[\(2,\)\]"):
        adam.step([np.zeros(2)], [np.zeros(3)])
    adam.step([np.zeros(2)], [np.zeros(2)])
    with pytest.raises(ValueError, match=r"arrays must be those of the step before"):
        adam.step([np.zeros(3)], [np.zeros(3)])


@pytest.mark.parametrize("top", [1e-300, 1.0, 1e300])
def test_norm_does_not_overflow(top):
    assert _norm(np.array([[3.0, 0.0], [4.0, 0.0]]) * top) == pytest.approx(5 * top)


def test_every_optimizer_trains_a_network():
    x = np.random.default_rng(0).standard_normal((200, 3))
    for optimizer in (SGD(0.1, 0.9, nesterov=True), RMSprop(0.01), Adam(0.01), AdamW(0.01)):
        net = MLP([3, 16, 1], rng=0)
        net.fit(x, x[:, 0] > 0, epochs=20, optimizer=optimizer)
        assert net.accuracy(x, x[:, 0] > 0) > 0.95


def test_each_is_short_enough_to_read():
    import ast
    import inspect

    for name in ("SGD", "RMSprop", "Adam", "AdamW"):
        tree = ast.parse(inspect.getsource(getattr(optimizers, name)))
        lines = sum(
            body[-1].end_lineno - body[0].lineno + 1
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef)
            for body in [node.body]
        )
        assert lines <= 25, name
