"""The explorers: used by mouse, keyboard and touch, with every number compared with the package."""

import contextlib
import gzip
import io
import itertools
import math
import re
from pathlib import Path

import numpy as np
import pytest

from livegrad import MLP, activations, measure, outputs
from livegrad.dropout import dropout
from livegrad.optimizers import SGD
from livegrad.signals import A_TWENTIETH
from livegrad_site.read import fences

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    "activation": "activations/index.md",
    "dropout": "dropout/signal.md",
    "head": "outputs/index.md",
    "landscape": "step/rate.md",
    "product": "index.md",
    "softmax": "outputs/multiclass.md",
}
NAMES = list(PAGES)
DESKTOP = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True}
EXACT = 1e-12
BUDGET = 75_000  # bytes, compressed, of all explorers together


def address_of(name):
    return PAGES[name].removesuffix("index.md").replace(".md", "/")


@pytest.fixture
def explore(open_page):
    """Open an explorer's page and wake it; ``page.ask`` evaluates with ``x``, its face."""

    def opened(name, query="", change=None, **options):
        page = open_page("404.html" if change else address_of(name) + query, **(options or DESKTOP))
        if change:
            spoil(page, *change)
            page.goto(page.url.replace("404.html", address_of(name) + query))
        return awake(page, name)

    return opened


def awake(page, name):
    box = page.locator(f"[data-explorer={name}]")
    box.evaluate("element => element.scrollIntoView()")
    page.wait_for_selector(f"[data-explorer={name}][data-ready]")
    page.box = box

    def ask(expression, given=None):
        """Evaluate when what changed has been drawn."""
        return box.evaluate(
            f"""async (element, given) => {{
                const x = element.explorer;
                const answer = ({expression});
                for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame);
                return answer;
            }}""",
            given,
        )

    page.ask = ask
    page.state = lambda: ask("x.state()")
    page.ask("0")
    return page


def spoil(page, module, right, wrong):
    """Serve a file of the explorers changed, with a planted fault for instance."""
    text = (ROOT / "docs/assets/explorers" / module).read_text("utf-8")
    assert right in text
    kind = "text/css" if module.endswith(".css") else "text/javascript"
    page.route(
        f"**/{module}",
        lambda route: route.fulfill(
            body=text.replace(right, wrong), content_type=f"{kind}; charset=utf-8"
        ),
    )


def differs(got, want):
    """Whether numbers differ by more than rounding does, relative to their size."""
    got, want = np.broadcast_arrays(np.asarray(got, float), np.asarray(want, float))
    same = (got == want) | (np.isnan(got) & np.isnan(want))
    with np.errstate(invalid="ignore"):
        near = np.isfinite(got) & (np.abs(got - want) <= EXACT * np.abs(want) + 1e-300)
    return not (same | (near & np.isfinite(want))).all()


def test_numbers_that_differ_are_told_apart():
    assert not differs([1.0, 0.0, math.nan, math.inf], [1.0 + 1e-13, 0.0, math.nan, math.inf])
    for one, other in [(1.0, 1 + 1e-11), (0.0, 1e-20), (math.nan, 1.0), (math.inf, 1.0)]:
        assert differs(one, other) and differs(other, one)


# ---------------------------------------------------------------------------------------------
# Numbers, against the package


def activation_faults(page):
    """States in which the activation lab and the package say different numbers."""
    states = [
        {"f": name, "g": "none", "z": z, "slope": slope, "alpha": alpha, "T": temperature}
        for name, z in itertools.product(
            activations.NAMES, [-5.0, -3.3, -1.0, -0.1, 0.0, 0.4, 1.4, 5.0]
        )
        for slope, alpha, temperature in [(0.01, 1.0, 1.0), (0.2, 0.3, 0.2), (0.0, 2.0, 4.0)]
    ]
    found = page.ask("given.map((state) => (x.set(state), x.numbers()))", states)
    return [state for state, numbers in zip(states, found, strict=True) if is_wrong(state, numbers)]


def is_wrong(state, numbers):
    activation = activations.get(state["f"])
    known = {"negative_slope": state["slope"], "alpha": state["alpha"], "temperature": state["T"]}
    given = {name: known[name] for name in activation.parameters if name in known}
    if activation.elementwise:
        value, slope = activation(state["z"], **given), activation.derivative(state["z"], **given)
    else:
        z = [state["z"], 0.0, 0.0]
        value, slope = activation(z, **given)[0], activation.jacobian(z, **given)[0, 0]
    saturated = activation.saturates != "no" and abs(slope) < A_TWENTIETH * activation.max_slope
    return (
        differs([numbers["value"], numbers["slope"], numbers["ten"]], [value, slope, slope**10])
        or numbers["saturated"] != saturated
    )


def test_values_and_slopes_are_those_of_the_package(explore):
    page = explore("activation")
    assert activation_faults(page) == []
    assert page.complaints == []


@pytest.mark.parametrize(
    "fault",
    [
        ("activations.js", "alpha * Math.exp(x)", "alpha * Math.exp(x) * (1 + 1e-11)"),
        ("activations.js", "0.5 * erfc(-x / ROOT_2)", "0.5 * erfc(-x / ROOT_2) * (1 + 1e-11)"),
        ("activation.js", "(p * (1 - p)) / T", "p * (1 - p)"),
        ("activation.js", "A_TWENTIETH = 0.05", "A_TWENTIETH = 0.08"),
    ],
)
def test_a_wrong_value_slope_or_saturation_is_caught(explore, fault):
    assert activation_faults(explore("activation", change=fault)) != []


