"""Make of each prediction a fold that asks; ``docs/assets/predict.js`` makes a form of the fold.

Without the script it holds the choices, and in a fold of its own what came out, with a reply to
each guess. The page "Your intuition" lists all of them, by topic.

A translated page asks in its own language, and brings along what the form says in it.
"""

from __future__ import annotations

import html
import json
import re
from typing import Any

from mkdocs.structure.nav import Navigation, Section
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

from livegrad_site.check import predictions, proofs
from livegrad_site.check.predictions import Asked
from livegrad_site.read import languages
from livegrad_site.read.languages import ENGLISH, Language
from livegrad_site.read.predictions import COMMENT, PredictionError
from livegrad_site.run import blocks, cache
from livegrad_site.show import marks

PAGE = "reference/intuition.md"
PLACE = '<div class="lg-intuition"></div>'
LEAD = "Predict first"
CAME = "What came out"
NUMBER = "A number from {low} to {high}{unit}."
CURVE = "Sketch it, from {low} to {high}: {y}, over {x} ({at})."
SAID = {
    "number": {"right": "A guess near it", "above": "A larger guess", "below": "A smaller guess"},
    "curve": {"right": "A curve near it", "above": "A curve above", "below": "A curve below"},
}
_RESTS = re.compile(rf'(?:{marks.WORD})?<span data-lg-rests="(?P<id>[\w-]+)"></span>')
_LEAD = re.compile(r'<span class="lg-predict__lead">[^<]*</span>')
_FOLD = re.compile(
    r'<details class="lg-predict"[^>]* data-predict="(?P<name>[^"]+)"[^>]*>\s*'
    r"<summary>(?P<ask>.*?)</summary>",
    re.DOTALL,
)

_shown: dict[str, dict[str, list[proofs.Shown]]] = {}


