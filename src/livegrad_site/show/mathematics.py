r"""Turn TeX between dollar signs into MathML while the site is built.

No script runs in the reader's browser and nothing shifts while the page loads. What the
converter did not understand fails the build, since a stray ``&`` or ``\name`` would be published.
"""

from __future__ import annotations

import html
import re
from functools import cache

from latex2mathml.converter import convert
from mkdocs.exceptions import PluginError

_TEX = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">\\[(\[](?P<tex>.*?)\\[)\]]</(?P=tag)>', re.DOTALL
)
_BODY = r"(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*"
_FACTOR = re.compile(rf"\\(?P<factor>act|wt|msk|hd)\{{(?P<body>{_BODY})\}}")
_COLOURS = {"act": "#0ac701", "wt": "#0ac702", "msk": "#0ac703", "hd": "#0ac704"}
_LEFTOVER = re.compile(r">[^<]*(?:\\|&(?!#?\w+;)|&amp;|\$)[^<]*<")


@cache
def mathml(tex: str, display: str = "inline") -> str:
    r"""Return ``tex`` as MathML.

    Four commands of ours colour a factor of the chain rule as everywhere on the site: ``\act{}``
    the activation's slope, ``\wt{}`` a weight, ``\msk{}`` a mask, ``\hd{}`` the output head.

    Raises:
        PluginError: if anything of the TeX is left in the result.
    """
    coloured = tex
    while _FACTOR.search(coloured):
        coloured = _FACTOR.sub(
            lambda m: rf"{{\color{{{_COLOURS[m['factor']]}}} {m['body']}}}", coloured
        )
    try:
        result = str(convert(coloured, display=display))
    except Exception as error:
        raise PluginError(f"mathematics not understood: {tex!r}: {error}") from error
    for factor, colour in _COLOURS.items():
        result = result.replace(f'mathcolor="{colour}"', f'class="lg-{factor}"')
    if _LEFTOVER.search(result) or "mathcolor" in result:
        raise PluginError(f"mathematics not understood: {tex!r} became {result}")
    return result


def in_html(content: str) -> str:
    """Replace the TeX, inline and displayed."""

    def replace(match: re.Match[str]) -> str:
        tex = html.unescape(match["tex"]).strip()
        if match["tag"] == "span":
            return mathml(tex)
        return f'<div class="lg-math" tabindex="0">{mathml(tex, "block")}</div>'

    return _TEX.sub(replace, content)