def test_the_formulas_are_the_package_s_far_out_and_at_the_limits(explore):
    """Where a formula could overflow or lose its digits, which the lab's slider does not reach."""
    page = explore("activation")
    rng = np.random.default_rng(0)
    finite = [0.0, 1e-300, 5e-9, 37.5, 700.0, 1e4, 1e200, *np.abs(rng.normal(0, 10, 300))]
    inputs = np.array([s * x for x in finite for s in (1, -1)] + [np.inf, -np.inf, np.nan])
    for name in activations.NAMES[:10]:
        activation = activations.get(name)
        got = page.evaluate(
            """async ([name, inputs]) => {
                const { ACTIVATIONS } = await import(new URL("assets/explorers/activations.js",
                    new URL(document.querySelector("script[src*='load.js']").src + "/../../../")));
                const { value, derivative, range, maxSlope, ...more } = ACTIVATIONS[name];
                return [inputs.map(Number).map((x) => [String(value(x)), String(derivative(x))]),
                    [...range, maxSlope].map(String), more.saturates, more.standard];
            }""",
            [name, [repr(float(x)).replace("inf", "Infinity") for x in inputs]],
        )
        pairs = np.array([[float(part) for part in pair] for pair in got[0]])
        # What is denormal in either has lost its digits.
        want = np.stack([activation(inputs), activation.derivative(inputs)], axis=1)
        small = (np.abs(want) < 1e-290) & (np.abs(pairs) < 1e-290)
        assert not differs(np.where(small, 0, pairs), np.where(small, 0, want)), name
        facts = [*activation.range, activation.max_slope]
        assert not differs([float(part) for part in got[1]], facts), name
        assert got[2] == activation.saturates
        assert got[3] == next(iter(activation.parameters.values()), None)


def softmax_faults(page):
    rng = np.random.default_rng(1)
    wrong = []
    for count, temperature in itertools.product([2, 3, 5], [0.1, 0.8, 1, 10]):
        z = np.round(rng.uniform(-6, 6, count), 1).tolist()
        page.ask("x.set(given)", {"z": z, "T": temperature})
        numbers = page.ask("x.numbers()")
        p = activations.softmax(z, temperature=temperature)
        gap = activations.sigmoid((z[-1] - z[0]) / temperature) if count == 2 else 0
        if differs(numbers["p"], p) or differs(numbers.get("sigmoid", 0), gap):
            wrong.append((z, temperature))
    return wrong


def test_probabilities_are_those_of_the_package(explore):
    assert softmax_faults(explore("softmax")) == []


def test_a_wrong_probability_is_caught(explore):
    fault = ("softmax.js", "softmax(z, T);", "softmax(z, T * (1 + 1e-10));")
    assert softmax_faults(explore("softmax", change=fault)) != []


A = np.array([0.9, 0.2, 0.7, 0.4, 0.8, 0.1, 0.6, 0.5])
W = np.array([1.2, -0.9, -1.1, 1.6, 0.5, 1.4, -1.6, 0.3])


def dropout_faults(page):
    wrong = []
    for unit, rate, seed in itertools.product(
        ["linear", "relu", "sigmoid"], [0, 0.05, 0.5, 0.9], [0, 9999]
    ):
        page.ask("x.set(given)", {"unit": unit, "rate": rate, "seed": seed, "mask": 7})
        numbers = page.ask("x.numbers()")
        masked, masks = dropout(np.tile(A, (500, 1)), rate, seed)
        many = activations.get(unit)(masked @ W)
        summary = [numbers[name] for name in ["mean", "spread", "plain", "output"]]
        # A sum of terms that cancel keeps its absolute precision only; so does a spread of 0.
        close = np.allclose(numbers["outputs"], many, rtol=EXACT, atol=1e-14)
        close &= np.allclose(
            summary,
            [many.mean(), many.std(), activations.get(unit)(A @ W), many[7]],
            rtol=EXACT,
            atol=1e-14,
        )
        if not close or not np.array_equal(numbers["masks"], masks):
            wrong.append((unit, rate, seed))
    return wrong


def test_masks_outputs_and_spread_are_those_of_the_package(explore):
    assert dropout_faults(explore("dropout")) == []


@pytest.mark.parametrize(
    "fault",
    [
        ("random.js", "0x8b51f9dd", "0x8b51f9dc"),
        ("dropout.js", "u >= rate", "u > rate + 1e-3"),
        ("dropout.js", "A[i] / (1 - rate)", "A[i] / (1 - rate * (1 + 1e-10))"),
    ],
)
def test_a_wrong_mask_or_scale_is_caught(explore, fault):
    assert dropout_faults(explore("dropout", change=fault)) != []


def head_faults(page):
    """What the explorer says of a task against what the package says of it."""
    wrong = []
    for task in outputs.TASKS:
        page.ask("x.set(given)", {"task": task})
        numbers = page.ask("x.numbers()")
        head = outputs.head(task)
        names = ["units", "activation", "loss", "label_shape", "labels", "keras_layer"]
        for name in [*names, "keras_loss", "examples"]:
            if numbers[name] != getattr(head, name):
                wrong.append((task, name))
        space = {}
        with contextlib.redirect_stdout(io.StringIO()):
            exec(page.ask("x.python()"), space)
        if differs(numbers["difference"], space["difference"][0]):
            wrong.append((task, "difference"))
    return wrong


