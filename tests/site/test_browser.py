"""A reader's walk through the built site in a real browser, on a desktop and on a phone."""

import subprocess
import sys

PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True}


def test_every_page_opens_without_a_complaint_and_fits_a_phone(open_page, pages, address):
    page = open_page("", **PHONE)
    wide = []
    for path in pages:
        page.goto(address + path)
        assert page.locator("h1").count() == 1, path
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > 390:
            wide.append(f"{path} is {width} pixels wide on a phone")
    assert wide == []
    assert page.complaints == []


def test_a_copied_block_runs(open_page):
    page = open_page("", permissions=["clipboard-read", "clipboard-write"])
    block = page.locator(".language-python.highlight").first
    block.hover()
    block.locator("button.md-clipboard, .md-code__button").first.click()
    copied = page.evaluate("navigator.clipboard.readText()")
    shown = page.locator(".language-text.highlight code").first.inner_text()
    ran = subprocess.run([sys.executable, "-c", copied], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == shown.strip() != ""


def test_the_theme_switches_to_dark_and_back(open_page):
    page = open_page("", color_scheme="light")
    scheme = "document.body.getAttribute('data-md-color-scheme')"
    seen = {page.evaluate(scheme)}
    for _ in range(2):
        page.locator("form[data-md-component=palette] label:not([hidden])").first.click()
        seen.add(page.evaluate(scheme))
    assert seen == {"default", "slate"}


def test_the_system_s_dark_theme_is_followed(open_page):
    page = open_page("", color_scheme="dark")
    assert page.evaluate("document.body.getAttribute('data-md-color-scheme')") == "slate"


def test_navigation_is_instant(open_page):
    page = open_page()
    page.evaluate("window.stays = true")
    page.locator(".lg-map a.hd").click()
    page.wait_for_url("**/outputs/")
    assert page.evaluate("window.stays") is True, "the page was loaded anew"
    assert page.complaints == []


def test_each_factor_of_the_map_leads_to_its_topic(open_page):
    page = open_page()
    targets = page.locator(".lg-map a").evaluate_all("links => links.map(link => link.pathname)")
    for topic in ["gradients", "activations", "initializers", "dropout", "outputs"]:
        assert f"/{topic}/" in targets


def test_tabs_switch_between_numpy_and_keras(open_page):
    page = open_page("gradients/vanishing/")
    tabs = page.locator(".tabbed-set").first
    tabs.locator(".tabbed-labels label", has_text="Keras").click()
    assert "keras" in tabs.locator(".tabbed-block:visible").inner_text().lower()


def test_a_solution_is_folded_and_opens(open_page):
    page = open_page("gradients/vanishing/")
    solution = page.locator("details.success").first
    assert solution.get_attribute("open") is None
    solution.locator("summary").click()
    assert solution.locator("pre").first.is_visible()


def test_formulas_are_mathml(open_page):
    page = open_page("gradients/chain-rule/")
    assert page.locator("math").count() > 3
    box = page.locator("math[display=block]").first.bounding_box()
    assert box["height"] > 15 and box["width"] > 50
