"""An examination as HTML: a page that needs nothing else, and the same as part of a notebook.

It shows what it is given, an ``Examination``, and knows its names alone.
"""

from __future__ import annotations

import html
import math
from itertools import accumulate
from operator import mul
from typing import Any

__all__ = ["fragment", "page"]

# The site's palette, ink and paper: docs/assets/style.css and livegrad._svg.PALETTE.
_LIGHT = (
    "--lg-c1:#0072b2;--lg-c2:#c04a00;--lg-line:#e1e5ec;--lg-soft:#545e6f;--lg-code:#f5f7fa;"
    "--lg-bad:#a32020;--lg-good:#00664b;--lg-link:#33499f"
)
_DARK = (
    "--lg-c1:#5ab4f0;--lg-c2:#ff9a5c;--lg-line:#2c313f;--lg-soft:#a5aec0;--lg-code:#1b1e2a;"
    "--lg-bad:#ff9c94;--lg-good:#35d0a2;--lg-link:#a9b8ff"
)
_TITLES = (
    '"Iowan Old Style",Charter,"Bitstream Charter","Source Serif 4","Noto Serif",Cambria,Georgia,'
    '"DejaVu Serif",serif'
)
_CODE = 'ui-monospace,"SF Mono",SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace'
# All names start with lg-: a notebook has other styles beside these.
_STYLE = f"""
.lg-report{{{_LIGHT};max-width:46rem;line-height:1.6;font-family:system-ui,-apple-system,"Segoe UI",
Roboto,"Helvetica Neue",Arial,sans-serif;overflow-wrap:break-word}}
.lg-report :is(.lg-top,.lg-part,.lg-one){{font-family:{_TITLES};font-weight:600;line-height:1.25;
margin:0 0 .6em}}
.lg-report .lg-top{{font-size:1.75em}}
.lg-report .lg-part{{font-size:1.3em;border-top:1px solid var(--lg-line);margin-top:1.9em;
padding-top:1em}}
.lg-report .lg-one{{font-size:1.1em;margin-bottom:.5em}}
.lg-report .lg-conclusion{{font-size:1.1em;margin:0 0 1em;padding:.7em 1em;
border-left:4px solid var(--lg-bad);background:var(--lg-code)}}
.lg-report .lg-healthy{{border-left-color:var(--lg-good)}}
.lg-report .lg-soft{{color:var(--lg-soft)}}
.lg-report .lg-finding{{margin:0 0 2em}}
.lg-report dl{{margin:0;display:grid;grid-template-columns:6.5em minmax(0,1fr);gap:.45em 1em}}
.lg-report dt{{color:var(--lg-soft)}}
.lg-report dd{{margin:0}}
.lg-report code{{font-family:{_CODE};font-size:.9em;background:none;color:inherit;padding:0}}
.lg-report pre{{margin:0;padding:.7em .9em;background:var(--lg-code);color:inherit;
white-space:pre-wrap;line-height:1.5;border-radius:3px}}
.lg-report a{{color:var(--lg-link)}}
.lg-report .lg-bad{{color:var(--lg-bad)}}
.lg-report ul{{margin:0;padding-left:1.2em}}
.lg-report .lg-figure{{margin:0;color:inherit}}
.lg-report .lg-figure svg{{display:block;width:100%;height:auto}}
.lg-report figcaption{{color:var(--lg-soft);font-size:.92em;margin-top:.5em;text-align:left}}
.lg-report .lg-wide{{overflow-x:auto;margin-top:1.5em}}
.lg-report table{{border-collapse:collapse;font-size:.92em;width:100%;margin:0}}
.lg-report :is(th,td){{padding:.35em .8em .35em 0;text-align:left;
border-bottom:1px solid var(--lg-line);vertical-align:top;background:none;font-weight:inherit}}
.lg-report thead th{{color:var(--lg-soft)}}
.lg-report .lg-number{{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}}
@media(max-width:34rem){{.lg-report dl{{grid-template-columns:minmax(0,1fr);gap:.1em}}
.lg-report dd{{margin-bottom:.7em}}}}
"""
# A notebook has a theme of its own, whatever the system has.
_NOTEBOOK = f"""
:is([data-jp-theme-light=false],.vscode-dark,[theme=dark]) .lg-report{{{_DARK}}}
"""
_PAGE = f"""
:root{{color-scheme:light dark}}
body{{margin:0;padding:2.2rem 1.2rem 4rem;background:#fff;color:#1f2633}}
.lg-report{{margin:0 auto}}
@media(prefers-color-scheme:dark){{body{{background:#14161f;color:#dfe3ec}}
.lg-report{{{_DARK}}}}}
@media print{{body{{padding:0}}.lg-finding{{break-inside:avoid}}}}
"""


def page(examination: Any, site: str = "") -> str:
    """Return a whole page.

    Args:
        examination: what is shown.
        site: address of the lessons; without it a lesson is named by its path.
    """
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(examination.conclusion)}</title>\n<style>{_STYLE}{_PAGE}</style>\n"
        f'</head>\n<body>\n<main class="lg-report">\n{_body(examination, site, 1)}\n</main>\n'
        "</body>\n</html>\n"
    )


