"""The explorers' engine in a real browser: what it computes is what the package computes.

Python hands over weights, inputs and masks; the page computes with them. Faults are planted in the
engine's files on their way to the browser, and each must be noticed.
"""

import importlib.util
import itertools
import json
import math
import re

import numpy as np
import pytest

from livegrad import MLP, activations, initializers, measure, optimizers
from livegrad.blocks import (
    Activate,
    BatchNorm,
    Dense,
    LayerNorm,
    Network,
    Residual,
    RMSNorm,
    Sequential,
)
from livegrad.signals import CODES
from livegrad_lab.stack import OPTIMIZERS, Arm, Stack
from livegrad_site.show import explorers

RTOL = 1e-12
# A run of many steps multiplies the differences of the first one.
AFTER_STEPS = 1e-9
ELEMENTWISE = [name for name in activations.NAMES if activations.get(name).elementwise]

SHARED = """
const engine = await import("/explorers/engine.js");
const signals = await import("/explorers/signals.js");
const { Generator } = await import("/explorers/random.js");
const array = (list) => Float64Array.from(list, Number);
const text = (value) => JSON.stringify(value, (key, one) => {
  if (one instanceof Float64Array || one instanceof Int32Array) return Array.from(one);
  return typeof one === "number" && !Number.isFinite(one) ? String(one) : one;
});
const network = ({ widths, activation, head, dropout, weights, biases }) => {
  const net = new engine.MLP(widths, { activation, head, dropout, initializer: "zeros" });
  net.weights = weights.map(array);
  net.biases = biases.map(array);
  return net;
};
"""

PASSES = """
const { Passes } = await import("/explorers/passes.js");
const { loadKernel } = await import("/explorers/kernel.js");
const fast = new Passes(await loadKernel());
return text(given.map((one) => {
  const net = network(one);
  const masks = one.masks?.map(array);
  const [x, y] = [array(one.x), array(one.y)];
  let [trace, gradients] = [];
  if (one.fast) [trace, gradients] = fast.run(net, x, y);
  else {
    trace = net.forward(x, { training: Boolean(masks), masks });
    gradients = net.backward(trace, y);
  }
  const report = masks ? null : signals.judge(net, trace, gradients);
  const found = structuredClone({ trace, gradients, report });
  net.step(gradients, one.rate);
  return { ...found, weights: net.weights, biases: net.biases };
}));
"""


@pytest.fixture
def compute(browser, assets, root):
    """Run JavaScript on data in the page; ``compute.plant`` changes a file on its way."""
    context = browser.new_context()
    page = context.new_page()

    def run(script, given=None):
        if page.url == "about:blank":
            page.goto(assets)
        code = f"async (sent) => {{ const given = JSON.parse(sent); {SHARED} {script} }}"
        return json.loads(page.evaluate(code, json.dumps(plain(given))))

    def plant(name, old, new):
        source = (root / "docs" / "assets" / "explorers" / name).read_text("utf-8")
        assert source.count(old) >= 1, f"{name} has no {old!r} to be changed"
        changed = source.replace(old, new, 1)
        page.route(
            f"**/explorers/{name}",
            lambda route: route.fulfill(body=changed, content_type="text/javascript"),
        )

    run.plant = plant
    yield run
    context.close()


def plain(value):
    """Return what JSON can hold; numbers that are not finite become their names."""
    if isinstance(value, np.ndarray):
        return plain(value.ravel().tolist())
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def close(found, wanted, rtol=RTOL, size=0.0, name=""):
    """Compare relative to the array's largest entry, or to ``size`` where that is larger."""
    wanted = np.asarray(wanted, dtype=float).ravel()
    found = np.array(found, dtype=float).ravel()
    finite = np.abs(wanted[np.isfinite(wanted)])
    atol = rtol * max(size, finite.max(initial=0.0))
    np.testing.assert_allclose(found, wanted, rtol=rtol, atol=atol, err_msg=name)


def sent(net, x, y, trace=None, rate=0.05):
    """Return a network with its data as the page takes it."""
    targets = net.head.targets(y, net.widths[-1])
    return {
        "widths": list(net.widths),
        "activation": net.activation.name,
        "head": net.head.task,
        "dropout": net.dropout,
        "weights": net.weights,
        "biases": net.biases,
        "x": x,
        "y": targets,
        "masks": trace.masks if trace and trace.keep < 1 else None,
        "rate": rate,
    }