def test_each_head_is_that_of_the_package(explore):
    page = explore("head")
    assert head_faults(page) == []


@pytest.mark.parametrize(
    "fault",
    [
        ("head.js", "[task, units, activation, loss,", "[task, activation, units, loss,"),
        (
            "head.js",
            "softmax: (logits) => softmax(logits)",
            "softmax: (logits) => softmax(logits, 2)",
        ),
        ("head.js", "return [task, {", 'return [task === "count" ? "binary" : task, {'),
    ],
)
def test_a_wrong_head_is_caught(explore, fault):
    try:
        wrong = head_faults(explore("head", change=fault))
    except Exception as error:
        wrong = [str(error)]
    assert wrong != []


def landscape_faults(page):
    wrong = []
    for rate, steep, momentum in itertools.product([0.005, 0.2, 0.6], [2, 10, 50], [0, 0.5, 0.95]):
        page.ask("x.set(given)", {"rate": rate, "steep": steep, "momentum": momentum})
        numbers = page.ask("x.numbers()")
        curvature, w = np.array([1.0, steep]), np.array([-2.0, 1.0])
        descent = SGD(rate, momentum)
        points = []
        for _ in numbers["points"]:
            points.append(w.copy())
            descent.step([w], [curvature * w])
        losses = [float((curvature * point**2).sum() / 2) for point in points]
        bound = 2 * (1 + momentum) / steep
        if differs(numbers["losses"], losses) or differs(numbers["bound"], bound):
            wrong.append((rate, steep, momentum))
        elif differs(numbers["points"], points):
            wrong.append((rate, steep, momentum, "points"))
    return wrong


def test_the_steps_of_the_landscape_are_the_package_s(explore):
    assert landscape_faults(explore("landscape")) == []


@pytest.mark.parametrize(
    "fault",
    [
        ("landscape.js", "v[i] * momentum - rate", "v[i] * momentum - 1.0000000001 * rate"),
        ("landscape.js", "(2 * (1 + momentum)) / steep", "2 / steep"),
    ],
)
def test_a_wrong_step_or_bound_is_caught(explore, fault):
    assert landscape_faults(explore("landscape", change=fault)) != []


def product_faults(page):
    """States in which a product, or one of a layer's factors, is not the package's."""
    wrong = []
    for activation, depth, scale in itertools.product(
        ["sigmoid", "tanh", "relu", "gelu"], [1, 2, 10, 16], [0.5, 1, 3]
    ):
        page.ask("x.set(given)", {"activation": activation, "depth": depth, "scale": scale})
        numbers = page.ask("x.numbers()")
        rng = np.random.default_rng(0)
        x, y = rng.standard_normal((60, 32)), rng.integers(0, 2, 60)
        net = MLP([32, *depth * [32], 1], activation, rng=rng)
        for weight in net.weights:
            weight *= scale
        trace = net.forward(x)
        back = net.backward(trace, y)
        report = measure(net, x, y)
        ways = {"gain": report.gain, "gradient": [], "signalGain": report.signal_gain, "signal": []}
        for at, before in enumerate([x, *trace.a[:-1]]):
            sizes = [np.linalg.norm(one) for one in (back.z[at + 1], back.a[at], back.z[at])]
            ways["gradient"].append([sizes[1] / sizes[0], sizes[2] / sizes[1]])
            signals = (before, trace.z[at], trace.a[at])
            spreads = [np.sqrt(one.var(axis=0).mean()) for one in signals]
            ways["signal"].append([spreads[1] / spreads[0], spreads[2] / spreads[1]])
        for name, want in ways.items():
            # A spread that has almost vanished is a small difference of numbers.
            lost = 1 if name in ("gain", "gradient") else min(report.signal_gain, 1)
            if not np.allclose(numbers[name], want, rtol=EXACT * max(1, 1e-3 / lost), atol=0):
                wrong.append((activation, depth, scale, name))
    return wrong


def test_each_factor_and_both_products_are_the_package_s(explore):
    page = explore("product")
    assert product_faults(page) == []
    assert page.complaints == []


@pytest.mark.parametrize(
    "fault",
    [
        ("product.js", "trace.z[l], a].map", "trace.z[0], a].map"),
        ("product.js", "[back.z[l + 1], a, back.z[l]]", "[back.z[l + 1], back.z[l], back.z[l]]"),
        ("product.js", "l ? trace.a[l - 1] : trace.x", "trace.x"),
        ("through.js", "scale * value", "scale * value * (1 + 1e-9)"),
    ],
)
def test_a_wrong_factor_or_product_is_caught(explore, fault):
    assert product_faults(explore("product", change=fault)) != []


def test_the_line_ends_at_the_product_and_the_bars_are_the_factors(explore):
    """What is drawn, read back from the picture: 148 pixels are 24 decades."""
    page = explore("product")
    for state in STATES["product"]:
        page.ask("x.reset(), x.set(given)", state)
        numbers = page.ask("x.numbers()")
        decade = 148 / 24
        lines = page.box.locator("path.line.ink").evaluate_all(
            "all => all.map((one) => one.getAttribute('d').match(/[\\d.]+$/)[0])"
        )
        for end, top, product in zip(lines, [26, 244], ["signalGain", "gain"], strict=True):
            drawn = (top + 74 - float(end)) / decade
            assert drawn == pytest.approx(np.log10(numbers[product]), abs=0.02), state
        heights = page.box.locator("rect.wt, rect.act").evaluate_all(
            "all => all.map((one) => [one.className.baseVal, Number(one.getAttribute('height'))])"
        )
        depth = len(numbers["signal"])
        assert [name for name, _ in heights] == ["wt", "act"] * 2 * depth
        for at, part in [(0, numbers["signal"]), (2 * depth, numbers["gradient"][::-1])]:
            sums = np.cumsum(np.log10(part), axis=0).ravel()
            found = [height / decade for _, height in heights[at : at + 2 * depth]]
            np.testing.assert_allclose(found, np.abs(sums), atol=0.02, err_msg=str(state))