def fragment(examination: Any) -> str:
    """Return the same without a page around it, in the colours of what is around it."""
    body = _body(examination, "", 2)
    return f'<div class="lg-report"><style>{_STYLE}{_NOTEBOOK}</style>\n{body}\n</div>'


def _text(given: object) -> str:
    return html.escape(str(given))


def _number(value: float) -> str:
    if not math.isfinite(value):
        return {"nan": "not measured"}.get(str(value), "infinite")
    return f"{value:.3g}".replace("-", "\N{MINUS SIGN}")


def _heading(level: int, look: str, text: str) -> str:
    return f'<h{level} class="lg-{look}">{text}</h{level}>'


def _body(examination: Any, site: str, top: int) -> str:
    """Return all of it, with headings from that level on."""
    well = " lg-healthy" if examination.healthy else ""
    parts = [
        _heading(top, "top", "What the doctor found"),
        f'<p class="lg-conclusion{well}">{_text(examination.conclusion)}</p>',
        _measured(examination),
    ]
    if examination.findings:
        several = len(examination.findings) > 1
        title = "Findings, the gravest first" if several else "The finding"
        parts.append(_heading(top + 1, "part", title))
        parts += [_finding(found, site, top + 2) for found in examination.findings]
    if examination.unjudged:
        items = "\n".join(f"<li>{_text(what)}</li>" for what in examination.unjudged)
        parts += [_heading(top + 1, "part", "Not judged"), f"<ul>\n{items}\n</ul>"]
    if examination.layers:
        title = _heading(top + 1, "part", "Layer by layer")
        parts += [title, _figure(examination), _table(examination)]
    return "\n".join(part for part in parts if part)


def _measured(examination: Any) -> str:
    """Return the numbers of the whole model, as far as there are some."""
    known = [
        f"{name} {_number(value)}"
        for name, value in (
            ("loss on the sample", examination.loss),
            ("product of the gradient's gains", examination.gain),
            ("of the signal's", examination.signal_gain),
        )
        if not math.isnan(value)
    ]
    if not known:
        return ""
    return f'<p class="lg-soft">Measured: {_text(", ".join(known))}.</p>'


def _finding(found: Any, site: str, level: int) -> str:
    lesson = f"<code>{_text(found.page)}</code>"
    if site:
        address = f"{site.rstrip('/')}/{found.page.removesuffix('index').rstrip('/')}/"
        lesson = f'<a href="{_text(address)}">{lesson}</a>'
    rows = [
        ("Measured", _text(found.evidence)),
        ("Why", _text(found.why)),
        ("Fix", f"<pre><code>{_text(found.fix)}</code></pre>"),
        ("Lesson", lesson),
    ]
    listed = "\n".join(f"<dt>{name}</dt><dd>{what}</dd>" for name, what in rows)
    code, layer = _text(found.code), _text(found.layer)
    title = f'<span class="lg-bad">{code}</span> at <code>{layer}</code>'
    return (
        f'<section class="lg-finding">\n{_heading(level, "one", title)}\n'
        f"<dl>\n{listed}\n</dl>\n</section>"
    )


def _figure(examination: Any) -> str:
    try:
        return str(examination.plot()._repr_html_())
    except ImportError:
        return '<p class="lg-soft">For a figure: <code>pip install "livegrad[plot]"</code></p>'


def _table(examination: Any) -> str:
    def finite(gains: list[float]) -> list[float]:
        return [gain if math.isfinite(gain) else 1.0 for gain in gains]

    layers = examination.layers
    forward = list(accumulate(finite([layer.signal_gain for layer in layers]), mul))
    backward = list(accumulate(finite([layer.gain for layer in layers[::-1]]), mul))[::-1]
    codes: dict[str, list[str]] = {}
    for found in examination.findings:
        codes.setdefault(found.layer, []).append(found.code)
    names = ["signal's gain", "product so far", "gradient's gain", "product so far"]
    head = "".join(f'<th scope="col" class="lg-number">{_text(name)}</th>' for name in names)
    rows = []
    for layer, *numbers in zip(layers, forward, backward, strict=True):
        mark = ", ".join(codes.get(layer.layer, []))
        shown = [layer.signal_gain, numbers[0], layer.gain, numbers[1]]
        cells = "".join(f'<td class="lg-number">{_number(value)}</td>' for value in shown)
        marked = f'<br><span class="lg-bad">{_text(mark)}</span>' if mark else ""
        rows.append(
            f'<tr><th scope="row"><code>{_text(layer.layer)}</code>{marked}</th>'
            f"<td>{_text(layer.activation)}</td>{cells}</tr>"
        )
    return (
        '<div class="lg-wide" tabindex="0" role="region" aria-label="Gains of the layers">\n'
        '<table>\n<thead><tr><th scope="col">layer</th><th scope="col">activation</th>'
        f"{head}</tr></thead>\n<tbody>\n" + "\n".join(rows) + "\n</tbody>\n</table>\n</div>"
    )