def labels(head, units, n, rng):
    """Return labels that fit the head."""
    if head == "multiclass":
        return rng.integers(0, units, n)
    if head in ("binary", "multilabel"):
        return rng.integers(0, 2, (n, units))
    return rng.poisson(2, (n, units)) if head == "count" else rng.standard_normal((n, units))


def networks(activation):
    """Return networks of several depths, heads and widths, some with dropout, with their data."""
    rng = np.random.default_rng(3)
    shapes = [([3, 8, 1], "binary"), ([2, 7, 5, 9, 4], "multiclass"), ([5, 6, 6, 2], "regression")]
    shapes += [([4, *10 * [8], 3], "multilabel"), ([3, 5, 2], "count"), ([3, 1], "binary")]
    found = []
    for (widths, head), dropout in itertools.product(shapes, [0.0, 0.3]):
        net = MLP(widths, activation, head=head, dropout=dropout, rng=rng)
        for bias in net.biases:
            bias += 0.1 * rng.standard_normal(bias.shape)
        x = rng.standard_normal((23, widths[0]))
        found.append((net, x, labels(head, widths[-1], 23, rng)))
    return found


def compare_passes(compute, cases, fast=False):
    """Hold the page's passes, reports and steps to the package's."""
    traces = [net.forward(x, training=net.dropout > 0) for net, x, _ in cases]
    everything = [
        sent(*case, trace) | {"fast": fast} for case, trace in zip(cases, traces, strict=True)
    ]
    for (net, x, y), trace, found in zip(cases, traces, compute(PASSES, everything), strict=True):
        gradients = net.backward(trace, y)
        for part in ("z", "a"):
            for one, wanted in zip(found["trace"][part], getattr(trace, part), strict=True):
                close(one, wanted, name=f"{net} {part}")
        close(found["gradients"]["loss"], gradients.loss)
        close(found["gradients"]["x"], gradients.x)
        for part in ("weights", "biases", "z", "a"):
            for one, wanted in zip(found["gradients"][part], getattr(gradients, part), strict=True):
                close(one, wanted, name=f"{net} gradients of {part}")
        for part, steps in [("weights", gradients.weights), ("biases", gradients.biases)]:
            for one, old, step in zip(found[part], getattr(net, part), steps, strict=True):
                close(one, old - 0.05 * step, name=f"{net} {part} after a step")
        if found["report"]:
            compare_report(found["report"], net, measure(net, x, y), trace)


def compare_report(found, net, wanted, trace):
    """Hold a report to the package's, words included."""
    assert found["verdict"] == wanted.verdict
    whys = [found["why"], wanted.why]
    if wanted.signal_gain < 1e-12:
        # What is left of the signal is rounding alone.
        whys = [re.sub(r"(?<=the signal's product )\S+", "0", why) for why in whys]
    assert whys[0] == whys[1]
    close(found["gain"], wanted.gain)
    # A small difference of large values: relative to the largest of each layer's signal.
    ends = [float(np.abs(signal).max()) for signal in (trace.x, trace.a[-1])] if trace.a else [1, 1]
    close(found["signalGain"], wanted.signal_gain, size=max(1.0, ends[1] / ends[0]))
    sizes = [float(np.abs(signal).max()) for signal in [*trace.a, net.head.predict(trace.logits)]]
    for one, layer, size in zip(found["layers"], wanted.layers, sizes, strict=True):
        assert (one["layer"], one["name"]) == (layer.layer, layer.name)
        assert one["verdict"] == layer.verdict
        close(one["gain"], layer.gain, name=layer.name)
        close(one["gradientNorm"], layer.gradient_norm, name=layer.name)
        close([one["dead"], one["saturated"]], [layer.dead, layer.saturated])
        # A small difference of large values: relative to these.
        close(one["spread"], layer.spread, size=size, name=layer.name)
        close(one["mean"], layer.mean, size=size, name=layer.name)


@pytest.mark.parametrize("activation", activations.NAMES)
def test_values_gradients_signals_and_steps_are_the_package_s(compute, activation):
    compare_passes(compute, networks(activation))


