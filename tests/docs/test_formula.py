"""The chain rule as it is written, factor by factor and index by index, is the gradient of W_1."""

import html
import pathlib
import re

import numpy as np
import pytest

import livegrad
from livegrad import MLP, network

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
DISPLAYED = re.compile(r"^\$\$\\frac\{\\partial L\}\{\\partial W_1\} = (.+)\$\$$", re.MULTILINE)
PAGES = {
    page.relative_to(DOCS).as_posix(): formula
    for page in sorted(DOCS.rglob("*.md"))
    for formula in DISPLAYED.findall(page.read_text("utf-8"))
}
MAP = re.compile(r'<ul class="lg-map".*?</ul>', re.DOTALL)


def plain(tex):
    """A formula in few signs: roles, sizes and spaces gone, factors apart."""
    tex = re.sub(
        r"\\(?:hd|act|wt|msk)\{((?:[^{}]|\{[^{}]*\}|\{(?:[^{}]|\{[^{}]*\})*\})*)\}", r"\1 ", tex
    )
    tex = tex.replace(r"\frac{m_l}{1 - r}", "m_l/k").replace(r"\varphi'", "f'")
    tex = re.sub(r"\\(?:left|right|,)", " ", tex).replace(r"\prod", "prod")
    tex = re.sub(r"\(\s*p\s*-\s*y\s*\)", "(p-y)", tex)
    return re.sub(r"\s*=\s*", "=", tex)


def of_map(text):
    """The formula of the home page's map, as ``plain`` writes it."""
    symbols = re.findall(r'<li class="op"[^>]*>(.*?)</li>|<span class="symbol">(.*?)</span>', text)
    said = " ".join(html.unescape(one or other) for one, other in symbols)
    said = said.partition("=")[2].replace("×", " ").replace("−", "-").replace("…", "..")
    said = said.replace("x<sup>T</sup>", "x^T").replace("φ′", "f'")
    said = said.replace("mask<sub>l</sub> / keep", "m_l/k")
    said = re.sub(r"∏<sub>l = L\.\.1</sub>", "prod_{l=L}^{1}", said)
    said = said.replace("W<sub>l+1</sub><sup>T</sup>", "W_{l+1}^T").replace("<sub>l</sub>", "_l")
    return re.sub(r"\(\s*p\s*-\s*y\s*\)", "(p-y)", said)


def of_code(text):
    """The formula of a module's text."""
    said = re.search(r"dL/dW_1 = (.*)", text)[1]
    said = said.replace("product over l = L..1 of", "prod_{l=L}^{1}").replace("phi'", "f'")
    said = said.replace("mask_l / keep", "m_l/k").replace("W_(l+1)^T", "W_{l+1}^T")
    return said.replace("(p - y)", "(p-y)")


FACTOR = re.compile(
    r"(?P<x>x\^T|x)|(?P<head>\(p-y\))|prod_\{?l=(?P<first>\w+)\}?\^\{?(?P<last>\w+)\}?"
    r"|(?P<weights>W_(?:\{(?P<w1>l(?:[+-]\d)?)\}|(?P<w2>l))(?P<t>\^T)?)|f'\(z_(?P<z>l)\)|m_(?P<m>l)/k"
)


def multiplied(formula, net, trace, p_minus_y, x):
    """Multiply what is written, in the order in which it is written.

    A matrix multiplies from the right; a slope or a mask, entry by entry. The input stands outside:
    on the left, transposed, it is multiplied with all that follows.
    """
    outer, _, inner = formula.partition("prod")
    inner = "prod" + inner
    lefts = [match for match in FACTOR.finditer(outer) if match[0].strip()]
    inside, _, after = inner[inner.index("(") + 1 :].rpartition(")")
    lefts += [match for match in FACTOR.finditer(after) if match[0].strip()]
    product = next(FACTOR.finditer(inner))
    ends = {"L": net.depth, "1": 1}
    first, last = ends[product["first"]], ends[product["last"]]
    step = 1 if last >= first else -1
    value = None
    for match in lefts:
        if match["head"]:
            value = p_minus_y
    for layer in range(first, last + step, step):
        for match in FACTOR.finditer(inside):
            if match["weights"]:
                shift = (match["w1"] or match["w2"])[1:] or "0"
                weight = net.weights[layer + int(shift) - 1]
                value = value @ (weight.T if match["t"] else weight)
            elif match["z"]:
                value = value * net.activation.derivative(trace.z[layer - 1])
            else:
                value = value * trace.masks[layer - 1] / trace.keep
    if [m["x"] for m in lefts if m["x"]] != ["x^T"] or not lefts[0]["x"]:
        raise ValueError(f"x^T must stand on the left: {formula}")
    return x.T @ value


def check(formula):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((6, 4)), np.array([0, 2, 1, 0, 2, 1])
    # Three hidden layers, no two of one width; the masks drop about a third.
    net = MLP([4, 7, 5, 6, 3], "tanh", head="multiclass", dropout=0.3, rng=1)
    trace = net.forward(x, training=True)
    assert any((mask == 0).any() for mask in trace.masks)
    p_minus_y = (net.head.predict(trace.logits) - np.eye(3)[y]) / len(x)
    found = multiplied(formula, net, trace, p_minus_y, x)
    np.testing.assert_allclose(found, net.backward(trace, y).weights[0], rtol=1e-12)


@pytest.mark.parametrize("name", PAGES)
def test_the_written_formula_is_the_gradient_of_the_first_weights(name):
    check(plain(PAGES[name]))


def test_the_formula_stands_where_readers_look_for_it():
    topics = ["gradients", "activations", "initializers", "dropout", "outputs", "reference"]
    assert {f"{topic}/index.md" for topic in topics} <= set(PAGES)
    assert {"reference/cheat-sheet.md", "gradients/chain-rule.md"} <= set(PAGES)


def test_the_map_of_the_home_page_is_the_formula():
    check(of_map(MAP.search((DOCS / "index.md").read_text("utf-8"))[0]))


@pytest.mark.parametrize("module", [livegrad, network])
def test_the_modules_say_the_formula(module):
    check(of_code(module.__doc__))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (r"W_{l+1}^T", r"W_l^T"),
        (r"W_{l+1}^T", r"W_{l+1}"),
        (r"\prod_{l = L}^{1}", r"\prod_{l = 1}^{L}"),
        (r"x^T \,", ""),
        (r"x^T \,", r"x \,"),
        (r"\, \msk{\frac{m_l}{1 - r}}", ""),
        (r"\, \act{\varphi'(z_l)}", ""),
    ],
)
def test_a_wrong_formula_is_caught(right, wrong):
    formula = PAGES["gradients/index.md"]
    assert right in formula
    with pytest.raises((ValueError, AssertionError, IndexError)):
        check(plain(formula.replace(right, wrong)))


def test_the_first_version_of_the_formula_is_caught():
    formula = PAGES["gradients/index.md"].replace("W_{l+1}^T", "W_l").replace(r"x^T \,", "")
    with pytest.raises((ValueError, AssertionError)):
        check(plain(formula + " x"))
