"""Nobody is left out: axe-core, keyboard, reduced motion, formulas, contrast of what is drawn."""

from pathlib import Path

import axe_playwright_python
import pytest

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text("utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# The rules whose answer depends on colours: all that a second scheme can change.
COLOURED = ["color-contrast", "link-in-text-block"]
# What is inside of a figure is an image to a screen reader. Its contrast has a test of its own, as
# have the colours of code, of which a page has thousands of words in a handful of colours.
RUN = """only => axe.run(
    {exclude: [".lg-figure svg > *", ".highlight code span"]},
    {runOnly: only, resultTypes: ["violations"], preload: false},
  ).then(result => result.violations.flatMap(rule => rule.nodes.map(node =>
    `${rule.id}: ${node.target.join(" ")}: ${node.any.concat(node.all, node.none)
      .map(check => check.message).join("; ")}`)))"""
# A closed fold and a tab in the background are pages too. Of a page's sources, which are all alike
# and very long, the first is looked at.
UNFOLD = """() => {
  const [, ...others] = document.querySelectorAll("details.mkdocstrings-source");
  others.forEach(fold => { fold.remove(); });
  document.querySelectorAll("details").forEach(fold => { fold.open = true; });
  document.querySelectorAll(".tabbed-block").forEach(tab => { tab.style.display = "block"; });
}"""
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}


def violations(page, only):
    """What axe-core finds on the page that is open, as lines of text."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    return page.evaluate(RUN, {"values": only, "type": "tag" if only is TAGS else "rule"})


@pytest.fixture
def reader(open_page):
    return open_page("", viewport=DESKTOP, reduced_motion="reduce", color_scheme="light")


def test_axe_finds_nothing_on_a_page_light_or_dark(reader, pages_in_turn, address):
    found = {}
    for path in [*pages_in_turn, "404.html"]:
        reader.emulate_media(color_scheme="light")
        reader.goto(address + path)
        reader.evaluate(UNFOLD)
        light = violations(reader, TAGS)
        reader.emulate_media(color_scheme="dark")
        reader.until("document.body.dataset.mdColorScheme === 'slate'")
        if complaints := light + violations(reader, COLOURED):
            found[path] = complaints
    assert found == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_a_phone_menu_and_search_open(reader, address, scheme):
    reader.set_viewport_size(PHONE)
    reader.emulate_media(color_scheme=scheme)
    for path in ["", "gradients/vanishing/"]:
        reader.goto(address + path)
        assert violations(reader, TAGS) == []
        reader.get_by_role("button", name="Menu").click()
        reader.locator(".md-nav--primary .md-nav__list a").first.wait_for()
        assert violations(reader, TAGS) == []
        reader.keyboard.press("Escape")
        reader.get_by_role("button", name="Search").click()
        reader.keyboard.type("relu")
        reader.locator(".md-search-result__item").first.wait_for()
        assert violations(reader, TAGS) == []
        reader.keyboard.press("Escape")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_predictions_asked_and_answered(reader, address, scheme):
    reader.set_viewport_size({"width": 360, "height": 800})
    reader.emulate_media(color_scheme=scheme)
    reader.goto(address + "gradients/vanishing/")
    reader.until("document.querySelectorAll('.lg-predict[data-ready]').length === 4")
    reader.evaluate("document.querySelectorAll('.lg-predict').forEach(one => { one.open = true; })")
    reader.until("document.querySelector('.lg-predict svg text')")
    for answered in (False, True):
        for fold in reader.locator(".lg-predict").all() if answered else []:
            for slider in fold.get_by_role("slider").all():
                slider.press("ArrowUp")
            if fold.get_attribute("data-kind") == "choices":
                fold.get_by_role("radio").first.check()
            fold.get_by_text("fairly sure").click()
            fold.get_by_role("button", name="Answer").click()
            fold.get_by_role("button", name="Try again").wait_for()
        assert reader.evaluate("document.documentElement.scrollWidth") <= 360
        assert violations(reader, TAGS if scheme == "light" else COLOURED) == []
    reader.goto(address + "reference/intuition/")
    reader.until("document.querySelector('.lg-intuition__own table')")
    assert reader.evaluate("document.documentElement.scrollWidth") <= 360
    assert violations(reader, TAGS if scheme == "light" else COLOURED) == []


def test_axe_finds_nothing_on_slides_light_or_dark(reader, address):
    reader.goto(f"{address}slides/dropout/")
    found = []
    for name in ["/topic/1", "/signal/2", "/signal/3", "/signal/6", "/signal/7"]:
        reader.evaluate(f"location.hash = '#{name}'")
        reader.until(f"document.querySelector('.slide.now').id === '{name}'")
        if name == "/signal/2":
            reader.keyboard.press("n")
        found += violations(reader, TAGS)
        reader.keyboard.press("d")
        found += violations(reader, COLOURED)
        reader.keyboard.press("d")
    reader.keyboard.press("o")
    assert found + violations(reader, TAGS) == []


@pytest.mark.parametrize(
    ("rule", "planted"),
    [
        ("image-alt", "<img src=assets/favicon.svg>"),
        ("button-name", "<button></button>"),
        ("heading-order", "<h6>Too deep</h6>"),
        ("color-contrast", "<p class=planted>Hardly seen</p>"),
    ],
)
def test_what_axe_looks_for_is_found(reader, rule, planted):
    reader.evaluate(
        """planted => {
          document.querySelector("article h1").insertAdjacentHTML("afterend", planted);
          const pale = document.querySelector(".planted");
          if (pale) pale.style.color = "#ccc";
        }""",
        planted,
    )
    assert [line for line in violations(reader, TAGS) if line.startswith(rule)] != []


# Where the keyboard is: its name, whether it is on the screen, and whether that is shown, by the
# element itself or, for a box that a label stands for, by what follows it.
FOCUS = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const shown = [at, at.nextElementSibling, at.labels?.[0]].filter(Boolean).map(one =>
    getComputedStyle(one).outlineStyle !== "none" && one.getClientRects().length > 0);
  // A knob in a drawing has a ring.
  const ring = at.querySelector(":scope > .ring");
  if (ring) shown.push(getComputedStyle(ring).strokeWidth === "2.5px");
  const box = (at.matches("input[type=radio]") ? at.labels[0] : at).getBoundingClientRect();
  return {
    name: (at.ariaLabel || at.labels?.[0]?.textContent || at.textContent).trim().slice(0, 40),
    tag: at.tagName.toLowerCase(),
    href: at.getAttribute("href"),
    seen: at.matches("input.md-option") || (box.width > 1 && box.height > 1 && box.right > 0
      && box.left < innerWidth && box.bottom > 0 && box.top < innerHeight),
    shown: shown.some(Boolean) || at.matches(".tabbed-set > input"),
  };
}"""