def test_the_questions_lead_to_each_task(explore):
    page = explore("head")
    ways = {
        "binary": ["A name out of a list", "Exactly one", "Two"],
        "multiclass": ["A name out of a list", "Exactly one", "More than two"],
        "multilabel": ["A name out of a list", "Any number of them"],
        "regression": ["A number", "Any real number"],
        "count": ["A number", "Counts"],
    }
    assert set(ways) == set(outputs.TASKS)
    for task, answers in ways.items():
        for answer in answers:
            page.box.locator(".lgx-chips label:visible").get_by_text(answer, exact=True).click()
        page.ask("0")
        assert page.state() == {"task": task}
        assert page.locator("tr.lgx-answer td").first.inner_text() == task
        checked = page.box.locator(".lgx-chips:visible input:checked + span")
        assert checked.all_inner_texts() == answers
        head = outputs.head(task)
        shown = page.box.locator(".lgx").inner_text()
        for said in [head.activation, head.loss, head.label_shape, head.labels, head.keras_layer]:
            assert said in shown
    assert page.complaints == []


# ---------------------------------------------------------------------------------------------
# The same in Python

STATES = {
    "activation": [
        {"f": "leaky_relu", "g": "elu", "z": -1.3, "slope": 0.2, "alpha": 1.5},
        {"f": "softmax", "g": "log_softmax", "z": 0.7, "T": 2},
        {"f": "gelu", "g": "none", "z": -0.8},
        {"f": "tanh", "g": "tanh", "z": 0},
        {"f": "silu", "g": "selu", "z": -5},
    ],
    "dropout": [
        {"rate": 0.2, "unit": "sigmoid", "mask": 3, "seed": 12},
        {"rate": 0.9, "unit": "linear", "mask": 499},
        {"rate": 0},
        {"rate": 0.85, "seed": 1},
    ],
    "head": [{"task": task} for task in outputs.TASKS if task != "multiclass"],
    "landscape": [
        {"rate": 0.205},
        {"rate": 0.1, "momentum": 0.9},
        {"rate": 1, "steep": 50, "momentum": 0.95},
        {"rate": 0.2},
    ],
    "product": [
        {"activation": "relu", "depth": 16},
        {"activation": "sigmoid", "scale": 4, "depth": 7},
        {"activation": "tanh", "scale": 0.5, "depth": 1},
        {"activation": "gelu", "scale": 1.5},
    ],
    "softmax": [
        {"z": [2, 0.5], "T": 1},
        {"z": [-6, 6], "T": 0.1},
        {"z": [-3.3, 1.2, 0, 4.7, 5], "T": 2.5},
        {"z": [0, 0, 0, 0], "T": 10},
    ],
}


def block_of(name):
    """The block and the output of the fold on the explorer's page."""
    text = (ROOT / "docs" / PAGES[name]).read_text("utf-8")
    part = text.split(f'data-explorer="{name}"')[1].split("\n</div>")[0]
    code, output = fences.find(part.split('"The same in Python"')[1])
    assert code.info == "python" and output.is_output
    return code.code, output.code


def ran(code):
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(code, "<fold>", "exec"), {})
    return said.getvalue()


def shown_in(page):
    """Code and output as the fold shows them."""
    return page.box.locator("details.example pre > code").all_text_contents()


@pytest.mark.parametrize("name", NAMES)
def test_at_the_defaults_the_fold_is_the_page_s_own_block(explore, name):
    page = explore(name)
    code, output = block_of(name)
    assert page.ask("[x.python(), x.prints()]") == [code, output]
    assert shown_in(page) == [code, output]
    page.ask("x.set(given)", STATES[name][0])
    assert shown_in(page)[0] != code
    page.ask("x.reset()")
    assert shown_in(page) == [code, output]


@pytest.mark.parametrize("name", NAMES)
def test_the_fold_prints_what_is_on_screen(explore, name):
    page = explore(name)
    for state in STATES[name]:
        page.ask("x.reset(), x.set(given)", state)
        code, output = shown_in(page)
        assert ran(code) == output == page.ask("x.prints()"), state
        texts = page.box.locator(".lgx-svg text, .lgx-says").all_text_contents()
        drawn = " ".join(texts).replace("−", "-")
        assert said_by(name, output, drawn) == [], state
    assert page.complaints == []


def said_by(name, output, drawn):
    """Printed numbers that the drawing does not show, rounded as it rounds."""
    digits = {"dropout": 2, "head": 2}.get(name, 3)
    pattern = r"-?\d+\.\d{3}(?!e|\d)"
    numbers = [float(number) for number in re.findall(pattern, output)]
    if name == "softmax":
        numbers = [number for number in numbers if number != 1 or f"{number:.3f}" in drawn]
    shown = [float(number) for number in re.findall(r"-?\d+\.\d+", drawn)]
    tolerance = 0.5 * 10**-digits + 0.0005 + 1e-9
    return [number for number in numbers if not any(abs(number - s) <= tolerance for s in shown)]