@pytest.mark.parametrize("activation", ELEMENTWISE)
def test_the_kernel_s_passes_are_the_package_s_too(compute, activation):
    compare_fast_passes(compute, activation)


def compare_fast_passes(compute, activation):
    """Hold the passes that know no dropout to the package, one after the other in one memory."""
    cases = [case for case in networks(activation) if case[0].dropout == 0]
    compare_passes(compute, [*cases, *cases[::-1]], fast=True)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('places.write(0, "a", x)', 'places.write(0, "a", x.map((one) => one + 1e-9))'),
        ("view.fill(0, gb / 8, gb / 8 + m)", "view.fill(0, gb / 8, gb / 8)"),
        ("inputs[i] = outputs[i] * slopes[i]", "inputs[i] = outputs[i]"),
        ("(m - 1) * STRIP + 1 : 1", "(m - 1) * STRIP : 1"),
    ],
)
def test_a_fault_in_the_kernel_s_passes_is_noticed(compute, old, new):
    compute.plant("passes.js", old, new)
    with pytest.raises(AssertionError):
        compare_fast_passes(compute, "tanh")


BLOCKS = """
const { throughBlocks } = await import("/explorers/blocks.js");
return text(given.map(({ weights, x, y, ...options }) => {
  return throughBlocks({ weights: weights.map(array), ...options }, array(x), array(y));
}));
"""
NORMS = {"none": None, "batch": BatchNorm, "layer": LayerNorm, "rms": RMSNorm}
WIDTH = 6


def block_network(activation, norm, scale, depth, rng):
    """Return a network of equal blocks, and its dense layers; without a scale, no shortcut."""
    dense, layers = [], []
    for _ in range(depth):
        dense.append(Dense(WIDTH, WIDTH, rng=rng))
        parts = [dense[-1], *([NORMS[norm](WIDTH)] if NORMS[norm] else []), Activate(activation)]
        whole = Sequential(*parts) if scale is None else Residual(*parts, scale=scale)
        layers.append(whole)
    dense.append(Dense(WIDTH, 1, rng=rng))
    return Network(*layers, dense[-1]), dense


def compare_blocks(compute, activation):
    """Hold each way to normalise, with and without shortcuts, to the package's blocks."""
    cases = []
    for at, (norm, scale, depth) in enumerate(
        itertools.product(NORMS, [None, 1.0, 0.3, 0.0], [1, 7])
    ):
        rng = np.random.default_rng(at)
        net, dense = block_network(activation, norm, scale, depth, rng)
        x = 2 * rng.standard_normal((9, WIDTH)) + 0.5
        y = rng.integers(0, 2, 9)
        cases.append((net, dense, x, y, norm, scale))
    given = [
        {
            "weights": [one.arrays[0] for one in dense],
            "activation": activation,
            "normalization": norm,
            "x": x,
            "y": y.tolist(),
        }
        | ({} if scale is None else {"keep": 1, "scale": scale})
        for _, dense, x, y, norm, scale in cases
    ]
    for (net, dense, x, y, norm, scale), found in zip(cases, compute(BLOCKS, given), strict=True):
        name = f"{activation} {norm} {scale}"
        close(found["loss"], net.loss_and_gradients(x, y), name=name)
        for one, wanted in zip(found["h"], net.values[:-1], strict=True):
            close(one, wanted, name=f"{name} h")
        for one, wanted in zip(found["deltas"], net.deltas[:-1], strict=True):
            close(one, wanted, name=f"{name} dL/dh")
        for one, layer in zip(found["weights"], dense[:-1], strict=True):
            close(one, layer.gradients[0], name=f"{name} dL/dW")


@pytest.mark.parametrize("activation", ELEMENTWISE)
def test_normalised_layers_and_shortcuts_are_the_package_s_blocks(compute, activation):
    compare_blocks(compute, activation)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("batch: [true, 1e-3, true]", "batch: [true, 1e-3, false]"),
        ("layer: [true, 1e-3, false]", "layer: [true, 1.00000001e-3, false]"),
        ("rms: [false,", "rms: [true,"),
        ("- hat[at] * along", ""),
        ("keep * one +", "one +"),
        ("+= above[at]", "+= 0"),
        ("scale * one * derivative", "one * derivative"),
        ("outer(step, h[l], before", "outer(step, h[l], above"),
    ],
)
def test_a_fault_in_a_block_is_noticed(compute, old, new):
    compute.plant("blocks.js", old, new)
    with pytest.raises(AssertionError):
        compare_blocks(compute, "tanh")


