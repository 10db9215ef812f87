"""A reader's first visit keeps within its budget of bytes, which no machine changes."""

import gzip
import re
from urllib.parse import unquote, urlsplit

import pytest

# Kilobytes, compressed, on a first visit: all that comes with a page of this kind.
TEXT, NOTEBOOK, EXPLORERS = 130, 120, 75
HEADERS = 0.3  # what an answer's head adds
# What comes only with a page that asks for a prediction, or for a curve, or that sums all up.
PREDICT = re.compile(r"assets/predict[./]")
ASKED = {
    r'class="lg-(?:predict|intuition)"': ["predict.css", "predict/kept.js"],
    r'class="lg-predict"': ["predict.js", "predict/scale.js", "predict/words.js"],
    r'data-kind="curve"': ["predict/curve.js"],
    r'class="lg-intuition"': ["predict/intuition.js"],
}
FIGURE = re.compile(r'<figure class="lg-figure">.*?</figure>', re.DOTALL)


def kilobytes(content):
    return len(gzip.compress(content, 6, mtime=0)) / 1000 + HEADERS


def folder_kilobytes(folder):
    return sum(kilobytes(path.read_bytes()) for path in folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def shared(open_page_of_module, site, address):
    """Names of the files that come with every page: what a browser asked for, and its workers."""
    page, asked = open_page_of_module("gradients/vanishing/")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1000)
    urls = {*asked, *(worker.url for worker in page.workers)}
    paths = {url.removeprefix(address) for url in urls if url.startswith(address)}
    names = {unquote(urlsplit(path).path) for path in paths}
    predicting = set(filter(PREDICT.match, names))
    assert predicting == predicts_with((site / "gradients/vanishing/index.html").read_text("utf-8"))
    return sorted(names - predicting - {"gradients/vanishing/"})


@pytest.fixture(scope="module")
def open_page_of_module(browser, address):
    context = browser.new_context()

    def opened(path):
        page = context.new_page()
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address + path)
        return page, asked

    yield opened
    context.close()


def predicts_with(text):
    """Names of the files that a page loads for its predictions."""
    names = (name for mark, names in ASKED.items() if re.search(mark, text) for name in names)
    return {f"assets/{name}" for name in names}


def too_heavy(texts, shared, site):
    """Pages over their budget, with their kilobytes."""
    common = sum(kilobytes((site / name).read_bytes()) for name in shared)
    found = {}
    for page, text in texts.items():
        notebook = page in {f"experiments/{path.stem}/" for path in site.glob("downloads/*.ipynb")}
        counted = FIGURE.sub("", text) if notebook else text
        weight = common + kilobytes(counted.encode())
        weight += sum(kilobytes((site / name).read_bytes()) for name in predicts_with(text))
        if weight > (NOTEBOOK if notebook else TEXT):
            found[page] = round(weight)
    return found


@pytest.fixture(scope="module")
def texts(site, pages):
    return {page: (site / page / "index.html").read_text("utf-8") for page in pages}


def test_each_page_s_first_visit_keeps_within_its_budget(texts, shared, site):
    assert any(name.endswith(".js") for name in shared) and len(shared) >= 6
    assert too_heavy(texts, shared, site) == {}


def first_visit(open_page_of_module, address, path, module):
    """Names of all that a browser asks for on a page whose explorer is woken at once."""
    page, asked = open_page_of_module(path)
    page.wait_for_selector("[data-explorer][data-ready]")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1000)
    urls = {*asked, *(worker.url for worker in page.workers)}
    ours = {url.removeprefix(address) for url in urls if url.startswith(address)}
    names = {unquote(urlsplit(url).path) or "index.html" for url in ours}
    assert f"assets/explorers/{module}" in names
    return names


def test_the_home_page_with_its_explorer_keeps_within_a_page_s_budget(
    open_page_of_module, site, address
):
    names = first_visit(open_page_of_module, address, "", "product.js")
    weights = {name: kilobytes((site / name).read_bytes()) for name in names}
    assert sum(weights.values()) <= TEXT, weights
    # All explorers at once would be too much for it.
    explorers = sum(one for name, one in weights.items() if name.startswith("assets/explorers/"))
    heavy = sum(weights.values()) - explorers + folder_kilobytes(site / "assets" / "explorers")
    assert heavy > TEXT


def noise(size):
    """Text that does not compress well."""
    return "".join(f"{at * at * 7919 % 999983:x}" for at in range(size))


@pytest.mark.parametrize("page", ["gradients/vanishing/", "experiments/vanishing/"])
def test_a_page_that_is_too_heavy_is_caught(texts, shared, site, page):
    heavy = texts[page] + noise(60_000)
    assert list(too_heavy({page: heavy}, shared, site)) == [page]
    figure = f'<figure class="lg-figure">{noise(60_000)}</figure>'
    found = too_heavy({page: texts[page] + figure}, shared, site)
    assert list(found) == ([] if page.startswith("experiments") else [page])


def test_what_a_prediction_loads_counts_where_one_is_asked(texts, shared, site, tmp_path):
    weights = {"plain/": "", "asks/": '<details class="lg-predict">'}
    for name in {*shared, *predicts_with(weights["asks/"])}:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((site / name).read_bytes())
    (tmp_path / "assets" / "predict.js").write_text(noise(60_000))
    assert list(too_heavy(weights, shared, tmp_path)) == ["asks/"]


def test_a_file_that_every_page_loads_counts_on_every_page(texts, shared, site, tmp_path):
    (tmp_path / "heavy.js").write_text(noise(60_000))
    assert set(too_heavy(texts, [*shared, tmp_path / "heavy.js"], site)) == set(texts)


def test_all_explorers_together_keep_within_their_budget(site):
    assert folder_kilobytes(site / "assets" / "explorers") <= EXPLORERS


def test_explorers_that_are_too_heavy_are_caught(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.js").write_text(noise(60_000))
    assert folder_kilobytes(tmp_path) > EXPLORERS
