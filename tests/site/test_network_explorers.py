"""The explorers that compute whole networks: their numbers, their controls, and what they cost."""

import contextlib
import importlib.util
import io
import re

import numpy as np
import pytest

from livegrad import initializers, measure
from livegrad_lab import panel, verdicts
from livegrad_lab.stack import Stack
from livegrad_site.read import fences

PAGES = {
    "claim": "experiments/claims/panel",
    "depth": "gradients/vanishing",
    "train": "experiments/index",
    "weights": "initializers/glorot",
}
DESKTOP = {
    "viewport": {"width": 1280, "height": 900},
    "reduced_motion": "reduce",
}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "reduced_motion": "reduce",
}
# The draws of the browser and of NumPy differ in the last place, and depth multiplies that.
RTOL = 1e-10
FRAME = 4  # times a million roots: 16 ms where they take 4
STATES = {
    # Where training is erratic, or near it, rounding decides: these are the others.
    "claim": [
        {},
        {"claim": "small", "data": "circles", "optimizer": "adam", "depth": 3, "epochs": 20},
        {"claim": "tanh_fan_in", "data": "moons", "depth": 3, "a": 0.3, "b": 0.03, "seed": 7},
        {"claim": "softplus", "data": "spirals", "optimizer": "momentum", "depth": 2, "width": 32},
        {"claim": "sigmoid_glorot", "optimizer": "adam", "a": 0.003, "b": 0.01, "depth": 1},
        {"claim": "elu", "a": 3, "depth": 4, "epochs": 20},
        {"claim": "gelu", "data": "circles", "depth": 4, "width": 8, "epochs": 40, "seed": 2},
    ],
    "depth": [
        {},
        {"depth": 64, "activation": "relu", "initializer": "he_normal", "width": 16},
        {"depth": 1, "activation": "gelu", "scale": 2.5, "seed": 7},
        {"depth": 30, "activation": "relu", "initializer": "he_uniform", "scale": 1.5},
        {"depth": 12, "activation": "selu", "initializer": "orthogonal", "width": 64},
        {"depth": 20, "activation": "relu", "width": 4, "scale": 3, "seed": 7},
        {"depth": 3, "activation": "tanh", "scale": 5, "initializer": "random_normal"},
        {"norm": "batch", "activation": "relu", "initializer": "he_normal"},
        {"norm": "layer", "shortcut": "identity", "depth": 30, "seed": 3},
        {"norm": "rms", "shortcut": "scaled", "start": 0.3, "scale": 2, "activation": "gelu"},
        {"shortcut": "scaled", "depth": 64, "width": 16},
        {"shortcut": "identity", "activation": "relu", "initializer": "he_uniform", "depth": 1},
        # All units of some layer are off, and what follows passes nothing on.
        {"norm": "rms", "activation": "relu", "width": 4, "depth": 40, "seed": 1},
    ],
    "train": [
        {},
        {"data": "circles", "dropout": 0.2, "epochs": 30},
        {"data": "xor", "activation": "silu", "initializer": "orthogonal", "epochs": 25, "seed": 3},
        {"data": "moons", "activation": "sigmoid", "initializer": "glorot_normal", "depth": 1},
        {"data": "iris", "activation": "tanh", "width": 4, "rate": 0.02, "epochs": 10},
        {"initializer": "zeros", "epochs": 5, "depth": 2},
        {"epochs": 0, "depth": 8},
        {"rate": 5, "epochs": 3},
        {"optimizer": "adam", "rate": 0.01, "warmup": 100, "batch": 20, "epochs": 40},
        {"optimizer": "momentum", "rate": 0.02, "data": "circles", "batch": 50, "epochs": 30},
        {"optimizer": "sgd", "warmup": 50, "data": "moons", "batch": 1, "epochs": 4},
        {"optimizer": "adam", "batch": 200, "epochs": 0},
    ],
    "weights": [
        {},
        {"show": "da", "depth": 10, "seed": 2},
        {"activation": "relu", "initializer": "he_normal", "scale": 1.2},
        {"activation": "sigmoid", "initializer": "orthogonal", "scale": 5},
    ],
}
EACH = pytest.mark.parametrize("name", list(PAGES))


