"""The slides in a real browser: each fits, each has an address, and all work without a mouse."""

import io

import pypdf

STAGE = {"width": 1280, "height": 720}
DECK = "slides/gradients/"
# What sticks out of a slide's place, measured on the screen and not by the script that fits it.
OUTSIDE = """() => {
  const slide = document.querySelector(".slide.now");
  const place = slide.querySelector(".slide__body").getBoundingClientRect();
  const seen = [...slide.querySelectorAll(".slide__fit *")].filter(
    (one) => !one.closest(".lgx-live, svg *, math *"));
  const out = seen.filter((one) => {
    const {width, height, right, bottom} = one.getBoundingClientRect();
    return width && height && (right > place.right + 2 || bottom > place.bottom + 2);
  });
  const cut = seen.filter((one) =>
    one.matches("pre > code, .lg-math") && one.scrollWidth > one.clientWidth + 1);
  return [...out, ...cut].slice(0, 3).map((one) => `${slide.id} ${one.tagName} ${one.className}`);
}"""
WIDE = """() => document.documentElement.scrollWidth > 360
  ? [document.querySelector(".slide.now").id] : []"""
# Measures each slide of the document that is open, from the first to the last.
WALK = """async () => {
  const each = MEASURE;
  const on = document.querySelector("[data-deck=on]");
  const found = [];
  for (;;) {
    const explorer = document.querySelector(".now .lg-explorer");
    while (explorer && explorer.dataset.ready === undefined) {
      await new Promise((done) => setTimeout(done, 20));
    }
    found.push(...each());
    if (on.disabled) return found;
    on.click();
  }
}"""


def walk(page, measure):
    return page.evaluate(WALK.replace("MEASURE", measure))


def at(page):
    return page.evaluate("document.querySelector('.slide.now').id")


def test_no_slide_is_larger_than_its_place_or_complains(open_page, decks, address):
    page = open_page(DECK, viewport=STAGE)
    assert len(decks) == 8
    outside, kinds = [], set()
    for deck in decks:
        page.goto(address + deck)
        outside += walk(page, OUTSIDE)
        kinds |= set(
            page.evaluate("[...document.querySelectorAll('.slide')].map(s => s.className)")
        )
    assert outside == []
    assert page.complaints == []
    assert {"slide slide--title", "slide slide--code", "slide slide--explorer"} <= kinds


def test_a_slide_that_is_too_large_is_caught(open_page):
    page = open_page(f"{DECK}#/vanishing/2", viewport=STAGE)
    assert page.evaluate(OUTSIDE) == []
    page.evaluate("document.querySelector('.now .slide__fit').style.setProperty('--fit', 3)")
    assert page.evaluate(OUTSIDE) != []


def test_code_is_large_enough_to_be_read(open_page, decks, address):
    page = open_page(DECK, viewport=STAGE)
    small = {}
    for deck in decks:
        page.goto(address + deck)
        page.keyboard.press("o")
        small |= page.evaluate(
            """() => Object.fromEntries(
              [...document.querySelectorAll(".slide:has(pre) .slide__fit")].map((one) =>
                [one.closest(".slide").id, Number(one.style.getPropertyValue("--fit"))]))"""
        )
    assert len(small) > 60
    assert {name: part for name, part in small.items() if part < 0.5} == {}


def test_keys_lead_through_the_slides_and_the_address_follows(open_page, address):
    page = open_page(f"{DECK}#/vanishing/3", viewport=STAGE)
    assert at(page) == "/vanishing/3"
    for key, to in [
        ("ArrowRight", "/vanishing/4"),
        ("ArrowLeft", "/vanishing/3"),
        ("PageDown", "/vanishing/4"),
        ("PageUp", "/vanishing/3"),
        ("Space", "/vanishing/4"),
        ("Shift+Space", "/vanishing/3"),
        ("Home", "/topic/1"),
        ("End", "/end/1"),
    ]:
        page.keyboard.press(key)
        assert at(page) == to
        assert page.url == f"{address}{DECK}#{to}"
        assert page.evaluate("document.activeElement.id") == to
    page.evaluate("location.hash = '#/vanishing/5'")
    page.until("document.querySelector('.slide.now').id === '/vanishing/5'")


def test_notes_overview_dark_and_the_letters_turned_off(open_page):
    page = open_page(f"{DECK}#/vanishing/2", viewport=STAGE, color_scheme="light")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    notes = page.locator(".now .slide__notes")
    assert not notes.is_visible()
    page.keyboard.press("n")
    assert notes.is_visible() and "This topic" in notes.inner_text()
    assert page.evaluate(OUTSIDE) == []
    page.keyboard.press("n")
    page.keyboard.press("o")
    assert page.locator(".slide").nth(5).is_visible()
    page.locator(".slide").nth(3).click()
    assert at(page) == page.locator(".slide").nth(3).get_attribute("id")
    assert not page.locator(".slide").nth(5).is_visible()
    page.keyboard.press("d")
    assert page.evaluate("document.body.dataset.mdColorScheme") == "slate"
    page.get_by_role("button", name="Letter keys").click()
    page.keyboard.press("o")
    assert not page.locator(".slide").nth(5).is_visible()
    page.reload()
    assert page.get_by_role("button", name="Letter keys").get_attribute("aria-pressed") == "false"


