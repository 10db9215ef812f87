"""The one place where MkDocs meets the machinery: what happens at each of its events, in order.

All that depends on MkDocs calling at a certain moment stands here; another builder needs another
file like this one. A page goes through three stages: Markdown to Markdown, the Markdown extension
(``show.extension``), HTML to HTML.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from jinja2 import Environment
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.livereload import LiveReloadServer
from mkdocs.plugins import event_priority
from mkdocs.structure.files import Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page

from livegrad_site.check import checked, stale
from livegrad_site.run import cache, later, notebooks, results
from livegrad_site.show import (
    decks,
    downloads,
    explorers,
    findable,
    glossary,
    index,
    languages,
    lessons,
    light,
    marks,
    markup,
    offline,
    policy,
    predict,
    provenance,
    sheets,
    social,
    structured,
    trust,
    versions,
)

# Nothing works on a page before it was checked; what a notebook says is known when it has run.
IN_MARKDOWN = (
    checked.in_markdown,
    notebooks.in_markdown,
    predict.in_markdown,
    marks.in_markdown,
    trust.in_markdown,
    results.in_markdown,
    downloads.in_markdown,
    sheets.in_markdown,
    structured.in_markdown,
)
# The search indexes what stands here in the end. A mark is one piece with the word before it, which
# may be the end of a term.
IN_CONTENT = (
    languages.in_content,
    notebooks.in_content,
    predict.in_content,
    glossary.in_content,
    marks.in_content,
    findable.in_content,
    explorers.in_content,
    decks.in_content,
)
# Sheets are made of translated pages too.
PUBLISHED = (
    results.publish,
    downloads.publish,
    languages.publish,
    sheets.publish,
    social.publish,
    offline.publish,
)
# After all plugins: what they add to a page is in it by now.
LAST = -100


def on_startup(command: str, **_: Any) -> None:
    """What is served is shown to its author."""
    checked.begin(serving=command == "serve")
    # Whoever asked for a dirty build knows what it is.
    logging.getLogger("mkdocs.commands.build").addFilter(
        lambda said: "'dirty' build" not in said.getMessage()
    )


def on_config(config: MkDocsConfig, **_: Any) -> MkDocsConfig:
    """All plugins are configured by now.

    Raises:
        PluginError: if the machinery of another checkout is installed, which would look there.
    """
    asked = Path(config.config_file_path or ".").resolve().parent
    if asked != cache.ROOT:
        raise PluginError(f"{cache.ROOT} is installed, not {asked}: set PYTHONPATH to its src")
    checked.configure()
    index.configure(config)
    provenance.configure(config)
    versions.configure(config)
    offline.configure(config)
    markup.configure(config)
    return config


def on_pre_build(**_: Any) -> None:
    """``serve`` builds more than once."""
    findable.begin()


def on_files(files: Files, config: MkDocsConfig, **_: Any) -> Files:
    """All pages are known, and none has been worked on."""
    stale.renew(files)
    checked.compare(files)
    checked.compare_translations()
    for publish in PUBLISHED:
        publish(files, config)
    return files


def on_nav(nav: Navigation, **_: Any) -> Navigation:
    """The navigation is the path that the lessons are numbered along."""
    lessons.number(nav)
    return nav


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """From Markdown to Markdown."""
    for step in IN_MARKDOWN:
        markdown = step(markdown, page)
    return markdown


def on_page_content(html: str, page: Page, **_: Any) -> str:
    """From HTML to HTML, the page's text alone."""
    for step in IN_CONTENT:
        html = step(html, page)
    return html


def on_env(env: Environment, files: Files, config: MkDocsConfig, **_: Any) -> Environment:
    """The texts of all pages are ready, and nothing has been written."""
    checked.compare_notebooks(files)
    env.globals["FACTORS"] = lessons.FACTORS
    env.globals["slides_of"] = decks.address
    decks.publish(files, config, env)
    return env


def on_page_context(context: Any, page: Page, nav: Navigation, **_: Any) -> Any:
    """The titles of all pages are known by now."""
    lessons.place(page, nav)
    predict.place(page, nav)
    languages.place(page, context["config"])
    return context


@event_priority(LAST)
def on_post_page(output: str, page: Page, config: MkDocsConfig, **_: Any) -> str:
    """From HTML to HTML, the whole document; its policy names all scripts that are in it."""
    languages.leave(config)
    output = structured.described(output, page, config)
    return policy.guarded(light.lightened(markup.mended(output)))


@event_priority(LAST)
def on_post_template(output: str, template_name: str, **_: Any) -> str:
    """The sitemap is a template, and so is the page for addresses that lead nowhere."""
    if template_name == "sitemap.xml":
        return markup.undated(output)
    return policy.guarded(markup.mended(output)) if template_name == "404.html" else output


@event_priority(LAST)
def on_post_build(config: MkDocsConfig, **_: Any) -> None:
    """All files are written, the search index too."""
    checked.end()
    explorers.write(Path(config.site_dir))
    findable.write(Path(config.site_dir))
    offline.write(Path(config.site_dir))


def on_serve(server: LiveReloadServer, **_: Any) -> LiveReloadServer:
    """The first build is there to be read; now what is missing runs."""
    cache.write(later.READY, b"")
    server.watch(str(later.READY))
    later.queue.start()
    return server


def on_build_error(**_: Any) -> None:
    """A build that failed leaves no process behind."""
    checked.end()


def on_shutdown(**_: Any) -> None:
    """Nor does a server that was stopped."""
    later.queue.stop()