def every_verdict():
    """Return networks that reach all verdicts."""
    rng = np.random.default_rng(0)
    found = []
    for name, depth, factor, shift in itertools.product(
        ["sigmoid", "tanh", "relu", "silu"], [1, 3, 10], [0.3, 1.0, 4.0, 30.0], [0.0, -3.0]
    ):
        net = MLP([6, *depth * [12], 1], name, rng=rng)
        for at in range(depth):
            net.weights[at] *= factor
            net.biases[at][: 12 if shift == 0 else 10] += shift * factor
        x = rng.standard_normal((40, 6))
        found.append((net, x, (x[:, 0] > 0).astype(int)))
    # Most of one layer is dead, and the product is within its bounds all the same.
    net = MLP([6, *10 * [64], 1], rng=rng)
    net.biases[2][:56] = -50
    found.append((net, x, (x[:, 0] > 0).astype(int)))
    # What is wrong with the first weights alone, the signal tells and not the gradient.
    for factor in [1e-4, 1e4]:
        net = MLP([6, 12, 12, 1], rng=rng)
        net.weights[0] *= factor
        found.append((net, x, (x[:, 0] > 0).astype(int)))
    found.append((MLP([6, 12, 1], rng=rng), np.ones((5, 6)), np.array([0, 1, 1, 0, 1])))
    for broken in ["weights", "biases"]:
        net = MLP([6, 12, 12, 1], rng=rng)
        getattr(net, broken)[1][...] = 0.5 if broken == "weights" else np.inf
        found.append((net, x, (x[:, 0] > 0).astype(int)))
    return found


def test_each_verdict_is_reached_and_the_same(compute):
    cases = every_verdict()
    reports = [measure(*case) for case in cases]
    assert {report.verdict for report in reports} == set(CODES)
    assert len({layer.verdict for report in reports for layer in report.layers}) == len(CODES)
    page = compute(PASSES, [sent(*case) for case in cases])
    for (net, x, _), wanted, found in zip(cases, reports, page, strict=True):
        compare_report(found["report"], net, wanted, net.forward(x))


def test_one_seed_draws_what_numpy_draws(compute):
    script = """
    return text(given.map((seed) => {
      const rng = new Generator(seed);
      const first = [rng.normals(100000), rng.uniforms(50, -2, 3)];
      const whole = Int32Array.from({ length: 7 }, () => rng.integer(1));
      return [...first, whole, rng.permutation(300), rng.copy().normals(3), rng.normals(3)];
    }));
    """
    seeds = [0, 1, 2**32 - 1]
    for seed, found in zip(seeds, compute(script, seeds), strict=True):
        rng = np.random.default_rng(seed)
        normals = rng.standard_normal(100000)
        assert np.abs(normals).max() > 3.66, "the tail of the ziggurat is drawn from"
        close(found[0], normals, rtol=1e-13)
        close(found[1], rng.uniform(-2, 3, 50), rtol=1e-15)
        assert found[2] == rng.integers(0, 2, 7).tolist()
        assert found[3] == rng.permutation(300).tolist()
        close(found[5], rng.standard_normal(3))
        assert found[4] == found[5]


def test_initializers_draw_the_package_s_weights(compute):
    script = """
    const { draw, INITIALIZERS } = await import("/explorers/initializers.js");
    return text([Object.keys(INITIALIZERS), given.map(([name, shape, parameters]) => {
      const rng = new Generator(5);
      return [draw(name, ...shape, rng, parameters), rng.random()];
    })]);
    """
    shapes = [(7, 5), (5, 7), (40, 40)]
    cases = [[name, shape, {}] for name in initializers.NAMES for shape in shapes]
    cases += [["he_normal", (9, 4), {"negative_slope": 0.2}]]
    cases += [["random_normal", (9, 4), {"mean": 1.0, "stddev": 2.0}]]
    names, found = compute(script, cases)
    assert names == list(initializers.NAMES)
    for (name, shape, parameters), (weights, after) in zip(cases, found, strict=True):
        rng = np.random.default_rng(5)
        close(weights, initializers.get(name)(shape, rng, **parameters), name=name)
        assert after == rng.random(), f"{name} draws as often as the package's"