@pytest.fixture
def explore(open_page, root):
    """Open the page of an explorer and scroll to it; ``page.ask`` evaluates with its face ``x``."""

    def opened(name, query="", fault=None, **options):
        path = PAGES[name].removesuffix("index").rstrip("/") + "/"
        page = open_page("404.html" if fault else path + query, **(options or DESKTOP))
        if fault:
            file, old, new = fault
            source = (root / "docs" / "assets" / "explorers" / file).read_text("utf-8")
            assert old in source
            changed = source.replace(old, new, 1)
            page.route(
                f"**/explorers/{file}",
                lambda route: route.fulfill(body=changed, content_type="text/javascript"),
            )
            page.goto(page.url.replace("404.html", path + query))
        return woken(page, name)

    return opened


def woken(page, name):
    page.box = page.locator(f"#explorer-{name}")
    page.box.scroll_into_view_if_needed()
    page.wait_for_selector(f"#explorer-{name}[data-ready]")
    code = "async (element, given) => {{ const x = element.explorer; const answer = {}; {} }}"
    drawn = "for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame); return answer;"
    page.ask = lambda asked, given=None: page.box.evaluate(code.format(asked, drawn), given)
    return page


def run_block(code):
    """Return what a block prints, and its names."""
    names, said = {}, io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(code, "<fold>", "exec"), names)
    return said.getvalue(), names


def compare(page, name):
    """Hold what is printed and what is computed, in every state, to Python."""
    for state in STATES[name]:
        page.ask("(x.reset(), x.set(given))", state)
        code, printed, numbers = page.ask("[x.python(), x.prints(), x.numbers()]")
        said, names = run_block(code)
        assert said == printed, state
        COMPARED[name](numbers, names, state)


def compare_depth(numbers, names, state):
    if "report" not in names:
        compare_blocks(numbers, names)
        return
    report = names["report"]
    assert (numbers["verdict"], numbers["why"]) == (report.verdict, report.why)
    same(numbers["gain"], report.gain)
    same(numbers["signalGain"], report.signal_gain)
    assert len(numbers["layers"]) == len(report.layers) == state.get("depth", 10) + 1
    for found, layer in zip(numbers["layers"], report.layers, strict=True):
        assert found["verdict"] == layer.verdict
        same(found["gain"], layer.gain)
        same(found["gradientNorm"], layer.gradient_norm)
        np.testing.assert_allclose(found["spread"], layer.spread, rtol=RTOL, atol=1e-13)


def compare_blocks(numbers, names):
    spread, size = names["spread"], names["size"]
    same(numbers["gain"], size[0] / size[-1])
    same(numbers["signalGain"], spread[-1] / spread[0])
    for part, wanted in [("signalGain", names["signal"]), ("gain", names["gradient"])]:
        same([layer[part] for layer in numbers["layers"]], wanted)
    norms = [np.linalg.norm(layer.gradients[0]) for layer in names["dense"]]
    same([layer["gradientNorm"] for layer in numbers["layers"]], norms)


def compare_train(numbers, names, state):
    net, x, y = names["net"], names["x"], names["y"]
    # Many steps multiply the difference of the first.
    same(numbers["loss"], net.loss(x, y), rtol=1e-6)
    assert numbers["accuracy"] == net.accuracy(x, y)
    assert len(numbers["losses"]) == state.get("epochs", 120)
    report = measure(net, x, y)
    for found, layer in zip(numbers["layers"], report.layers, strict=True):
        same(found["gradientNorm"], layer.gradient_norm, rtol=1e-6)
        assert found["dead"] == layer.dead
    slopes = [net.activation.derivative(z) for z in net.forward(x).z[:-1]]
    assert numbers["dead"] == [(slope == 0).all(axis=0).tolist() for slope in slopes]
    cells = round(len(numbers["grid"]) ** 0.5)
    middles = 2.6 * ((2 * np.arange(cells) + 1) / cells - 1)
    plane = np.stack(np.meshgrid(middles, middles[::-1]), axis=-1).reshape(-1, 2)
    np.testing.assert_allclose(numbers["grid"], net.predict(plane)[:, 0], rtol=1e-6, atol=1e-9)