def _figures(value: Any) -> Any:
    """Return numbers with as many digits as a drawing shows."""
    if isinstance(value, list):
        return [_figures(one) for one in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _json(value: Any) -> str:
    said = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return html.escape(said)


def words(language: Language) -> str:
    """Return, as hidden HTML, what the forms of a translated page say."""
    if language is ENGLISH:
        return ""
    said = {"decimal": language.decimal, "says": language.says}
    return f'\n<div hidden data-lg-said="{_json(said)}"></div>\n'


def _scale(asked: Asked, language: Language) -> str:
    """Return where a guess may lie, for who has no slider and no axes."""
    data = asked.data

    def printed(*values: float) -> str:
        return language.number(", ".join(predictions.printed(f"{one:g}") for one in values))

    ends = {end: printed(data[end]) for end in ("low", "high")}
    if asked.kind == "number":
        unit = f" {data['unit']}" if data["unit"] else ""
        return language.say(NUMBER, **ends, unit=unit)
    labels = {axis: data[f"{axis}_label"] for axis in "xy"}
    return language.say(CURVE, **ends, **labels, at=printed(*data["x"]))


def fold(asked: Asked, language: Language = ENGLISH, home: str = "") -> str:
    """Return a prediction as Markdown in HTML.

    Args:
        asked: the prediction.
        language: what it asks in.
        home: the address of the English page, if this is another: an answer counts once.
    """
    tag = f'<details class="lg-predict" id="predict-{asked.name}" data-predict="{asked.name}"'
    tag += f' data-kind="{asked.kind}" data-search-exclude markdown="1"'
    if home:
        tag += f' data-home="{home}"'
    if asked.data:
        data = {key: _figures(one) for key, one in asked.data.items()}
        tag += f' data-asked="{_json(data)}"'
    lead = f'<span class="lg-predict__lead">{language.say(LEAD)}</span>'
    lines = [f"{tag}>", f'<summary markdown="span">{lead} {asked.ask}</summary>']
    if asked.kind == "choices":
        choices = [f'<li markdown="span">{one.says}</li>' for one in asked.answers]
        lines += ['<ul class="lg-predict__choices" markdown="1">', *choices, "</ul>"]
    else:
        lines.append(f'<p class="lg-predict__scale" markdown="span">{_scale(asked, language)}</p>')
    lines += [
        '<details class="lg-predict__answer" markdown="1">',
        f"<summary>{language.say(CAME)}</summary>",
        f'<p class="lg-predict__result" markdown="span">{asked.result}'
        f'<span data-lg-rests="{asked.name}"></span></p>',
        '<ul class="lg-predict__replies" markdown="1">',
    ]
    for one in asked.answers:
        says = language.say(SAID[asked.kind][one.says]) if asked.kind in SAID else one.says
        right = " data-right" if one.right else ""
        lines.append(f'<li{right} markdown="span"><strong>{says}.</strong> {one.reply}</li>')
    return "\n".join([*lines, "</ul>", "</details>", "</details>"])


def in_markdown(markdown: str, page: Page) -> str:
    """Put a fold in the place of each prediction."""
    name = page.file.src_uri
    first = COMMENT.search(markdown)
    if not name.endswith(".md") or not first:
        return markdown
    code, english = languages.of(name)
    text = (cache.ROOT / "docs" / english).read_text(encoding="utf-8")
    try:
        given = proofs.page_of(text, blocks.record(text))
        found = predictions.of_page(text, given, code, english)
    except PredictionError:  # an author sees why above, and no reader sees this
        return COMMENT.sub("", markdown)
    _shown[name] = {
        asked.name: [asked.rests, *(one.rests for one in asked.answers)] for asked in found
    }
    language = languages.named(code)
    home = "" if language is ENGLISH else page.url.removeprefix(f"{code}/")
    folds = iter(fold(asked, language, home) for asked in found)
    asking = COMMENT.sub(lambda _: f"\n{next(folds)}\n\n", markdown)
    return asking[: first.start()] + words(language) + asking[first.start() :]


def in_content(content: str, page: Page) -> str:
    """Put in what each answer and its replies rest on."""
    shown = _shown.get(page.file.src_uri, {})

    def rests(match: re.Match[str]) -> str:
        return marks.behind(match, marks.button(match["id"], shown[match["id"]]))

    return _RESTS.sub(rests, content)


def listed(nav: Navigation, here: Page) -> str:
    """Return all predictions as HTML, by topic and page, each a link to its fold."""
    parts = []
    for section in (item for item in nav.items if isinstance(item, Section)):
        rows = []
        for page in _pages(section):
            address = get_relative_url(page.url, here.url)
            rows += [
                f'<li data-predict="{page.url}#{one["name"]}">'
                f'<a href="{address}#predict-{one["name"]}">{_bare(one["ask"])}</a></li>'
                for one in _FOLD.finditer(page.content or "")
            ]
        if rows:
            parts.append(
                f'<details data-topic="{section.title}"><summary>{section.title} '
                f'<span class="lg-intuition__count">{len(rows)}</span></summary>'
                f"<ul>{''.join(rows)}</ul></details>"
            )
    return f'<div class="lg-intuition">{"".join(parts)}</div>'


def _pages(section: Section) -> list[Page]:
    """Return the English pages of a section and of those in it: a translation asks the same."""
    found = []
    for child in section.children:
        if isinstance(child, Section):
            found += _pages(child)
        elif isinstance(child, Page) and languages.of(child.file.src_uri)[0] == "en":
            found.append(child)
    return found


def _bare(ask: str) -> str:
    """Return a question without what leads to it and without links, which a link cannot hold."""
    return re.sub(r"</?a\b[^>]*>", "", _LEAD.sub("", ask)).strip()


def place(page: Page, nav: Navigation) -> None:
    """Put the list into its page, once all pages have been rendered."""
    if page.file.src_uri == PAGE and page.content:
        page.content = page.content.replace(PLACE, listed(nav, page))