TRAIN = """
const { Trainer } = await import("/explorers/trainer.js");
const { loadKernel } = await import("/explorers/kernel.js");
const kernel = await loadKernel();
return text(given.map(({ widths, options, x, y, batchSize, fast }) => {
  const net = new engine.MLP(widths, options);
  const path = fast ? new Trainer(net, kernel) : net;
  const rates = { learningRate: 0.01, batchSize };
  const loss = [1, 2, 3, 4].map(() => path.epoch(array(x), array(y), rates));
  return { loss, weights: net.weights, biases: net.biases };
}));
"""


@pytest.mark.parametrize("fast", [False, True], ids=["plain", "fast"])
@pytest.mark.parametrize("activation", ELEMENTWISE)
def test_training_is_the_package_s_step_for_step(compute, activation, fast):
    compare_training(compute, activation, fast)


def compare_training(compute, activation, fast):
    """Hold a few epochs, with their shuffling and masks, to ``MLP.fit``."""
    rng = np.random.default_rng(1)
    sizes = [
        ([2, 7, 8, 1], "binary", 10),
        ([3, 8, 5, 3], "multiclass", 7),
        ([2, 9, 2], "count", 32),
    ]
    cases = [(*size, dropout) for size, dropout in itertools.product(sizes, [0.0, 0.25])]
    data = []
    for widths, head, _, _ in cases:
        x = rng.standard_normal((83, widths[0]))
        data.append((x, labels(head, widths[-1], 83, rng)))
    given = [
        {
            "widths": widths,
            "options": {"activation": activation, "head": head, "dropout": dropout, "rng": 4},
            "x": x,
            "y": MLP(widths, head=head).head.targets(y, widths[-1]),
            "batchSize": size,
            "fast": fast,
        }
        for (widths, head, size, dropout), (x, y) in zip(cases, data, strict=True)
    ]
    for (widths, head, size, dropout), (x, y), found in zip(
        cases, data, compute(TRAIN, given), strict=True
    ):
        net = MLP(widths, activation, head=head, dropout=dropout, rng=4)
        history = net.fit(x, y, epochs=4, learning_rate=0.01, batch_size=size)
        close(found["loss"], history.loss, rtol=AFTER_STEPS)
        for one, wanted in zip(found["weights"], net.weights, strict=True):
            close(one, wanted, rtol=AFTER_STEPS)
        for one, wanted in zip(found["biases"], net.biases, strict=True):
            close(one, wanted, rtol=AFTER_STEPS)


MOVES = """
const { OPTIMIZERS } = await import("/explorers/optimizers.js");
const { Trainer } = await import("/explorers/trainer.js");
const { loadKernel } = await import("/explorers/kernel.js");
const kernel = await loadKernel();
return text([OPTIMIZERS, given.map(({ options, x, y, epochs, batchSize, fast }) => {
  const net = new engine.MLP([3, 8, 7, 2], { head: "multiclass", rng: 4, ...options });
  const path = fast ? new Trainer(net, kernel) : net;
  const shuffles = new Generator(4);
  const n = x.length / 3;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = shuffles.permutation(n).subarray(0, n - (n % batchSize));
    path.epoch(array(x), array(y), { learningRate: 0.01, batchSize, order });
  }
  return [...net.weights, ...net.biases];
})]);
"""
# One step on all examples; steps on batches of a strip, and of less and of more than one.
LENGTHS = [(1, 83, RTOL), (6, 10, AFTER_STEPS), (5, 7, AFTER_STEPS), (5, 25, AFTER_STEPS)]