def walk(page):
    """Press Tab until the page ends, and return the stops."""
    stops = []
    for _ in range(400):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUS)
        if stop is None:
            return stops
        stops.append(stop)
    raise AssertionError("the keyboard never leaves the page")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_stop_of_the_keyboard_is_seen(reader, address, size):
    reader.set_viewport_size(size)
    for path in ["", "gradients/vanishing/"]:
        reader.goto(address + path)
        # An explorer that wakes on the way would move what is looked at.
        for explorer in reader.locator("[data-explorer]").all():
            explorer.scroll_into_view_if_needed()
            reader.wait_for_selector("[data-explorer][data-ready]")
        reader.evaluate("scrollTo(0, 0)")
        stops = walk(reader)
        assert [stop for stop in stops if not stop["seen"] or not stop["shown"]] == []
        links = reader.locator("article a[href]:not([tabindex]):visible").evaluate_all(
            "links => links.map(link => link.getAttribute('href'))"
        )
        assert set(links) <= {stop["href"] for stop in stops}
    # Code that is wider than a phone is scrolled by keyboard too.
    tags = {"a", "button", "input", "summary"} | ({"code"} if size is PHONE else set())
    assert tags <= {stop["tag"] for stop in stops}


def test_a_stop_that_is_not_seen_is_caught(reader):
    reader.evaluate(
        """() => {
          const link = document.querySelector("article a");
          link.style.outline = "none";
          link.style.position = "fixed";
          link.style.left = "-99px";
        }"""
    )
    bad = [stop for stop in walk(reader) if not stop["seen"] and not stop["shown"]]
    assert len(bad) == 1


