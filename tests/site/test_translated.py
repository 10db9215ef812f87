"""A translated page is a page of its own language, and leads to and fro at the same place."""

import re
from urllib.parse import urljoin

import pytest
from bs4 import BeautifulSoup

from livegrad_site.read import languages

NAMES = [
    (code, re.sub(r"(?:index)?\.md$", "/", name).replace("//", "/"))
    for code in languages.known()
    for name in languages.translated(code)
]

SIGNAL = "#predict-those-that-stay"


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


def test_each_page_of_a_topic_leads_to_its_problems_in_the_language(soup):
    assert ("de", "dropout/problems/") in NAMES
    for code, name in NAMES:
        page = soup(f"{code}/{name}")
        links = {urljoin(f"/{code}/{name}", one["href"]) for one in page.select("nav a[href]")}
        assert f"/{code}/dropout/problems/" in links, name
    table = {one["href"]: one.get_text() for one in soup("de/dropout/").select("article table a")}
    assert table["problems/"] == "Aufgaben"


def test_problems_are_set_in_the_language_with_the_hints_and_numbers_of_it(soup):
    page = soup("de/dropout/problems/")
    assert page.select_one("article a[download]").get_text() == "Aufgabenblatt"
    folds = [one.get_text() for one in page.select("article details > summary")]
    assert folds == ["Erster Hinweis", "Zweiter Hinweis", "Lösung"] * 5
    numbers = {one.get_text() for one in page.select("article math mn")}
    assert "0,7" in numbers and not any("." in one for one in numbers)


def test_the_switch_keeps_the_section(open_page, address):
    there = "Math.abs(document.querySelector('#pitfalls').getBoundingClientRect().top) < 300"
    page = open_page("dropout/signal/#pitfalls")
    page.until(there)
    page.locator("header [data-lg-language]").click()
    page.wait_for_url(f"{address}de/dropout/signal/#pitfalls")
    page.until("document.documentElement.lang === 'de'")
    assert page.locator("h2#pitfalls").inner_text().strip("¶ \n") == "Fallstricke"
    page.until(there)
    page.locator("header [data-lg-language]").click()
    page.wait_for_url(f"{address}dropout/signal/#pitfalls")
    page.until("document.documentElement.lang === 'en'")
    assert page.complaints == []


def test_a_page_that_is_left_while_it_scrolls_leads_to_the_section_all_the_same(open_page):
    page = open_page("dropout/signal/#pitfalls")
    page.locator("header [data-lg-language]").wait_for()
    # So the theme keeps a height for a page that it has left already.
    page.evaluate("""() => {
        const push = history.pushState;
        history.pushState = (...given) => {
            push.apply(history, given);
            history.replaceState({ x: 0, y: 40 }, "");
        };
    }""")
    page.locator("header [data-lg-language]").click()
    page.until("document.documentElement.lang === 'de'")
    page.until("document.querySelector('#pitfalls').matches(':target') && scrollY > 1000")
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
    "query", ["Erwartungswert Nichtlinearität", "Kreuzvalidierung", "Masken Inferenz", "Strafterm"]
)
def test_the_search_finds_a_translated_page(open_page, query):
    page = open_page()
    page.locator("input.md-search__input").click()
    page.locator("input.md-search__input").fill(query)
    found = page.locator(".md-search-result__item a").first
    found.wait_for()
    assert "/de/dropout/" in found.get_attribute("href")


def test_a_translated_page_asks_in_its_own_language(open_page):
    page = open_page("de/dropout/signal/", reduced_motion="reduce")
    fold = page.locator(f"{SIGNAL}[data-ready]")
    fold.locator("summary").click()
    assert fold.locator("legend").all_text_contents() == ["Ihre Schätzung", "Wie sicher sind Sie?"]
    assert "ein Wert, der bleibt" in fold.inner_text()
    assert "0,2" in fold.locator("svg text").all_text_contents()
    button = fold.locator("button[type=submit]")
    assert button.inner_text() == "Antworten"
    fold.get_by_text("ziemlich sicher, 75 %").click()
    button.click()
    said = fold.locator(".lg-predict__said")
    assert said.inner_text() == "Zeichnen Sie erst durch alle 3 Punkte: 3 fehlen noch."
    for at in range(3):
        fold.locator("[role=slider]").nth(at).press("End")
    assert fold.locator("[role=slider]").first.get_attribute("aria-valuetext") == "12"
    button.click()
    told = said.inner_text()
    assert "Daneben. Größere Werte würden den Mittelwert erhöhen. Bei der Rate 0,8" in told
    assert "2,5; 4 und 10" in told and button.inner_text() == "Noch einmal"
    english = r"\b(?:the|your|you|what|guess|answer|right|missed|curve)\b"
    assert re.findall(english, fold.inner_text(), re.IGNORECASE) == []
    # It is the same question: the English page knows the answer, and speaks English again.
    page.locator("header [data-lg-language]").click()
    page.until("document.querySelector('.lg-predict__lead')?.textContent === 'Predict first'")
    fold.locator("summary").click()
    assert fold.locator("summary").inner_text().endswith("missed")
    assert button.inner_text() == "Try again"
    assert page.complaints == []