def test_a_number_that_the_drawing_does_not_show_is_caught():
    assert said_by("activation", "value 0.881", "0.881 and 2.0") == []
    assert said_by("activation", "value 0.881", "0.889 and 2.0") == [0.881]
    assert said_by("dropout", "mean 1.078", "1.08") == []


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("softmax", ("softmax.js", "temperature=${float(T)}", "temperature=1.0")),
        ("dropout", ("dropout.js", "rng=${seed}", "rng=0")),
        ("activation", ("kit.js", "x.toExponential(digits)", "x.toExponential(digits + 1)")),
        ("activation", ("activation.js", "z = ${float(state.z)}", "z = ${state.z + 0.1}")),
    ],
)
def test_a_fold_that_does_not_follow_the_state_is_caught(explore, name, fault):
    page = explore(name, change=fault)
    wrong = []
    for state in STATES[name]:
        page.ask("x.reset(), x.set(given)", state)
        wrong.append(ran(page.ask("x.python()")) != page.ask("x.prints()"))
    assert any(wrong)


def test_numbers_are_written_as_python_writes_them(explore):
    page = explore("softmax")
    values = [0.125, -0.125, 0.375, 2.5, 3.5, 0.0005, 1.0005, -0.0, -0.0004, 1e-10, 123.4565, 0.5]
    values += np.random.default_rng(2).normal(0, 3, 200).tolist()
    got = page.evaluate(
        """async (values) => {
            const { fixed } = await import(document.querySelector("script[src*='load.js']").src
                .replace("load.js", "kit.js"));
            return values.map(Number).map((x) => [0, 1, 2, 3].map((digits) => fixed(x, digits)));
        }""",
        [repr(value) for value in values],
    )
    assert got == [[f"{value:.{digits}f}" for digits in range(4)] for value in values]


def test_what_is_copied_from_the_fold_is_what_it_shows(explore):
    page = explore("softmax", **DESKTOP, permissions=["clipboard-read", "clipboard-write"])
    page.ask("x.set({ T: 2.5 })")
    fold = page.box.locator("details.example").last
    fold.locator("summary").click()
    block = fold.locator(".language-python.highlight")
    block.hover()
    block.locator("button.md-clipboard, .md-code__button").first.click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == page.ask("x.python()").strip()
    assert ran(copied) == page.ask("x.prints()")


# ---------------------------------------------------------------------------------------------
# Mouse, keyboard, touch


def centre(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_logit_is_dragged_by_the_mouse(explore):
    page = explore("softmax")
    x, y = centre(page.get_by_role("slider", name="logit of class 1"))
    page.mouse.move(x, y)
    page.mouse.down()
    seen = []
    for by in range(10, 91, 20):
        page.mouse.move(x + by, y)
        seen.append(page.ask("x.state().z[1]"))
    page.mouse.up()
    page.mouse.move(x, y)
    assert seen == sorted(set(seen)) and seen[0] > 1, "each move counts"
    assert page.ask("x.state().z") == [2, seen[-1], -1], "after the release none does"
    assert page.ask("x.numbers().p[1] > 0.5")
    assert page.complaints == []


def test_the_input_is_dragged_in_both_plots(explore):
    page = explore("activation")
    x, y = centre(page.get_by_role("slider", name="input z"))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 40, y)
    page.mouse.up()
    assert -2 < page.state()["z"] < 1.5
    for pane in page.box.locator(".lgx-svg rect[fill=transparent]").all():
        box = pane.bounding_box()
        for part, z in [(0.5, 0.0), (0.1, -4.0), (0.9, 4.0)]:
            page.mouse.click(box["x"] + part * box["width"], box["y"] + 60)
            assert page.ask("x.state().z") == pytest.approx(z, abs=0.1)
    assert page.complaints == []


KEYS = [
    ("softmax", "logit of class 0", "z", lambda state: state["z"][0], 0.1, (-6, 6)),
    ("activation", "input z", "z", lambda state: state["z"], 0.1, (-5, 5)),
    ("landscape", "rate", "rate", lambda state: state["rate"], 0.005, (0.005, 1)),
    ("product", "hidden layers", "depth", lambda state: state["depth"], 1, (1, 16)),
]


@pytest.mark.parametrize(("name", "label", "key", "read", "step", "limits"), KEYS)
def test_a_knob_has_the_keys_of_a_slider(explore, name, label, key, read, step, limits):
    page = explore(name)
    knob = page.get_by_role("slider", name=label)
    knob.focus()
    before = read(page.state())
    for pressed, by in [
        *[("ArrowRight", 1), ("ArrowUp", 1), ("ArrowLeft", -1), ("ArrowDown", -1)],
        *[("PageUp", 10), ("PageDown", -10)],
    ]:
        page.keyboard.press(pressed)
        after = read(page.state())
        assert after == pytest.approx(min(before + by * step, limits[1])), pressed
        assert float(knob.get_attribute("aria-valuenow")) == after
        before = after
    for pressed, limit in [("End", limits[1]), ("ArrowRight", limits[1]), ("Home", limits[0])]:
        page.keyboard.press(pressed)
        assert read(page.state()) == limit
    said = f"{limits[0]:.1f}".replace("-", "−") if step < 1 else str(limits[0])
    assert knob.get_attribute("aria-valuetext").startswith(said)
    assert page.evaluate("document.activeElement.getAttribute('role')") == "slider"
    assert page.complaints == []