def test_menu_theme_tabs_folds_and_search_work_by_keyboard(reader):
    reader.set_viewport_size(PHONE)
    reader.goto(reader.url + "gradients/vanishing/")
    menu = reader.get_by_role("button", name="Menu")
    menu.focus()
    reader.keyboard.press("Enter")
    reader.until("document.activeElement.closest('.md-nav--primary')")
    assert menu.get_attribute("aria-expanded") == "true"
    reader.keyboard.press("Escape")
    assert menu.get_attribute("aria-expanded") == "false"
    assert menu.evaluate("button => button === document.activeElement")

    scheme = "document.body.dataset.mdColorScheme"
    reader.locator("input.md-option").first.focus()
    seen = set()
    for _ in range(3):
        reader.keyboard.press("ArrowRight")
        seen.add(reader.evaluate(scheme))
    assert seen == {"default", "slate"}

    tabs = reader.locator(".tabbed-set").first
    tabs.locator("input").first.focus()
    reader.keyboard.press("ArrowRight")
    tabs.scroll_into_view_if_needed()  # what is far from the screen has no rendered text
    assert "keras" in tabs.locator(".tabbed-block:visible").inner_text().lower()

    fold = reader.locator("details.success").first
    fold.locator("summary").focus()
    reader.keyboard.press("Enter")
    assert fold.get_attribute("open") is not None

    reader.get_by_role("button", name="Search").focus()
    reader.keyboard.press("Enter")
    reader.keyboard.type("dead relu")
    reader.locator(".md-search-result__item").first.wait_for()
    reader.keyboard.press("ArrowDown")
    reader.keyboard.press("Enter")
    reader.wait_for_url("**/activations/relu/**")


def test_nothing_moves_for_a_reader_who_wants_no_motion(reader):
    moving = """() => [...document.querySelectorAll("*")].filter(one =>
      [null, "::before", "::after"].some(part => {
        const style = getComputedStyle(one, part);
        return [style.transitionDuration, style.animationDuration].join().split(",")
          .some(time => parseFloat(time) > 0.001);
      })).length"""
    assert reader.evaluate(moving) == 0
    assert reader.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    reader.emulate_media(reduced_motion="no-preference")
    assert reader.evaluate(moving) > 0


def tree(page):
    """The accessibility tree that Chromium hands to a screen reader: pairs of role and name."""
    nodes = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    return [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node["ignored"]
    ]


def test_each_formula_is_read_out(reader, pages, address):
    for path in ["gradients/chain-rule/", "initializers/glorot/", "outputs/multiclass/"]:
        reader.goto(address + path)
        reader.evaluate(UNFOLD)
        shown = tree(reader)
        formulas = [role for role, _ in shown if role == "MathMLMath"]
        assert len(formulas) == reader.locator("math").count() > 3
        # What it consists of is there as well: letters, and a fraction as a fraction.
        roles = {role for role, _ in shown}
        assert {"MathMLIdentifier", "MathMLOperator", "MathMLFraction"} <= roles
    bare = "document.querySelectorAll('math').forEach(one => { one.ariaHidden = 'true'; })"
    reader.evaluate(bare)
    assert "MathMLMath" not in {role for role, _ in tree(reader)}