def compare_weights(numbers, names, state):
    arrays = names["trace"].a
    if state.get("show") == "da":
        arrays = names["net"].backward(names["trace"], names["y"]).a
    for found, values in zip(numbers["layers"], arrays, strict=True):
        same(found["deviation"], values.std())
        limit = numbers["limit"]
        counts, _ = np.histogram(values, bins=60, range=(-limit, limit))
        # A value at the edge of two bins may fall into either.
        assert np.abs(np.array(found["counts"]) - counts).sum() <= 4


def compare_claim(numbers, names, state):
    x, y, arms = names["x"], names["y"], names["arms"]
    for found, wanted in zip(numbers["arms"], names["right"].values(), strict=True):
        assert found["points"][1]["accuracy"] == wanted
    assert len(numbers["arms"][0]["losses"]) == state.get("epochs", 60)
    again = Stack(
        names["stack"].widths, arms, state.get("seed", 0), optimizer=names["stack"].optimizer
    )
    for losses in zip(*(found["losses"] for found in numbers["arms"]), strict=True):
        again.fit(x[:400], y[:400], 1, 40)
        same(losses, list(again.loss(x[:400], y[:400]).values()), rtol=1e-6)


def same(found, wanted, rtol=RTOL):
    np.testing.assert_allclose(found, wanted, rtol=rtol, atol=1e-300)


COMPARED = {
    "claim": compare_claim,
    "depth": compare_depth,
    "train": compare_train,
    "weights": compare_weights,
}
# A chip with what it sets, and a select with one of its options.
CHIPS = {
    "claim": ("moons", "data", "moons"),
    "depth": ("tanh", "activation", "tanh"),
    "train": ("moons", "data", "moons"),
    "weights": ("gradients", "show", "da"),
}
SELECTS = {
    "claim": ("claim", "elu"),
    "depth": ("initializer", "orthogonal"),
    "train": ("initializer", "orthogonal"),
    "weights": ("initializer", "orthogonal"),
}


@EACH
def test_every_state_has_python_s_numbers_and_prints_what_python_prints(explore, name):
    page = explore(name)
    compare(page, name)
    assert page.complaints == []


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("claim", ("claim.js", 'drawWeights("glorot_normal"', 'drawWeights("glorot_uniform"')),
        ("claim", ("claim.js", "batches = new Generator(seed)", "batches = new Generator(1)")),
        ("claim", ("claim.js", "array.fill(NaN)", "array.fill(0)")),
        ("claim", ("claim.js", "at ? state.b : state.a));", "at ? state.a : state.b));")),
        (
            "claim",
            ("claim.js", 'JSON.stringify([{ ...state, claim: "",', 'JSON.stringify([{ claim: "",'),
        ),
        ("claim", ("optimizers.js", "1 - 0.999 ** step", "1 - 0.9999 ** step")),
        ("depth", ("through.js", "scale * value", "scale * value * (1 + 1e-8)")),
        ("depth", ("through.js", "after[depth].copy()", "after[0].copy()")),
        ("depth", ("matrix.js", "below !== 0 ?", "below > 1 ?")),
        ("depth", ("depth.js", '"scaled" ? start : 1', '"scaled" ? 1 : start')),
        ("depth", ("signals.js", "power(layer.spread, 1)", "power(layer.spread, 2)")),
        ("train", ("train.js", "dead[at % units] = false", "dead[0] = false")),
        ("train", ("train.js", "warmup(rate, steps) : rate", "rate : rate")),
        ("train", ("train.js", "batchSize: batch", "batchSize: 10")),
        ("train", ("train.js", "dropout, rng, optimizer }", "dropout, rng }")),
        ("train", ("train.js", "CELLS - 1 - Math.floor", "Math.floor")),
        ("train", ("data.js", "(3 * share + y)", "(3.001 * share + y)")),
        ("weights", ("weights.js", "square / values.length", "square / (values.length - 1)")),
        ("weights", ("weights.js", ": net.backward(trace, y).a", ": net.backward(trace, x).a")),
    ],
)
def test_a_wrong_number_is_caught(explore, name, fault):
    page = explore(name, fault=fault)
    with pytest.raises(AssertionError):
        compare(page, name)