def compare_optimizers(compute, fast, names=OPTIMIZERS):
    """Hold one step, and many on the same batches, to ``Stack``."""
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((83, 3)), rng.integers(0, 2, 83)
    cases = list(itertools.product(names, ["relu", "softplus"], LENGTHS))
    given = [
        {
            "options": {"activation": activation, "optimizer": optimizer},
            "x": x,
            "y": np.eye(2)[y],
            "epochs": epochs,
            "batchSize": size,
            "fast": fast,
        }
        for optimizer, activation, (epochs, size, _) in cases
    ]
    known, found = compute(MOVES, given)
    assert known == list(OPTIMIZERS)
    for (optimizer, activation, (epochs, size, rtol)), arrays in zip(cases, found, strict=True):
        arms = {"": Arm(activation, learning_rate=0.01)}
        stack = Stack([3, 8, 7, 2], arms, 4, optimizer=optimizer)
        stack.fit(x, y, epochs, size)
        for one, wanted in zip(arrays, [*stack.weights, *stack.biases], strict=True):
            close(one, wanted, rtol=rtol, name=f"{optimizer} {activation} {size}")


RULES = {
    "sgd": optimizers.SGD,
    "momentum": lambda rate: optimizers.SGD(rate, momentum=0.9),
    "adam": optimizers.Adam,
}
STEPS = """
const { Optimizer, warmup } = await import("/explorers/optimizers.js");
return text(given.map(({ name, steps, gradients }) => {
  const arrays = [new Float64Array(7).fill(1), new Float64Array(3)];
  let optimizer = new Optimizer(name);
  return gradients.map((both) => {
    // One that was copied goes on as the first would.
    optimizer = optimizer.copy();
    const rate = optimizer.begin(steps ? warmup(0.03, steps) : 0.03);
    optimizer.step(arrays, both.map(array), rate);
    return arrays.map((one) => [...one]);
  });
}));
"""


def compare_steps(compute):
    """Hold forty steps, one by one, to ``livegrad.optimizers`` on the same gradients."""
    rng = np.random.default_rng(0)
    gradients = [[rng.standard_normal(7), rng.standard_normal(3)] for _ in range(40)]
    cases = list(itertools.product(RULES, [0, 1, 8, 100]))
    given = [{"name": name, "steps": steps, "gradients": gradients} for name, steps in cases]
    for (name, steps), found in zip(cases, compute(STEPS, given), strict=True):
        optimizer = RULES[name](optimizers.warmup(0.03, steps) if steps else 0.03)
        arrays = [np.ones(7), np.zeros(3)]
        for at, (both, moved) in enumerate(zip(gradients, found, strict=True)):
            optimizer.step(arrays, both)
            for one, wanted in zip(moved, arrays, strict=True):
                close(one, wanted, name=f"{name}, warm-up {steps}, step {at}")


def test_each_step_is_the_package_s(compute):
    compare_steps(compute)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("(step + 1) / steps", "step / steps"),
        ("Math.min(1, (step + 1) / steps)", "(step + 1) / steps"),
        ("rate(this.#steps - 1)", "rate(this.#steps)"),
        ("other.#steps = this.#steps", "other.#steps = 0"),
        ("arrays.map((array) => array.slice())", "arrays.map((array) => array.fill(0))"),
        ("0.9 * velocity[i] -", "0.90000000001 * velocity[i] -"),
    ],
)
def test_a_fault_in_a_step_is_noticed(compute, old, new):
    compute.plant("optimizers.js", old, new)
    with pytest.raises(AssertionError):
        compare_steps(compute)


@pytest.mark.parametrize("fast", [False, True], ids=["plain", "fast"])
def test_a_schedule_counts_the_steps_of_all_epochs(compute, fast):
    script = TRAIN.replace("learningRate: 0.01", "learningRate: warmup(0.05, 30)").replace(
        "const kernel", 'const { warmup } = await import("/explorers/optimizers.js"); const kernel'
    )
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((83, 2)), rng.integers(0, 2, 83)
    cases = list(itertools.product(RULES, [1, 10, 25, 83]))
    given = [
        {
            "widths": [2, 6, 5, 1],
            "options": {"activation": "tanh", "rng": 4, "optimizer": name},
            "x": x,
            "y": y.tolist(),
            "batchSize": size,
            "fast": fast,
        }
        for name, size in cases
    ]
    for (name, size), found in zip(cases, compute(script, given), strict=True):
        net = MLP([2, 6, 5, 1], "tanh", rng=4)
        optimizer = RULES[name](optimizers.warmup(0.05, 30))
        history = net.fit(x, y, epochs=4, batch_size=size, optimizer=optimizer)
        close(found["loss"], history.loss, rtol=AFTER_STEPS, name=f"{name} {size}")
        for one, wanted in zip(found["weights"], net.weights, strict=True):
            close(one, wanted, rtol=AFTER_STEPS, name=f"{name} {size}")