@pytest.mark.parametrize("name", NAMES)
def test_everything_is_reached_and_used_by_keyboard_alone(explore, name):
    page = explore(name)
    page.ask("x.element.querySelector('input, select, button').focus()")
    reached, states = [], set()
    for _ in range(30):
        kind = page.evaluate(
            """() => {
                const at = document.activeElement;
                return at.closest(".lgx") ? at.getAttribute("role") ?? at.type ?? at.tagName : null;
            }"""
        )
        if kind is None:
            break
        reached.append(kind)
        page.keyboard.press("Enter" if kind in ("button", "submit") else "ArrowRight")
        states.add(str(page.state()))
        page.keyboard.press("Tab")
    wanted = {
        "activation": {"radio", "select-one", "range", "slider", "button"},
        "dropout": {"range", "radio", "button"},
        "head": {"radio", "button"},
        "landscape": {"radio", "range", "slider", "button"},
        "product": {"radio", "range", "slider", "button"},
        "softmax": {"radio", "range", "slider", "button"},
    }[name]
    assert set(reached) == wanted
    assert len(states) > 2
    assert page.complaints == []


@pytest.mark.parametrize("name", NAMES)
def test_what_has_the_focus_shows_it(explore, name):
    page = explore(name)
    rings = page.evaluate(
        """(name) => [...document.querySelector(`[data-explorer=${name}] .lgx`).querySelectorAll(
            "select, button:enabled, input, [role=slider]",
        )].filter((each) => each.checkVisibility()).map((each) => {
            each.focus({ focusVisible: true });
            const ring = each.querySelector(".ring");
            const seen = each.type === "radio" ? each.nextElementSibling : each;
            const styles = getComputedStyle(ring ?? seen);
            const shown = ring ? styles.stroke : styles.outlineStyle;
            return document.activeElement === each && shown !== "none";
        })""",
        name,
    )
    assert rings and all(rings)


def touch(page, path):
    """Put a finger down, move it along the points and lift it."""
    session = page.context.new_cdp_session(page)

    def send(kind, points):
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    send("touchStart", [{"x": path[0][0], "y": path[0][1]}])
    for x, y in path[1:]:
        send("touchMove", [{"x": x, "y": y}])
        page.wait_for_timeout(20)
    send("touchEnd", [])
    page.ask("0")


def drag_left(page, knob):
    """Draw the knob 60 pixels to the left with a finger, and count how often that is cancelled."""
    page.evaluate(
        """() => {
            window.cancelled = 0;
            document.addEventListener("pointercancel", () => (window.cancelled += 1), true);
        }"""
    )
    x, y = centre(knob)
    touch(page, [(x - by, y) for by in range(0, 61, 6)])
    return page.evaluate("cancelled")


def test_a_finger_that_the_browser_takes_over_is_noticed(explore):
    fault = ("explorers.css", "touch-action: pan-y pinch-zoom", "touch-action: auto")
    page = explore("product", change=fault, **PHONE)
    assert drag_left(page, page.get_by_role("slider", name="hidden layers")) > 0


@pytest.mark.parametrize(
    ("name", "label", "read", "step"),
    [case[:2] + case[3:5] for case in KEYS],
    ids=["softmax", "activation", "landscape", "product"],
)
def test_a_finger_drags_sideways_and_scrolls_up_and_down(explore, name, label, read, step):
    page = explore(name, **PHONE)
    knob = page.get_by_role("slider", name=label)
    knob.evaluate("knob => scrollTo(0, scrollY + knob.getBoundingClientRect().top - 400)")
    before = read(page.state())
    assert drag_left(page, knob) == 0, "the browser took the finger over"
    moved = read(page.state())
    assert moved < before - min(5 * step, 2)
    x, y = centre(knob)
    scrolled = page.evaluate("scrollY")
    touch(page, [(x, y - by) for by in range(0, 201, 10)])
    page.wait_for_timeout(200)
    assert read(page.state()) == moved, "scrolling over the knob moved it"
    assert page.evaluate("scrollY") > scrolled
    assert page.complaints == []


def test_chips_sliders_buttons_and_the_selection_work_by_mouse(explore):
    page = explore("dropout")
    page.box.get_by_text("sigmoid", exact=True).click()
    rate = page.box.get_by_role("slider", name="rate")
    box = rate.bounding_box()
    page.mouse.click(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)
    page.box.get_by_role("button", name="Next mask").click()
    page.box.get_by_role("button", name="New masks").click()
    state = page.state()
    assert state["rate"] > 0.7 and state["unit"] == "sigmoid"
    assert (state["mask"], state["seed"]) == (1, 1)
    page = explore("activation")
    page.box.locator("select").select_option("leaky_relu")
    page.box.get_by_role("slider", name="negative slope").press("End")
    assert page.state()["g"] == "leaky_relu" and page.state()["slope"] == 1
    assert not page.box.get_by_text("alpha of elu").is_visible()
    page = explore("softmax")
    page.box.get_by_text("2", exact=True).click()
    assert page.state()["z"] == [2, 1]
    page.box.get_by_text("5", exact=True).click()
    assert page.state()["z"] == [2, 1, -1, 0, 0.5]


# ---------------------------------------------------------------------------------------------
# The state in the address


@pytest.mark.parametrize("name", NAMES)
def test_the_state_is_in_the_address_and_read_from_it(explore, name):
    page = explore(name)
    for patch in STATES[name]:
        page.ask("x.reset(), x.set(given)", patch)
        state = page.state()
        page.until(f"new URLSearchParams(location.search).has('{name}')")
        page.wait_for_timeout(300)
        assert re.fullmatch(rf"\?{name}=[\w.,:;-]+", page.evaluate("location.search"))
        page.reload()
        awake(page, name)
        assert page.state() == state
    page.ask("x.reset()")
    page.until("location.search === ''")
    assert page.complaints == []