@EACH
def test_at_the_defaults_the_fold_is_the_page_s_block(explore, root, name):
    page = explore(name)
    text = (root / "docs" / f"{PAGES[name]}.md").read_text("utf-8")
    part = text.split(f'data-explorer="{name}"')[1].split("\n</div>")[0]
    code, output = fences.find(part.split('"The same in Python"')[1])
    assert page.ask("[x.python(), x.prints()]") == [code.code, output.code]
    shown = page.box.locator("details.example pre > code").all_text_contents()
    assert shown == [code.code, output.code]


@EACH
def test_the_address_keeps_the_state(explore, name):
    state = STATES[name][1]
    page = explore(name)
    page.ask("x.set(given)", state)
    link = page.ask("x.link()")
    page.until(f"location.search.includes('{name}=')")
    again = explore(name, "?" + link.partition("?")[2])
    wanted = again.ask("x.state()")
    assert {key: wanted[key] for key in state} == state
    assert again.ask("x.prints()") == page.ask("x.prints()")
    again.box.get_by_role("button", name="Reset").press("Enter")
    again.until("location.search === ''")
    assert again.ask("x.prints()") == explore(name).ask("x.prints()")


LINK = re.compile(r"\]\(([\w./-]*)\.md\?(\w+)=([^)#]+)#explorer-(\w+)\)")


def links(root):
    """Links of the pages that set an explorer: (page, address, explorer, what it sets)."""
    found = []
    for page in sorted((root / "docs").rglob("*.md")):
        for target, name, query, anchor in LINK.findall(page.read_text("utf-8")):
            path = (page.parent / f"{target}.md").resolve().relative_to(root / "docs")
            assert (path.with_suffix("").as_posix(), anchor) == (PAGES[name], name), page
            found.append((page.name, f"?{name}={query}", name, query))
    return found


def test_each_link_that_sets_an_explorer_sets_all_that_it_says(explore, root):
    found = links(root)
    assert len(found) >= 5
    assert len(found) == sum(
        page.read_text("utf-8").count("#explorer-") for page in (root / "docs").rglob("*.md")
    )
    for page_name, query, name, parts in found:
        page = explore(name, query)
        state = page.ask("x.state()")
        for key, text in (part.split(":") for part in parts.split(";")):
            value = state[key] if isinstance(state[key], str) else float(state[key])
            assert value == (text if isinstance(value, str) else float(text)), (page_name, key)


@EACH
def test_it_loads_when_it_is_scrolled_to(open_page, name):
    page = open_page("404.html", viewport={"width": 1280, "height": 400})
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    path = PAGES[name].removesuffix("index").rstrip("/") + "/"
    page.goto(page.url.replace("404.html", path))
    page.wait_for_load_state("networkidle")
    assert not any(url.endswith(f"{name}.js") for url in asked)
    woken(page, name)
    assert any(url.endswith(f"{name}.js") for url in asked)


@EACH
def test_without_scripts_the_figure_stands_there(open_page, name):
    path = PAGES[name].removesuffix("index").rstrip("/") + "/"
    page = open_page(path, java_script_enabled=False)
    box = page.locator(f"#explorer-{name}")
    assert box.locator("figure svg").is_visible()
    assert box.locator("details", has_text="The same in Python").count() == 1