@pytest.mark.parametrize("fast", [False, True], ids=["plain", "fast"])
def test_each_optimizer_moves_the_weights_as_the_stack_s_does(compute, fast):
    compare_optimizers(compute, fast)


@pytest.mark.parametrize(
    ("file", "old", "new", "optimizer"),
    [
        ("optimizers.js", "0.9 * velocity[i] -", "0.9000001 * velocity[i] -", "momentum"),
        ("optimizers.js", "w[i] += velocity[i]", "w[i] -= velocity[i]", "momentum"),
        ("optimizers.js", "Math.sqrt(1 - 0.999 ** step)", "(1 - 0.999 ** step)", "adam"),
        ("optimizers.js", "(1 - 0.9 ** step)", "(1 - 0.9)", "adam"),
        ("optimizers.js", "0.1 * (g[i] - first[i])", "0.1 * g[i]", "adam"),
        ("optimizers.js", "(g[i] * g[i] - second[i])", "(g[i] * g[i] + second[i])", "adam"),
        ("optimizers.js", "+ 1e-7", "+ 1e-8", "adam"),
        ("optimizers.js", "this.#steps += 1", "this.#steps = 1", "adam"),
        ("optimizers.js", "this.#moments[at] ??=", "this.#moments[at] =", "momentum"),
        ("trainer.js", "plain ? -rate : 1", "plain ? -rate : 1.001", "momentum"),
        ("trainer.js", "gradients.fill(0)", "gradients.fill(1e-6)", "adam"),
    ],
)
def test_a_fault_in_an_optimizer_is_noticed(compute, file, old, new, optimizer):
    compute.plant(file, old, new)
    with pytest.raises(AssertionError):
        compare_optimizers(compute, True, [optimizer])


def test_training_that_diverges_stops_on_both_paths(compute):
    x = np.random.default_rng(0).standard_normal((40, 2))
    given = [
        {
            "widths": [2, 8, 1],
            "options": {"head": "regression", "rng": 0},
            "x": 1e200 * x,
            "y": x[:, :1],
            "batchSize": size,
            "fast": fast,
        }
        for fast in [False, True]
        for size in [10, 25]
    ]
    for found in compute(TRAIN, given):
        assert not np.isfinite(np.array(found["loss"], dtype=float)).any()
        assert all(np.isfinite(np.array(w, dtype=float)).all() for w in found["weights"])


def test_the_kernel_s_functions_are_right_to_two_units_in_the_last_place(compute):
    script = """
    const { loadKernel } = await import("/explorers/kernel.js");
    const memory = new WebAssembly.Memory({ initial: 16 });
    const { exports } = new WebAssembly.Instance(await loadKernel(), { js: { memory } });
    const view = new Float64Array(memory.buffer);
    return text(["tanh", "sigmoid"].map((name) => {
      view.set(array(given));
      exports[name](0, 8 * given.length, given.length / 2);
      return [view.slice(0, given.length), view.slice(given.length, 2 * given.length)];
    }));
    """
    rng = np.random.default_rng(0)
    sizes = np.exp(rng.uniform(-40, 6, 20000)) * rng.choice([-1, 1], 20000)
    z = np.concatenate([sizes, rng.uniform(-10, 10, 20000), [0.0, -0.0, np.inf, -np.inf]])
    found = compute(script, z)
    for name, (values, slopes) in zip(["tanh", "sigmoid"], found, strict=True):
        activation = activations.get(name)
        exact = activation(z.astype(np.longdouble)).astype(float)
        np.testing.assert_allclose(np.array(values, float), exact, rtol=2.5 * 2**-52, atol=1e-300)
        slope = activation.derivative(z)
        np.testing.assert_allclose(np.array(slopes, float), slope, rtol=0, atol=1e-15)