def test_a_readable_address_sets_the_state_and_others_are_kept(explore):
    page = explore("softmax", "?other=1&softmax=z:1,2,3;T:2#explorer-softmax")
    assert page.state() == {"z": [1, 2, 3], "T": 2}
    page.ask("x.set({ T: 5 })")
    page.until("location.href.includes('T:5')")
    wanted = "?other=1&softmax=z:1,2,3;T:5#explorer-softmax"
    assert page.evaluate("location.search + location.hash") == wanted


@pytest.mark.parametrize(
    ("query", "state"),
    [
        ("z:9,-9,0.123;T:1000", {"z": [6, -6, 0.1], "T": 10}),
        ("z:1,x,3;T:", {"z": [2, 1, -1], "T": 1}),
        ("z:1;T:NaN", {"z": [2, 1, -1], "T": 1}),
        ("z:1,2,3,4,5,6,7", {"z": [2, 1, -1], "T": 1}),
        ("constructor:1;nonsense;;T:2", {"z": [2, 1, -1], "T": 2}),
    ],
)
def test_an_address_that_makes_no_sense_is_put_right(explore, query, state):
    page = explore("softmax", f"?softmax={query}")
    assert page.state() == state
    assert page.complaints == []


def test_the_state_stays_with_instant_navigation(explore):
    page = explore("softmax")
    page.evaluate("window.stays = true")
    page.ask("x.set({ z: [0, 3, 1], T: 2 })")
    page.until("location.search.includes('softmax')")
    page.locator(".md-footer__link--next").click()
    page.wait_for_url(re.compile("/outputs/multilabel/"))
    # The address changes before the page does.
    page.until("!document.querySelector('[data-explorer=softmax]')")
    page.go_back()
    page.until("document.querySelector('[data-explorer=softmax]')")
    awake(page, "softmax")
    assert page.state() == {"z": [0, 3, 1], "T": 2}
    assert page.evaluate("window.stays") is True, "the page was loaded anew"
    assert page.complaints == []


def test_another_page_s_explorer_wakes_after_instant_navigation(explore):
    page = explore("softmax")
    page.evaluate("window.stays = true")
    page.evaluate("window.left = document.querySelector('[data-explorer=softmax]').explorer.signal")
    page.locator(
        ".md-tabs a[href$='activations/'], .md-tabs a", has_text="Activations"
    ).first.click()
    page.wait_for_url(re.compile("/activations/"))
    page.wait_for_selector("[data-explorer=activation]")
    awake(page, "activation")
    assert page.evaluate("window.stays") is True
    assert page.evaluate("window.left.aborted") is True, "what the first left running goes on"
    assert page.evaluate("location.search") == ""
    assert page.complaints == []


@pytest.mark.parametrize("name", NAMES)
def test_reset_brings_the_defaults_back(explore, name):
    page = explore(name)
    defaults = page.state()
    reset = page.box.get_by_role("button", name="Reset")
    assert reset.is_disabled()
    page.ask("x.set(given)", STATES[name][0])
    assert page.state() != defaults
    reset.click()
    assert page.state() == defaults
    page.ask("0")
    assert reset.is_disabled()
    assert page.evaluate("document.activeElement !== document.body"), "the focus is lost"


def test_a_link_is_copied_that_sets_the_same_state(explore):
    page = explore("dropout", **DESKTOP, permissions=["clipboard-read", "clipboard-write"])
    page.ask("x.set({ rate: 0.7, seed: 3 })")
    state = page.state()
    page.box.get_by_role("button", name="Copy link").click()
    page.box.get_by_text("Link copied").first.wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.endswith("?dropout=rate:0.7;unit:relu;mask:0;seed:3#explorer-dropout")
    page.goto("about:blank")
    page.goto(link)
    awake(page, "dropout")
    assert page.state() == state


# ---------------------------------------------------------------------------------------------
# How they come and how they look


@pytest.mark.parametrize("name", NAMES)
def test_without_scripts_the_static_figure_stays(open_page, name):
    page = open_page(address_of(name), java_script_enabled=False)
    box = page.locator(f"[data-explorer={name}]")
    assert box.locator("ul li" if name == "head" else "figure.lg-figure svg").first.is_visible()
    assert box.locator(".lgx").count() == 0
    assert box.get_by_text("The same in Python").is_visible()


@pytest.mark.parametrize("name", NAMES)
def test_an_explorer_loads_when_it_is_scrolled_to(open_page, name):
    page = open_page("404.html", **DESKTOP)
    spoil(page, "explorers.css", "/* Controls */", ".lg-explorer { margin-top: 3000px !important }")
    asked = []
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    page.goto(page.url.replace("404.html", address_of(name)))
    page.wait_for_timeout(500)
    assert "load.js" in asked and "kit.js" not in asked and f"{name}.js" not in asked
    awake(page, name)
    assert "kit.js" in asked and f"{name}.js" in asked
    assert page.locator("[data-explorer] figure, [data-explorer] > ul").count() == 0
    assert page.complaints == []


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("name", NAMES)
def test_waking_moves_nothing_below(open_page, name, size):
    page = open_page("404.html", **size)
    page.route("**/kit.js", lambda route: route.abort())
    page.goto(page.url.replace("404.html", address_of(name)))
    box = page.locator(f"[data-explorer={name}]")
    asleep = box.bounding_box()["height"]
    page.unroute("**/kit.js")
    page.goto(page.url + "?again")
    awake(page, name)
    assert abs(box.bounding_box()["height"] - asleep) <= 1