# The contrast of what figures draw against the page below it: for each text, and for each line or
# mark. What is painted at half strength or less is ground: grids, bands, the tint of a cell.
DRAWN = """least => {
  const parse = colour => {
    const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number);
    return {rgb: [r, g, b], a};
  };
  const light = rgb => rgb.map(one => one / 255)
    .map(one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
    .reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = parse(getComputedStyle(document.body).backgroundColor).rgb;
  const contrast = (rgb, share) => {
    const mixed = rgb.map((one, at) => one * share + ground[at] * (1 - share));
    const [dark, bright] = [light(mixed), light(ground)].sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
  };
  const found = {};
  for (const part of document.querySelectorAll(".lg-figure svg :is(text, path, use)")) {
    if (part.closest("clipPath, defs")) continue;
    let opacity = 1;
    for (let one = part; one.tagName !== "svg"; one = one.parentElement) {
      opacity *= Number(getComputedStyle(one).opacity);
    }
    const style = getComputedStyle(part);
    const text = part.tagName === "text";
    const inks = ["fill", ...(text ? [] : ["stroke"])]
      .filter(name => style[name] !== "none")
      .map(name => {
        const {rgb, a} = parse(style[name]);
        const share = a * opacity * Number(style[name + "Opacity"]);
        return {name, rgb, share, contrast: contrast(rgb, share)};
      }).filter(ink => text || ink.share > 0.5);
    // A mark is seen by its fill or by its edge.
    const best = inks.sort((a, b) => b.contrast - a.contrast)[0];
    if (best && best.contrast < least[text ? "text" : "mark"]) {
      found[`${part.tagName} ${best.name} ${best.rgb} at ${best.share.toFixed(2)}`] =
        Number(best.contrast.toFixed(2));
    }
  }
  return found;
}"""
LEAST = {"text": 4.5, "mark": 3.0}
# Words that reach beyond their figure: a label longer than its axis is cut off there.
CUT = """() => [...document.querySelectorAll(".lg-figure")].flatMap(figure => {
  figure.style.contentVisibility = "visible";  // else it is not laid out
  return [...figure.querySelectorAll("svg")].flatMap(svg => {
    const edge = svg.getBoundingClientRect();
    return [...svg.querySelectorAll("text")].filter(text => {
      const box = text.getBoundingClientRect();
      return box.left < edge.left - 2 || box.right > edge.right + 2
        || box.top < edge.top - 2 || box.bottom > edge.bottom + 2;
    }).map(text => text.textContent.trim());
  });
})"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_figures_draw_stands_out_and_is_whole(reader, pages, address, site, scheme):
    reader.emulate_media(color_scheme=scheme)
    drawn = [path for path in pages if "lg-figure" in (site / path / "index.html").read_text()]
    assert len(drawn) > 20
    faint, cut = {}, {}
    for path in drawn:
        reader.goto(address + path)
        if found := reader.evaluate(DRAWN, LEAST):
            faint[path] = found
        if found := reader.evaluate(CUT):
            cut[path] = found
    assert faint == {} and cut == {}


def test_a_label_that_is_cut_off_is_caught(reader):
    assert reader.evaluate(CUT) == []
    # In one call: an explorer that is still being set up draws its figure anew.
    # It may also have none yet: the call waits until there is one.
    there = "(label = document.querySelector('.lg-figure text'))"
    wait = f"let label; while (!{there}) await new Promise(next => setTimeout(next, 20))"
    longer = "label.textContent = 'much longer than '.repeat(20)"
    assert len(reader.evaluate(f"async () => {{ {wait}; {longer}; return ({CUT})(); }}")) == 1


def test_a_figure_that_is_too_pale_is_caught(reader):
    text = "document.querySelector('.lg-figure text').style.fill = '#999'"
    marks = "document.querySelector('.lg-figure svg').style.color = '#bbb'"
    found = reader.evaluate(f"least => {{ {text}; {marks}; return ({DRAWN})(least); }}", LEAST)
    assert any(key.startswith("text") for key in found)
    assert any(key.startswith("path") for key in found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_colours_of_factors_and_code_can_be_read_wherever_they_stand(reader, scheme):
    reader.emulate_media(color_scheme=scheme)
    contrasts = reader.evaluate(
        """() => {
          const style = getComputedStyle(document.body);
          const light = hex => [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16) / 255)
            .map(one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
            .reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0);
          const whole = hex => hex.trim().replace(/^#(.)(.)(.)$/, "#$1$1$2$2$3$3");
          const of = name => light(whole(style.getPropertyValue(name)));
          const grounds = ["--md-default-bg-color", "--lg-surface", "--md-code-bg-color"];
          const words = ["number", "special", "function", "constant", "keyword", "string", "name",
            "operator", "punctuation", "comment", "generic", "variable"];
          const inks = [
            ...["act", "wt", "msk", "hd"].map(factor => "--lg-" + factor),
            ...words.map(word => `--md-code-hl-${word}-color`),
            "--md-code-fg-color",
          ];
          return inks.flatMap(ink => grounds.map(ground => {
            const pair = [of(ink), of(ground)].sort((a, b) => a - b);
            return [ink + " on " + ground, (pair[1] + 0.05) / (pair[0] + 0.05)];
          }));
        }"""
    )
    assert len(contrasts) == 51
    assert [name for name, contrast in contrasts if contrast < 4.5] == []