def test_the_kernel_is_what_its_program_writes(root):
    path = root / "benchmarks" / "explorers" / "kernel.py"
    spec = importlib.util.spec_from_file_location("kernel", path)
    kernel = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(kernel)
    assert kernel.KERNEL.read_bytes() == kernel.assembled(), f"run {path}"


def test_what_is_published_has_no_comments_but_notices(root):
    assets = root / "docs" / "assets"
    sources = [path for at in ("*", "explorers/*", "predict/*") for path in assets.glob(f"{at}.js")]
    assert len(sources) > 15
    published = {path.name: explorers.bare(path.read_text("utf-8")) for path in sources}
    for name, code in published.items():
        opened = re.findall(r"^\s*(?:/\*|//).*", code, re.MULTILINE)
        assert len(opened) == (name == "activations.js"), name
    assert "Copyright (C) 1993 by Sun Microsystems" in published["activations.js"]
    code = 'a = "/* b */"; // c\n/* d\n e */\n\n  f("; // g");\n  h = `\n\n  i; // j`;\n  k();\n'
    kept = 'a = "/* b */";\nf("; // g");\nh = `\n\n  i; // j`;\nk();\n'
    assert explorers.bare(code) == kept


FAULTS = [
    ("activations.js", "(4 * small)", "(4.000000001 * small)", "tanh"),
    ("activations.js", "x > 0 ? 1 : alpha", "x > 0 ? 1 : 1.00000001 * alpha", "elu"),
    ("matrix.js", "out[to + o] = bias[o]", "out[to + o] = 0", "relu"),
    ("matrix.js", "sum += delta[from + o]", "sum -= delta[from + o]", "relu"),
    ("heads.js", "(z - t) * (z - t), 2)", "(z - t) * (z - t), 1)", "relu"),
    ("heads.js", "total / logits.length;", "total / (logits.length + 1e-9);", "relu"),
    ("engine.js", "mask ? above[i] * (mask[i] / keep)", "mask ? above[i] * mask[i]", "relu"),
    ("engine.js", "a[i] / keep : 0", "a[i] : 0", "relu"),
    ("engine.js", "one - p[k] * sum", "one - p[k]", "log_softmax"),
    ("optimizers.js", "w[i] -= rate * g[i]", "w[i] += rate * g[i]", "relu"),
    ("signals.js", "alive[o] = 1", "alive[o] = 0", "relu"),
    ("matrix.js", "square / signal.length) / scale", "square / signal.length)", "relu"),
]


@pytest.mark.parametrize(("file", "old", "new", "activation"), FAULTS)
def test_a_planted_fault_is_noticed(compute, file, old, new, activation):
    compute.plant(file, old, new)
    with pytest.raises(AssertionError):
        compare_passes(compute, networks(activation))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("GRADIENT_BOUNDS = [0.005, 20]", "GRADIENT_BOUNDS = [0.006, 20]"),
        ("SIGNAL_BOUNDS = [0.004, 100]", "SIGNAL_BOUNDS = [0.004, 90]"),
        ("A_TWENTIETH = 0.05", "A_TWENTIETH = 0.04"),
        ("3 * Math.sqrt", "2 * Math.sqrt"),
        ("bound ** (1 / depth)", "bound ** (2 / depth)"),
        ('verdict.startsWith("vanishing"))', 'verdict.startsWith("exploding"))'),
        ("units < 2 ||", "units < 20 ||"),
        ('name !== "relu" || slope > 0', "true"),
    ],
)
def test_a_fault_in_a_verdict_is_noticed(compute, old, new):
    compute.plant("signals.js", old, new)
    with pytest.raises(AssertionError):
        test_each_verdict_is_reached_and_the_same(compute)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("trainer.js", "b : gb, m, factor)", "b : gb, 1, factor)"),
        ("trainer.js", "masks[l][(start + e) * m + o] / keep", "masks[l][e * m + o] / keep"),
        ("trainer.js", "below.s, below.d, k, m", "below.a, below.d, k, m"),
        ("random.js", "while (j > i) j", "if (j > i) j"),
    ],
)
def test_a_fault_in_training_is_noticed(compute, file, old, new):
    compute.plant(file, old, new)
    with pytest.raises(AssertionError):
        compare_training(compute, "tanh", True)