EDGES = {
    "activation": [
        *[{"z": z, "f": f, "g": g} for z in (-5, 5) for f, g in [("selu", "log_softmax")]],
        {"f": "elu", "alpha": 2, "g": "leaky_relu", "z": 0},
    ],
    "dropout": [
        {"rate": 0.9, "unit": unit, "seed": seed}
        for unit in ("linear", "sigmoid")
        for seed in (1, 2)
    ]
    + [{"rate": 0}],
    "head": [{"task": "regression"}, {"task": "multilabel"}],
    "landscape": [
        {"rate": rate, "steep": steep, "momentum": momentum}
        for rate in (0.005, 1)
        for steep in (2, 50)
        for momentum in (0, 0.95)
    ],
    "product": [
        {"activation": activation, "scale": scale, "depth": depth}
        for activation in ("sigmoid", "relu")
        for scale in (0.2, 5)
        for depth in (1, 8, 16)
    ],
    "softmax": [
        {"z": [-6, 6], "T": 0.1},
        {"z": [6, -6], "T": 10},
        {"z": [6, -6, 6, -6, 0], "T": 10},
    ],
}


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("name", NAMES)
def test_everything_stays_within_its_place(explore, name, size):
    page = explore(name, **size)
    for state in [{}, *EDGES[name], *STATES[name]]:
        page.ask("x.reset(), x.set(given)", state)
        page.wait_for_timeout(300)  # what is eased has arrived
        out = page.box.evaluate(
            """element => {
                const frame = element.getBoundingClientRect();
                const parts = ".lgx-svg :is(text, circle, rect, line), .lgx :is(label, button)";
                const out = [...element.querySelectorAll(parts)]
                    .filter((each) => each.checkVisibility() && !each.matches(".reach"))
                    .map((each) => [each.textContent || each.tagName, each.getBoundingClientRect()])
                    .filter(([, box]) => box.left < frame.left - 14 || box.right > frame.right + 14)
                    .map(([text]) => text);
                const over = document.documentElement.scrollWidth - innerWidth;
                return over > 0 ? [...out, `page is ${over} too wide`] : out;
            }"""
        )
        assert out == [], state
    assert page.complaints == []


def test_motion_is_eased_for_those_who_like_it_and_not_for_others(explore):
    duration = """() => {
        const rect = document.querySelector("[data-explorer=softmax] .lgx-svg rect");
        return getComputedStyle(rect).transitionDuration;
    }"""
    page = explore("softmax", **DESKTOP, reduced_motion="no-preference")
    assert page.evaluate(duration) == "0s", "what is dragged follows at once"
    page.ask("x.set({ T: 5 }), x.reset()")
    assert page.evaluate(duration) != "0s"
    page = explore("softmax", **DESKTOP, reduced_motion="reduce")
    page.ask("x.set({ T: 5 }), x.reset()")
    assert float(page.evaluate(duration).removesuffix("s")) < 1e-3
    assert page.box.evaluate("element => element.classList.contains('lgx-eased')") is False


@pytest.mark.parametrize("name", NAMES)
def test_the_main_result_is_said_politely_once_it_rests(explore, name):
    page = explore(name)
    live = page.box.get_by_role("status")
    assert live.text_content() == "", "nothing is said before something changed"
    page.ask("x.set(given)", STATES[name][0])
    page.until(f"document.querySelector('[data-explorer={name}] [role=status]').textContent")
    assert live.text_content() == page.box.locator(".lgx-says").inner_text()


@pytest.mark.parametrize("name", NAMES)
def test_no_control_is_a_text_box_and_each_has_a_name(explore, name):
    page = explore(name)
    kinds = page.box.locator("input").evaluate_all("all => all.map((input) => input.type)")
    assert set(kinds) <= {"range", "radio", "checkbox"}
    unnamed = page.box.locator(".lgx :is(input, select, button, [role=slider])").evaluate_all(
        """all => all.filter((each) => !(each.ariaLabel || each.textContent.trim()
            || each.labels?.[0]?.textContent.trim())).map((each) => each.outerHTML)"""
    )
    assert unnamed == []


def test_colours_follow_the_theme(explore):
    colour = (
        """() => getComputedStyle(document.querySelector("[data-explorer=softmax] rect.hd")).fill"""
    )
    light = explore("softmax", **DESKTOP, color_scheme="light").evaluate(colour)
    dark = explore("softmax", **DESKTOP, color_scheme="dark").evaluate(colour)
    assert light == "rgb(168, 58, 134)"
    assert dark == "rgb(240, 146, 207)"


def weight(folder):
    return sum(
        len(gzip.compress(path.read_bytes(), 9)) for path in folder.rglob("*") if path.is_file()
    )


def test_all_explorers_together_keep_within_their_bytes(site):
    folder = site / "assets/explorers"
    assert {f"{name}.js" for name in NAMES} <= {path.name for path in folder.iterdir()}
    assert weight(folder) <= BUDGET


def test_explorers_that_are_too_heavy_are_caught(tmp_path):
    (tmp_path / "a.js").write_bytes(np.random.default_rng(0).bytes(BUDGET + 1))
    assert weight(tmp_path) > BUDGET
