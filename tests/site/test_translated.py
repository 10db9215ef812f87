"""A translated page is a page of its own language, and leads to and fro at the same place."""

import re

import pytest
from bs4 import BeautifulSoup

from livegrad_site.read import languages

NAMES = [
    (code, re.sub(r"(?:index)?\.md$", "/", name).replace("//", "/"))
    for code in languages.known()
    for name in languages.translated(code)
]


@pytest.fixture(scope="module")
def soup(site):
    def read(page):
        return BeautifulSoup((site / page / "index.html").read_text("utf-8"), "html.parser")

    return read


def alternates(page):
    return {one["hreflang"]: one["href"] for one in page.select("head link[hreflang]")}


@pytest.mark.parametrize(("code", "name"), NAMES)
def test_both_pages_name_both_languages_and_have_the_same_places(soup, address, code, name):
    english, theirs = soup(name), soup(f"{code}/{name}")
    assert english.html["lang"] == "en" and theirs.html["lang"] == code
    expected = {"en": address + name, "x-default": address + name, code: f"{address}{code}/{name}"}
    assert alternates(english) == alternates(theirs) == expected
    places = [
        [tag["id"] for tag in one.select("article :is(h1, h2, h3)[id]")]
        for one in (english, theirs)
    ]
    assert places[0] == places[1] and len(places[0]) > 2
    # What was run is there once, and shown on both.
    shown = [
        [tag.get_text() for tag in one.select("article pre code, article figure svg")]
        for one in (english, theirs)
    ]
    assert shown[0] == shown[1] and len(shown[0]) > 2
    assert len(english.select(".lg-proof")) == len(theirs.select(".lg-proof")) > 0


def test_a_page_that_is_there_in_english_alone_names_no_other(soup):
    page = soup("gradients/vanishing/")
    assert alternates(page) == {} and not page.select("[data-lg-language]")


def test_the_switch_keeps_the_section(open_page, address):
    page = open_page("dropout/signal/#pitfalls")
    page.locator("header [data-lg-language]").click()
    page.wait_for_url(f"{address}de/dropout/signal/#pitfalls")
    page.until("document.documentElement.lang === 'de'")
    assert page.locator("h2#pitfalls").inner_text().strip("¶ \n") == "Fallstricke"
    page.until("Math.abs(document.querySelector('#pitfalls').getBoundingClientRect().top) < 300")
    page.locator("header [data-lg-language]").click()
    page.wait_for_url(f"{address}dropout/signal/#pitfalls")
    page.until("document.documentElement.lang === 'en'")
    assert page.complaints == []


def test_without_scripts_the_page_itself_leads_to_the_other_language(open_page, address):
    page = open_page("dropout/", java_script_enabled=False)
    page.locator("article [data-lg-language]").click()
    page.wait_for_url(f"{address}de/dropout/")
    assert page.locator("html").get_attribute("lang") == "de"


def test_a_page_in_one_language_has_no_switch(open_page):
    page = open_page("de/dropout/")
    page.locator("header [data-lg-language]").wait_for()
    page.locator(".md-tabs__link", has_text="Outputs").click()
    page.wait_for_url("**/outputs/")
    page.until("document.querySelector('h1').textContent.startsWith('Output')")
    page.until("!document.querySelector('header [data-lg-language]')")
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.complaints == []


def test_an_explorer_works_on_a_translated_page(open_page):
    page = open_page("de/dropout/signal/")
    page.locator(".lg-explorer").scroll_into_view_if_needed()
    page.locator(".lg-explorer[data-ready]").wait_for()
    assert "Übersetzt aus dem Englischen" in page.locator("article").inner_text()
    assert page.complaints == []


@pytest.mark.parametrize(
    "query", ["Erwartungswert Nichtlinearität", "Kreuzvalidierung", "Masken Vorhersage"]
)
def test_the_search_finds_a_translated_page(open_page, query):
    page = open_page()
    page.locator("input.md-search__input").click()
    page.locator("input.md-search__input").fill(query)
    found = page.locator(".md-search-result__item a").first
    found.wait_for()
    assert "/de/dropout/" in found.get_attribute("href")
