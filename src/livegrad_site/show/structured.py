"""Tell search engines and previews what a page is: structured data and the preview's tags."""

from __future__ import annotations

import html
import json
import re
from importlib.metadata import version
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.pages import Page

from livegrad_site.show import social

LICENCE = "https://creativecommons.org/licenses/by/4.0/"
KINDS = {"experiments/": "experiment", "reference/": "reference"}
_QUESTION = re.compile(r'^!!! question "The question"\n\n(?P<text>(?: {4}.*\n)+)', re.MULTILINE)
_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)


def question(markdown: str) -> str:
    """Return the question that a lesson or a notebook opens with, on one line; "" without one."""
    found = _QUESTION.search(markdown)
    return " ".join(found["text"].split()) if found else ""


def home(config: MkDocsConfig) -> str:
    """Return the site's address; mike leaves it without its last slash."""
    return str(config.site_url).rstrip("/") + "/"


def image(config: Any) -> str:
    """Return the preview picture's address."""
    return home(config) + social.PATH


def data(page: Any, config: Any) -> dict[str, Any]:
    """Return what the page is in the words of schema.org."""
    course = {"@type": "Course", "name": config.site_name, "url": home(config)}
    said = {
        "@context": "https://schema.org",
        "@type": "LearningResource",
        "name": page.title,
        "description": page.meta["description"],
        "url": page.canonical_url,
        "image": image(config),
        "inLanguage": page.meta.get("lang", "en"),
        "isAccessibleForFree": True,
        "license": LICENCE,
        "version": version("livegrad"),
    }
    if page.is_homepage:
        return said | course | {"provider": {"@type": "Organization", "name": config.site_name}}
    kinds = (kind for start, kind in KINDS.items() if page.url.startswith(start))
    said |= {"learningResourceType": next(kinds, "lesson"), "isPartOf": course}
    sections = [section.title for section in page.ancestors]
    return said | ({"about": sections[-1]} if sections else {})


def tags(page: Any, config: Any, title: str) -> str:
    """Return what is added to the page's head."""
    properties = {
        "og:type": "website" if page.is_homepage else "article",
        "og:site_name": config.site_name,
        "og:title": title,
        "og:description": page.meta["description"],
        "og:url": page.canonical_url,
        "og:image": image(config),
        "og:image:type": "image/png",
        "og:image:width": str(social.WIDTH),
        "og:image:height": str(social.HEIGHT),
        "og:image:alt": social.ALT,
    }
    names = {
        "twitter:card": "summary_large_image",
        "twitter:title": title,
        "twitter:description": page.meta["description"],
        "twitter:image": image(config),
        "twitter:image:alt": social.ALT,
    }
    lines = [f'<meta property="{k}" content="{html.escape(v)}">' for k, v in properties.items()]
    lines += [f'<meta name="{k}" content="{html.escape(v)}">' for k, v in names.items()]
    # Inside a script, "</script" would end it wherever it stands.
    said = json.dumps(data(page, config), ensure_ascii=False).replace("<", "\\u003c")
    return "\n".join([*lines, f'<script type="application/ld+json">{said}</script>', ""])


def in_markdown(markdown: str, page: Page) -> str:
    """Give a page without a description, a notebook, its question as one; the text stays."""
    page.meta.setdefault("description", question(markdown))
    return markdown


def described(output: str, page: Page, config: MkDocsConfig) -> str:
    """Return the page with what it is in its head."""
    if not page.meta["description"]:
        raise ValueError(f"{page.file.src_uri} has no description and no question")
    title = html.unescape(_TITLE.search(output)[1].strip())  # type: ignore[index]
    return output.replace("</head>", tags(page, config, title) + "</head>", 1)