@EACH
def test_it_fits_a_phone_and_takes_a_finger(explore, name):
    page = explore(name, **PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    slider = page.box.get_by_role("slider", name="hidden layers")
    box = slider.bounding_box()
    page.touchscreen.tap(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)
    field = page.ask("x.fields.depth")
    assert page.ask("x.state().depth") > field["value"]
    chip, key, value = CHIPS[name]
    page.box.get_by_text(chip, exact=True).tap()
    assert page.ask("x.state()")[key] == value
    assert page.complaints == []


@EACH
def test_the_controls_work_by_keyboard(explore, name):
    page = explore(name)
    before = page.ask("x.state()")
    slider = page.box.get_by_role("slider", name="hidden layers")
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert page.ask("x.state().depth") == before["depth"] + 1
    page.keyboard.press("Home")
    assert page.ask("x.state().depth") == page.ask("x.fields.depth.min")
    chosen, _ = SELECTS[name]
    select = page.box.get_by_role("combobox", name=chosen)
    select.focus()
    page.keyboard.press("ArrowDown")
    assert page.ask("x.state()")[chosen] != before[chosen]
    chosen = page.box.get_by_role("radio", checked=True).first
    chosen.focus()
    page.keyboard.press("ArrowRight")
    changed = page.ask("x.state()")
    _, key, _ = CHIPS[name]
    assert changed[key] != before[key]
    page.box.get_by_role("button", name="Draw anew").press("Enter")
    assert page.ask("x.state().seed") == before["seed"] + 1
    said, _ = run_block(page.ask("x.python()"))
    assert said == page.ask("x.prints()")
    assert page.complaints == []


@EACH
def test_the_controls_work_by_mouse(explore, name):
    page = explore(name)
    slider = page.box.get_by_role("slider", name="hidden layers")
    box = slider.bounding_box()
    page.mouse.click(box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2)
    field = page.ask("x.fields.depth")
    share = (page.ask("x.state().depth") - field["min"]) / (field["max"] - field["min"])
    assert share == pytest.approx(0.8, abs=0.15)
    select, option = SELECTS[name]
    page.box.get_by_role("combobox", name=select).select_option(option)
    page.box.get_by_role("button", name="Draw anew").click()
    state = page.ask("x.state()")
    assert (state[select], state["seed"]) == (option, 1)
    said = page.box.locator(".lgx-says").inner_text()
    page.box.get_by_role("button", name="Reset").click()
    page.ask("0")
    assert page.box.locator(".lgx-says").inner_text() != said
    assert page.complaints == []


def compare_claims(page):
    """Hold the explorer's list of claims, and their arms, to the panel's."""
    page.ask("x.reset()")
    times = f'{{"early": {panel.EARLY}, "at the end": {panel.MOST - panel.EARLY}}}'
    assert all(part in page.ask("x.python()") for part in [times, f"batch_size={panel.BATCH})"])
    options = page.box.get_by_role("combobox", name="claim").locator("option")
    assert options.all_text_contents() == [one.statement for one in verdicts.COMPARISONS]
    for at, one in enumerate(verdicts.COMPARISONS):
        small = {"claim": options.nth(at).get_attribute("value"), "depth": 1, "epochs": 20}
        page.ask("x.set(given)", small)
        code, printed, margin = page.ask("[x.python(), x.prints(), x.numbers().margin]")
        said, names = run_block(code)
        assert (said, margin) == (printed, abs(one.margin)), one.statement
        for arm, wanted in zip(names["arms"].values(), [one.left, one.right], strict=True):
            wanted = panel.ARMS[wanted]
            assert arm.activation == wanted.activation, one.statement
            rule = wanted.initializer
            rule = initializers.get(rule) if isinstance(rule, str) else rule
            for shape, draw in [((9, 16), rule), ((16, 2), initializers.glorot_normal)]:
                drawn = [f(shape, np.random.default_rng(0)) for f in (arm.initializer, draw)]
                np.testing.assert_array_equal(*drawn, err_msg=one.statement)


def test_the_claims_and_their_arms_are_the_panel_s(explore):
    compare_claims(explore("claim"))


@pytest.mark.parametrize(
    "fault",
    [
        ('softplus", "relu", ALIKE', 'softplus", "relu", BETTER'),
        ('"tanh, fan-in", "tanh", ALIKE', '"tanh, fan-in", "relu", ALIKE'),
        ('"relu, small": ["relu", "small"]', '"relu, small": ["relu", "random_normal"]'),
        ("ELU beats ReLU", "ReLU beats ELU"),
        ("EARLY = 0.1", "EARLY = 0.2"),
        ("MOST = 60", "MOST = 100"),
    ],
)
def test_a_claim_that_is_not_the_panel_s_is_caught(explore, fault):
    page = explore("claim", fault=("claim.js", *fault))
    with pytest.raises(AssertionError):
        compare_claims(page)


def compare_sentences(page):
    """Hold what is said of both times to the numbers."""
    for state in STATES["claim"]:
        page.ask("(x.reset(), x.set(given))", state)
        numbers = page.ask("x.numbers()")
        said = page.box.locator(".lgx-says").inner_text()
        assert "One seed decides nothing" in said
        lost = [not np.isfinite(arm["losses"][-1]) for arm in numbers["arms"]]
        assert ("training diverged" in said) == any(lost)
        for at, part in enumerate(said.split("; ")):
            a, b = (round(1000 * arm["points"][at]["accuracy"]) for arm in numbers["arms"])
            if a == b:
                assert "both have the same" in part
                continue
            ahead, limit = abs(a - b), round(1000 * numbers["margin"])
            size = "more than" if ahead > limit else "less than" if ahead < limit else "exactly"
            assert f"is ahead by {ahead / 1000:.3f}, {size} the margin of {limit / 1000}" in part
            assert ("A " if a > b else "B ") in part.split("is ahead")[0]


def test_who_is_ahead_is_said_beside_the_margin(explore):
    compare_sentences(explore("claim"))


@pytest.mark.parametrize(
    "fault", [("lead > margin", "lead > 10 * margin"), ("[a > b ? 0 : 1]", "[a > b ? 1 : 0]")]
)
def test_a_wrong_sentence_is_caught(explore, fault):
    page = explore("claim", fault=("claim.js", *fault))
    with pytest.raises(AssertionError):
        compare_sentences(page)


ERRATIC = {"data": "spirals", "optimizer": "momentum", "a": 0.03, "b": 0.03}


def compare_erratic(page):
    """Hold what is said of rounding to what a change of the last digits does in Python."""
    for state in [ERRATIC, *STATES["claim"]]:
        page.ask("(x.reset(), x.set(given))", state)
        _, names = run_block(page.ask("x.python()"))
        x, y, stack = names["x"], names["y"], names["stack"]
        seed, epochs = state.get("seed", 0), state.get("epochs", 60)
        twin = Stack(stack.widths, names["arms"], seed, optimizer=stack.optimizer)
        for weights in twin.weights:
            weights *= 1 + 1e-14
        twin.fit(x[:400], y[:400], epochs, 40)
        far = [
            not np.isclose(twin.loss(x[:400], y[:400])[arm], loss, rtol=0, atol=1e-5)
            for arm, loss in names["loss"].items()
        ]
        assert any(far) == (state == ERRATIC), state
        said = page.box.locator(".lgx-says").inner_text()
        assert ("rounding alone" in said) == any(far), state


def test_it_says_where_rounding_decides(explore):
    compare_erratic(explore("claim"))


@pytest.mark.parametrize("fault", [("1 + NUDGE]", "1]"), ("DIGIT = 1e-5", "DIGIT = -1")])
def test_it_is_noticed_where_it_does_not_say_so(explore, fault):
    page = explore("claim", fault=("claim.js", *fault))
    with pytest.raises(AssertionError):
        compare_erratic(page)


def test_a_change_of_one_arm_leaves_the_other(explore):
    page = explore("claim")
    before = page.ask("x.numbers().arms")
    after = page.ask("(x.set({ a: 0.3 }), x.numbers().arms)")
    assert after[0] != before[0] and after[1] == before[1]
    # B's rule is A's here, at the same rate.
    swapped = page.ask('(x.set({ claim: "elu", b: 0.3 }), x.numbers().arms)')
    assert swapped[1] == after[0]


# How long the deepest network takes, as a multiple of a million roots in the same browser: what
# else the machine does slows both.
FRAME_OF_ROOTS = """(() => {
    const least = (run) => Math.min(...Array.from({ length: 40 }, (_, at) => {
        const began = performance.now();
        run(at);
        return performance.now() - began;
    }));
    const roots = least(() => {
        let sum = 0;
        for (let i = 0; i < 1e6; i++) sum += Math.sqrt(i + sum);
        globalThis.sum = sum;
    });
    const network = least((at) => {
        x.set({ depth: 64 - (at % 2) });
        x.numbers();
    });
    return network / roots;
})()"""


def test_the_deepest_network_is_computed_within_a_frame(explore):
    assert explore("depth").ask(FRAME_OF_ROOTS) < FRAME
    more = "for (let i = 0; i < 9; i++) passes.run(net, x, y);"
    slow = explore("depth", fault=("through.js", "if (passes)", f"{more} if (passes)"))
    assert slow.ask(FRAME_OF_ROOTS) > FRAME, "five times the work is noticed"


def test_the_panels_show_the_layers(explore):
    page = explore("depth")
    for depth in [1, 10, 64]:
        page.ask("x.set({ depth: given })", depth)
        lines = page.box.locator(".lgx-svg path.line").evaluate_all(
            "lines => lines.map((line) => line.getAttribute('d').split(/[ML]/).length - 1)"
        )
        assert lines == [depth] * 3


def test_training_steps_pauses_and_goes_back(explore):
    page = explore("train")
    start = page.box.get_by_role("button", name="From the start")
    step = page.box.get_by_role("button", name="One epoch")
    start.click()
    assert page.ask("x.state().epochs") == 0
    step.press("Enter")
    step.click()
    assert page.ask("x.state().epochs") == 2
    later = page.ask("(x.set({ epochs: 75 }), x.numbers())")
    page.ask("(x.set({ epochs: 33 }), x.numbers())")
    again = page.ask("(x.set({ epochs: 75 }), x.numbers())")
    assert again == later, "back and forth is the same run"
    assert page.ask("(x.set({ seed: 1 }), x.set({ seed: 0 }), x.numbers())") == later
    page.ask('x.set({ optimizer: "adam", warmup: 100, epochs: 47 })')
    adam = page.ask("x.numbers()")
    page.ask("(x.set({ epochs: 9 }), x.numbers())")
    assert page.ask("(x.set({ epochs: 47 }), x.numbers())") == adam, "its moments go back with it"
    page.ask("(x.reset(), x.set({ epochs: 75 }))")
    page.box.get_by_role("button", name="Train").click()
    page.until("document.querySelector('#explorer-train').explorer.state().epochs > 90")
    page.box.get_by_role("button", name="Pause").click()
    stopped = page.ask("x.state().epochs")
    page.wait_for_timeout(200)
    assert page.ask("x.state().epochs") == stopped < 600
    assert page.complaints == []


def test_dead_units_are_hollow_and_counted(explore):
    page = explore("train")
    page.ask("x.set({ rate: 1, epochs: 40, seed: 3, width: 32 })")
    layers, dead = page.ask("[x.numbers().layers, x.numbers().dead]")
    assert sum(map(sum, dead)) > 0, "some unit is dead in this state"
    for layer, units in zip(layers, dead, strict=False):
        assert layer["dead"] == sum(units) / len(units)
    assert page.box.locator(".lgx-svg .lgx-dead").count() == sum(map(sum, dead))


def test_it_trains_by_itself_only_where_motion_is_welcome(explore):
    still = explore("train")
    still.wait_for_timeout(300)
    assert still.ask("x.state().epochs") == 120
    lively = explore("train", **DESKTOP | {"reduced_motion": "no-preference"})
    reads = "document.querySelector('#explorer-train').explorer.state().epochs"
    lively.until(f"{reads} < 110")
    lively.until(f"{reads} === 120")
    lively.wait_for_timeout(300)
    assert lively.ask("x.state().epochs") == 120, "it stops where it shows the default"
    assert still.complaints == lively.complaints == []


def test_without_webassembly_everything_works_on_the_plain_path(explore):
    page = explore("depth", fault=("kernel.js", "WebAssembly.compile(bytes)", "Promise.reject()"))
    compare(page, "depth")
    page = explore("train", fault=("kernel.js", "WebAssembly.compile(bytes)", "Promise.reject()"))
    compare(page, "train")
    page = explore("claim", fault=("kernel.js", "WebAssembly.compile(bytes)", "Promise.reject()"))
    compare(page, "claim")
    assert page.complaints == []


def test_the_petals_are_scikit_learn_s(root):
    spec = importlib.util.spec_from_file_location("iris", root / "benchmarks/explorers/iris.py")
    iris = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(iris)
    assert iris.DATA.read_text("utf-8") == iris.module()