def test_s_leads_from_a_lesson_to_its_slides_and_back(open_page, address):
    page = open_page("gradients/exploding/", viewport=STAGE)
    page.keyboard.press("s")
    page.wait_for_url(f"{address}{DECK}#/exploding/1")
    page.until("document.querySelector('.slide.now')")
    assert at(page) == "/exploding/1"
    page.keyboard.press("s")
    page.wait_for_url(f"{address}gradients/exploding/")
    page.evaluate("localStorage.setItem('lg.keys', 'off')")
    page.keyboard.press("s")
    page.wait_for_timeout(200)
    assert page.url == f"{address}gradients/exploding/"
    page.get_by_role("link", name="Slides").click()
    page.wait_for_url(f"{address}{DECK}#/exploding/1")
    assert page.complaints == []


def test_an_explorer_is_alive_and_its_setting_is_in_the_slide_s_address(open_page, address):
    page = open_page(f"{DECK}?depth=depth:20#/vanishing/6", viewport=STAGE)
    page.until("document.querySelector('.now .lg-explorer')?.explorer")
    face = "document.querySelector('.now .lg-explorer').explorer"
    assert page.evaluate(f"{face}.state().depth") == 20
    slider = page.locator(".now input[type=range]").first
    slider.press("ArrowRight")
    assert at(page) == "/vanishing/6"
    page.until("location.search.includes('depth:21')")
    assert page.url.endswith("#/vanishing/6")
    page.locator(".now").press("ArrowRight")
    assert "depth:21" in page.url and at(page) == "/vanishing/7"
    # The explorer's own link has its name for an anchor: it leads to the slide that has it.
    page.goto(f"{address}{DECK}?depth=depth:12#explorer-depth")
    page.until("document.querySelector('.slide.now')?.id === '/vanishing/6'")


def test_a_finger_turns_the_slides_of_a_phone_and_nothing_is_wider(open_page, decks, address):
    page = open_page(f"{DECK}#/vanishing/1", viewport={"width": 360, "height": 740}, has_touch=True)
    swipe = """(by) => {
      const target = document.querySelector(".now");
      const fire = (type, clientX) => {
        const one = new Touch({identifier: 1, target, clientX, clientY: 300});
        const touches = type === "touchend" ? [] : [one];
        const what = {bubbles: true, touches, changedTouches: [one]};
        target.dispatchEvent(new TouchEvent(type, what));
      };
      fire("touchstart", 180);
      fire("touchend", 180 + by);
    }"""
    page.evaluate(swipe, -100)
    assert at(page) == "/vanishing/2"
    page.evaluate(swipe, 100)
    assert at(page) == "/vanishing/1"
    page.evaluate(swipe, 20)
    assert at(page) == "/vanishing/1"
    wide = []
    for deck in decks:
        page.goto(address + deck)
        wide += walk(page, WIDE)
    assert wide == []


def test_without_scripts_all_slides_stand_on_one_page(open_page):
    page = open_page(f"{DECK}#/vanishing/2", viewport=STAGE, java_script_enabled=False)
    slides = page.locator(".slide")
    assert slides.count() > 40
    assert slides.first.is_visible() and slides.last.is_visible()
    assert page.locator(".slide__notes").first.is_visible()
    assert not page.locator(".deck-bar").is_visible()
    box = page.locator('[id="/vanishing/2"]').bounding_box()
    assert 0 <= box["y"] < STAGE["height"]


def test_on_paper_each_slide_has_a_sheet(open_page):
    page = open_page("slides/dropout/", viewport=STAGE)
    count = page.locator(".slide").count()
    reader = pypdf.PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))
    assert len(reader.pages) == count
    width, height = reader.pages[0].mediabox[2:]
    assert width > height
    for title, sheet in zip(
        page.locator(".slide h2").all_text_contents(), reader.pages, strict=True
    ):
        first, *_ = title.split()
        assert first in sheet.extract_text()


def test_each_document_of_slides_keeps_within_its_weight(site, decks):
    sizes = {deck: (site / deck / "index.html").stat().st_size for deck in decks}
    assert {deck: size for deck, size in sizes.items() if size > 300_000} == {}


def test_the_slides_policy_lets_in_nothing_else(site, decks):
    for deck in decks:
        text = (site / deck / "index.html").read_text("utf-8")
        assert 'http-equiv="Content-Security-Policy" content="default-src \'self\'' in text
        assert "unsafe-inline" not in text and "noindex" not in text
