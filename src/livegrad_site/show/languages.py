"""Publish the translated pages, and let each page name the languages that it is there in.

The theme speaks the language of the page that it is around; what it takes from ``mkdocs.yml``, as
the names of the topics, stays English.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from livegrad_site.read import languages
from livegrad_site.run import cache


@dataclass(frozen=True)
class There:
    """A language that a page is there in.

    Attributes:
        code: as ``hreflang`` has it; "x-default" is the English page once more, without a name.
        name: the language in itself.
        url: relative to the site's own address.
        address: the whole of it.
    """

    code: str
    name: str
    url: str
    address: str


def publish(files: Files, config: MkDocsConfig) -> None:
    """Add the translated pages, each to be edited where its sentences stand."""
    for code in languages.known():
        for english in languages.translated(code):
            page = languages.page(code, english)
            file = File.generated(config, page.name, content=page.text)
            path = languages.source(code, english).relative_to(cache.ROOT / "docs")
            file.edit_uri = path.as_posix()
            files.append(file)


def there(page: Page, config: MkDocsConfig) -> list[There]:
    """Return the languages of a page, or none if it is there in English alone."""
    _, english = languages.of(page.file.src_uri)
    names = {
        code: language.name
        for code, language in languages.known().items()
        if english in languages.translated(code)
    }
    if not names:
        return []
    home = str(config.site_url).rstrip("/") + "/"
    _, _, own = page.url.partition("/") if page.meta.get("lang") else ("", "", page.url)
    found = [There("en", "English", own, home + own)]
    found += [
        There(code, name, f"{code}/{own}", f"{home}{code}/{own}") for code, name in names.items()
    ]
    return [*found, There("x-default", "", own, home + own)]


def in_content(content: str, page: Page) -> str:
    """Write the numbers in formulas with the sign that the page's language has before decimals."""
    sign = languages.named(languages.of(page.file.src_uri)[0]).decimal
    return re.sub(r"(?<=<mn>)(\d+)\.(?=\d+</mn>)", rf"\1{sign}", content)


def place(page: Page, config: MkDocsConfig) -> None:
    """Tell the templates the page's languages, and let the theme speak the page's own."""
    page.languages = there(page, config)  # type: ignore[attr-defined]
    config.theme["language"] = page.meta.get("lang", "en")


def leave(config: MkDocsConfig) -> None:
    """Let the theme speak English again."""
    config.theme["language"] = "en"
