r"""Turn TeX between dollar signs into MathML while the site is built.

No script runs in the reader's browser and nothing shifts while the page loads. What the converter
does not know fails the build, and so does what it can only say with a style, which the site's
content security policy would drop.
"""

from __future__ import annotations

import html
import re
from functools import cache
from typing import Literal

from math_core import LatexError, LatexToMathML
from mkdocs.exceptions import PluginError

_TEX = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">\\[(\[](?P<tex>.*?)\\[)\]]</(?P=tag)>', re.DOTALL
)
# Four commands of ours colour a factor of the chain rule as everywhere on the site: the
# activation's slope, a weight, a mask, the output head. TeX knows colours, the style sheet roles.
_COLOURS = {"act": "red", "wt": "green", "msk": "blue", "hd": "purple"}
_CONVERTER = LatexToMathML(
    macros={name: rf"{{\color{{{colour}}} #1}}" for name, colour in _COLOURS.items()}
)
_COLOUR = re.compile(r'style="color:(#[0-9A-F]{6});"')
_SIDE = re.compile(r'style="text-align: (left|right);[^"]*"')


def _converted(tex: str, display: bool) -> str:
    return str(_CONVERTER.convert_with_local_state(tex, displaystyle=display))


def _written(colour: str) -> str:
    """Return how the converter writes a colour."""
    found = _COLOUR.search(_converted(rf"{{\color{{{colour}}} x}}", display=False))
    assert found
    return found[1]


_ROLES = {_written(colour): name for name, colour in _COLOURS.items()}


@cache
def mathml(tex: str, display: Literal["inline", "block"] = "inline") -> str:
    r"""Return ``tex`` as MathML.

    Four commands of ours colour a factor of the chain rule as everywhere on the site: ``\act{}``
    the activation's slope, ``\wt{}`` a weight, ``\msk{}`` a mask, ``\hd{}`` the output head.

    Raises:
        PluginError: if anything of the TeX is not understood, or cannot be said without a style.
    """
    try:
        result = _converted(tex, display == "block")
    except LatexError as error:
        raise PluginError(f"mathematics not understood: {tex!r}: {error}") from error
    for colour, name in _ROLES.items():
        result = result.replace(f'style="color:{colour};"', f'class="lg-{name}"')
    result = _SIDE.sub(r'class="lg-\1"', result)
    if ' style="' in result:
        raise PluginError(f"mathematics not understood: {tex!r} needs a style in {result}")
    return result


def in_html(content: str) -> str:
    """Replace the TeX, inline and displayed."""

    def replace(match: re.Match[str]) -> str:
        tex = html.unescape(match["tex"]).strip()
        if match["tag"] == "span":
            return mathml(tex)
        return f'<div class="lg-math" tabindex="0">{mathml(tex, "block")}</div>'

    return _TEX.sub(replace, content)
