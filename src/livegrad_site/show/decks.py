"""Publish the slides of each topic as a document of its own, ``slides/<topic>/``.

A lesson's slides are made when its page is ready; the documents when all pages are. A slide has an
address, ``slides/gradients/#/vanishing/3``, which is a name in the document: it leads there without
scripts too.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any
from urllib.parse import urljoin, urlsplit
from xml.etree.ElementTree import Element

from jinja2 import Environment
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from livegrad_site.show import lessons, light, markup, policy, slides, tree
from livegrad_site.show.slides import Slide

FOLDER = "slides"
# What the topic's own page is called in an address.
TOPIC = "topic"
_SHEETS = re.compile(r"assets/stylesheets/(?:main|palette)\.\w+\.min\.css")
_OWN = ["assets/palette.css", "assets/style.css", "assets/explorers/explorers.css"]
_MAP = re.compile(r'<ul class="lg-map".*?</ul>.*?(?=<div|<h2)', re.DOTALL)

# By the page's address. ``nox -s serve`` renders anew only what was edited, and keeps the others.
_made: dict[str, list[Slide]] = {}
_map = ""


def in_content(html: str, page: Page) -> str:
    """Make the slides of a lesson's page, which stays as it is."""
    global _map
    if page.is_homepage:
        found = _MAP.search(html)
        _map = found[0] if found else ""
    if hasattr(page, "lesson"):
        _made[page.url] = slides.slides(html)
    return html


def name(page: Page) -> str:
    """Return what a lesson is called in the address of its slides."""
    stem = page.file.src_uri.rpartition("/")[2].removesuffix(".md")
    return TOPIC if stem == "index" else stem


def address(page: Page) -> str:
    """Return where the slides of a lesson begin, from the site's own address."""
    topic = page.file.src_uri.partition("/")[0]
    return f"{FOLDER}/{topic}/#/{name(page)}/1"


def led(html: str, url: str, here: str, leads: dict[str, str]) -> str:
    """Return HTML of the page at ``url`` with its links as they are from ``here``.

    ``leads`` has the places in the document itself, by the page whose slides stand there.
    """
    root = tree.parsed(html)
    for element, attribute in tree.links(root):
        target = element.attrib[attribute]
        parts = urlsplit(target)
        if parts.scheme or parts.netloc:
            continue
        path, anchor = urljoin(f"/{url}", parts.path or ".").lstrip("/"), parts.fragment
        if not target.startswith("#") and path in leads:
            element.set(attribute, leads[path])
        else:
            relative = posixpath.relpath(path or ".", here) + ("/" if path.endswith("/") else "")
            element.set(attribute, relative + (f"#{anchor}" if anchor else ""))
    return tree.inside(root)


def mapped(url: str) -> str:
    """Return the home page's map of the formula with a topic's factor marked.

    What is not in the formula of a plain network stands in the sentences below the map.
    """
    root = tree.parsed(_map)
    formula, *below = [one for one in root if one.tag == "ul" or _leads(one, url)]
    if found := _leads(formula, url):
        found[0].set("aria-current", "true")
        below = []
    return "".join(tree.written(one) for one in [formula, *below])


def _leads(element: Element, url: str) -> list[Element]:
    return [one for one, _ in tree.links(element) if one.get("href") == url]


def titled(page: Page, topic: str, own: list[Slide]) -> list[Slide]:
    """Return the slides of a topic's own page: its title and map first, its exercise left out."""
    # As if it stood on the topic's own page, like all else here.
    start = Slide("title", topic, led(mapped(page.url), "", page.url.rstrip("/"), {}))
    rest = [one for one in own if one.kind != "exercise"]
    for one in rest:
        if one.kind == "question":
            start.body += one.body
            start.notes = one.notes
    return [start, *(one for one in rest if one.kind != "question")]


def deck(pages: list[Page], topic: str) -> list[dict[str, Any]]:
    """Return the slides of a topic, each with what its template shows."""
    here = f"{FOLDER}/{pages[0].url.rstrip('/')}"
    leads = {page.url: f"#/{name(page)}/1" for page in pages}
    shown = []
    for page in pages:
        own = _made[page.url]
        if page is pages[0]:
            own = titled(page, topic, own)
        shown += _numbered(page, str(page.title), name(page), own, here, leads)
    last = [one for one in _made[pages[0].url] if one.kind == "exercise"]
    return shown + _numbered(pages[0], topic, "end", last, here, leads)


def _numbered(
    page: Page, lesson: str, called: str, own: list[Slide], here: str, leads: dict[str, str]
) -> list[dict[str, Any]]:
    made = []
    for number, one in enumerate(own, start=1):
        plain = tree.words(tree.parsed(one.title))
        made.append(
            {
                "kind": one.kind,
                "title": one.title,
                "id": f"/{called}/{number}",
                "page": posixpath.relpath(page.url.rstrip("/"), here) + "/",
                "lesson": lesson,
                "number": number,
                "count": len(own),
                "said": f"{lesson}, {number} of {len(own)}: {plain}",
                "body": led(one.body, page.url, here, leads),
                "notes": led(one.notes, page.url, here, leads),
            }
        )
    return made


def publish(files: Files, config: MkDocsConfig, env: Environment) -> None:
    """Add the documents to what is copied to the site.

    Raises:
        PluginError: if a lesson has no slides.
    """
    pages = [page for file in files.documentation_pages() if (page := file.page)]
    path = sorted((one for one in pages if hasattr(one, "lesson")), key=_place)
    missing = [page.url for page in path if not _made.get(page.url)]
    if missing:
        raise PluginError(f"no slide could be made of {', '.join(missing)}")
    topics: dict[str, list[Page]] = {}
    for page in path:
        topics.setdefault(str(list(page.ancestors)[-1].title), []).append(page)
    theme = sorted(uri for uri in files.src_uris if _SHEETS.fullmatch(uri))
    for topic, own in topics.items():
        uri = f"{FOLDER}/{own[0].url}"
        shown = deck(own, topic)
        html = env.get_template("slides.html").render(
            config=config,
            base_url="../..",
            topic=topic,
            factor=lessons.FACTORS[topic],
            description=own[0].meta.get("description", topic),
            canonical=urljoin(str(config.site_url), uri),
            sheets=[*theme, *_OWN, "assets/slides/deck.css"],
            slides=shown,
            first=shown[0]["page"],
            live=any(slide["kind"] == "explorer" for slide in shown),
        )
        content = policy.guarded(light.lightened(markup.mended(html)))
        files.append(File.generated(config, f"{uri}index.html", content=content))


def _place(page: Page) -> int:
    return int(page.lesson.number)  # type: ignore[attr-defined]
