"""What a reader has without a network: what was visited, and all of it where that was asked for."""

import functools
import http.server
import json
import re
import shutil
import struct
import threading
import time
from types import SimpleNamespace

import pytest

from livegrad_site.run import later
from livegrad_site.show import offline

LESSON, OTHER, EXPLORER = "gradients/vanishing/", "gradients/exploding/", "dropout/signal/"
COPY = "The network does not answer. This is the copy"
PAGES_KEPT = """async () => {
  const found = [];
  for (const name of await caches.keys()) {
    for (const { url } of await (await caches.open(name)).keys()) found.push(url);
  }
  return found;
}"""


class Switched(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; one that is gone closes each connection, a slow one answers late."""

    def log_message(self, *args):
        pass

    def do_GET(self):
        if self.server.slow:
            self.server.awake.wait(20)
        if self.server.gone:
            self.close_connection = True
            return
        super().do_GET()


@pytest.fixture
def host(tmp_path, site):
    """The site as one version of a host that can go away; its files may be changed."""
    shutil.copytree(site, tmp_path / "latest")
    handler = functools.partial(Switched, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.gone = server.slow = False
        server.awake = threading.Event()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield SimpleNamespace(
            server=server,
            folder=tmp_path / "latest",
            address=f"http://127.0.0.1:{server.server_port}/latest/",
        )
        server.awake.set()
        server.shutdown()


def until(page, expression, argument=None, seconds=30):
    """Wait until a script's answer, which may be promised, is true."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression, argument):
        assert time.monotonic() < end, f"never: {expression} of {argument}"
        page.wait_for_timeout(50)


def kept(page):
    return page.evaluate(PAGES_KEPT)


def wait_for_copy(page, address):
    until(page, f"async (address) => (await ({PAGES_KEPT})()).includes(address)", address)


@pytest.fixture
def reader(browser, host):
    """A page in a browser of its own; what was opened is kept when ``visit`` returns."""
    context = browser.new_context()
    page = context.new_page()

    def visit(path):
        page.goto(host.address + path)
        wait_for_copy(page, host.address + path)
        until(page, "() => Boolean(navigator.serviceWorker.controller)")

    page.visit = visit
    page.title_is = lambda: page.locator("h1").inner_text().rstrip("¶").strip()
    yield page
    context.close()


def notice(page):
    """What a page says of being a copy, or nothing."""
    said = page.locator(".lg-kept")
    return said.inner_text() if said.count() else ""


def test_a_page_that_was_visited_is_there_without_a_network_and_says_so(reader, host):
    reader.visit(LESSON)
    assert notice(reader) == ""
    reader.visit(EXPLORER)
    explorer = reader.locator(".lg-explorer")
    explorer.scroll_into_view_if_needed()
    reader.locator(".lg-explorer[data-ready]").wait_for()
    reader.wait_for_load_state("networkidle")
    host.server.gone = True
    reader.reload()
    assert reader.title_is() == "What dropout does to signal and gradient"
    assert notice(reader).startswith(COPY) and re.search(r"of \d+ \w+ 20\d\d", notice(reader))
    explorer.scroll_into_view_if_needed()
    reader.locator(".lg-explorer[data-ready]").wait_for()
    reader.goto(host.address + LESSON)
    assert reader.title_is() == "Vanishing gradients"
    assert notice(reader).startswith(COPY)
    assert reader.evaluate("getComputedStyle(document.querySelector('article figure svg')).width")
    # Its style sheets and scripts came along.
    assert reader.evaluate("[...document.styleSheets].every((sheet) => sheet.cssRules.length)")
    assert reader.locator(".language-python .md-code__button").count() > 0


def search(page, query):
    page.locator("input.md-search__input").click()
    page.locator("input.md-search__input").fill(query)
    page.locator(".md-search-result__item a").first.wait_for()
    return page.locator(".md-search-result__item a").first.get_attribute("href")


def test_the_search_works_without_a_network_once_it_was_used(reader, host):
    reader.visit(LESSON)
    assert "initializers/he/" in search(reader, "he_normal")
    wait_for_copy(reader, host.address + "search/search_index.json")
    host.server.gone = True
    reader.reload()
    assert "initializers/he/" in search(reader, "he_normal")


def test_a_page_that_was_not_visited_says_so(reader, host):
    reader.visit(LESSON)
    host.server.gone = True
    # By its address, and by a link.
    reader.goto(host.address + OTHER)
    said = reader.locator(".lg-keep__missing")
    said.wait_for()
    assert OTHER in said.inner_text() and "not kept on this device" in said.inner_text()
    reader.goto(host.address + LESSON)
    reader.locator("article a[href$='chain-rule/']").first.click()
    said.wait_for()
    assert "gradients/chain-rule/" in said.inner_text()
    # From there links lead where they should.
    reader.goto(host.address + LESSON)
    assert reader.title_is() == "Vanishing gradients"


def keep_all(page):
    button = page.get_by_role("button", name="Keep the whole site on this device")
    button.wait_for()
    size = int(re.search(r"\((\d+)\sMB\)", button.inner_text())[1])
    button.click()
    page.get_by_text("The whole site is kept on this device").wait_for(timeout=60_000)
    return size


def test_the_whole_site_is_kept_when_a_reader_asks(reader, host, pages):
    reader.visit("reference/offline/")
    size = keep_all(reader)
    assert 0 <= size - sum(map(len_of, listed(host.folder))) / 1e6 < 1
    there = set(kept(reader))
    assert {host.address + page for page in pages} <= there
    host.server.gone = True
    for page in ["", "outputs/multiclass/", "experiments/vanishing/"]:
        reader.goto(host.address + page)
        assert notice(reader).startswith(COPY)
        assert reader.locator("h1").count() == 1
    reader.goto(host.address + EXPLORER)
    reader.locator(".lg-explorer").scroll_into_view_if_needed()
    reader.locator(".lg-explorer[data-ready]").wait_for()
    assert "initializers/he/" in search(reader, "he_normal")


def listed(folder):
    names = json.loads((folder / offline.LIST).read_text())["files"]
    return [
        folder / name / "index.html" if name.endswith("/") or not name else folder / name
        for name in names
    ]


def len_of(path):
    return path.stat().st_size


def test_what_is_kept_can_be_removed(reader, host):
    reader.visit("reference/offline/")
    reader.get_by_role("button", name="Remove what is kept").click()
    reader.get_by_text(": 0 pages.").wait_for()
    assert kept(reader) == []


def test_with_a_network_a_page_is_as_new_as_it_can_be(reader, host):
    reader.visit(LESSON)
    change(host, LESSON, "Vanishing gradients", "Written anew")
    reader.reload()
    assert reader.title_is() == "Written anew"
    assert notice(reader) == ""


def change(host, page, old, new):
    file = host.folder / page / "index.html"
    text = file.read_text("utf-8")
    assert f"{old}<a class" in text
    file.write_text(text.replace(f"{old}<a class", f"{new}<a class"), "utf-8")


def test_a_network_that_is_slow_is_waited_for_no_longer_than_said(reader, host, root):
    assert "const PATIENCE = 3000;" in (root / "docs/assets/worker.js").read_text()
    reader.visit(LESSON)
    host.server.slow = True
    started = time.monotonic()
    reader.reload(wait_until="domcontentloaded")
    took = time.monotonic() - started
    assert notice(reader).startswith(COPY)
    assert 2.5 < took < 9
    host.server.awake.set()


def test_a_new_build_replaces_what_was_kept_of_the_old(reader, host):
    reader.visit("reference/offline/")
    keep_all(reader)
    [old] = reader.evaluate("caches.keys()")
    change(host, OTHER, "Exploding gradients", "Written anew")
    worker = host.folder / offline.WORKER
    worker.write_text(re.sub(r'"[0-9a-f]{16}"', '"0123456789abcdef"', worker.read_text()))
    moves = []
    reader.on("load", lambda page: moves.append(page.url))
    reader.goto(host.address + LESSON)
    until(reader, "async (old) => !(await caches.keys()).includes(old)", old, 60)
    [new] = reader.evaluate("caches.keys()")
    assert new == "livegrad /latest/ 0123456789abcdef"
    reader.wait_for_timeout(1000)
    assert moves == [host.address + LESSON]  # and nothing is loaded anew for it
    host.server.gone = True
    reader.goto(host.address + OTHER)
    assert reader.title_is() == "Written anew" and notice(reader).startswith(COPY)


def test_an_update_that_breaks_off_leaves_what_was_kept(reader, host):
    reader.visit(LESSON)
    [old] = reader.evaluate("caches.keys()")
    worker = host.folder / offline.WORKER
    worker.write_text(re.sub(r'"[0-9a-f]{16}"', '"0123456789abcdef"', worker.read_text()))
    # The new worker comes, and nothing else does.
    text = worker.read_text()
    assert text.count("fetch(address, {") == 1
    worker.write_text(text.replace("fetch(address, {", "fetch('http://127.0.0.1:9/', {"))
    reader.reload()
    reader.wait_for_timeout(1500)
    host.server.gone = True
    reader.reload()
    assert reader.title_is() == "Vanishing gradients"
    assert old in reader.evaluate("caches.keys()")


def test_a_version_keeps_its_own_folder_alone(reader, host):
    other = host.folder.parent / "0.1"
    shutil.copytree(host.folder, other)
    reader.visit(LESSON)
    scopes = (
        "async () => (await navigator.serviceWorker.getRegistrations()).map((one) => one.scope)"
    )
    assert reader.evaluate(scopes) == [host.address]
    elsewhere = host.address.replace("/latest/", "/0.1/")
    reader.goto(elsewhere + LESSON)
    wait_for_copy(reader, elsewhere + LESSON)
    assert sorted(reader.evaluate(scopes)) == sorted([host.address, elsewhere])
    names = reader.evaluate("caches.keys()")
    assert sorted(name.split()[1] for name in names) == ["/0.1/", "/latest/"]
    assert [url for url in kept(reader) if not url.startswith((host.address, elsewhere))] == []


def test_the_site_can_be_installed(reader, host):
    reader.visit("")
    asked = reader.context.new_cdp_session(reader)
    assert asked.send("Page.getInstallabilityErrors")["installabilityErrors"] == []
    found = asked.send("Page.getAppManifest")
    assert found["errors"] == [] and found["url"] == host.address + offline.MANIFEST
    said = json.loads(found["data"])
    purposes = []
    for one in said["icons"]:
        head = (host.folder / one["src"]).read_bytes()[:24]
        assert head[:8] == b"\x89PNG\r\n\x1a\n"
        assert "{}x{}".format(*struct.unpack(">II", head[16:])) == one["sizes"]
        purposes.append(one["purpose"])
    assert purposes == ["any", "any", "maskable"]


def test_no_file_that_a_reader_asks_for_is_missing_from_the_list(site, pages):
    names = set(json.loads((site / offline.LIST).read_text())["files"])
    assert set(pages) <= names
    assert {"search/search_index.json", "assets/explorers/kernel.wasm"} <= names
    assert not (site / "assets" / offline.WORKER).exists()
    assert not [name for name in names if name.endswith(".map") or "sitemap" in name]


SCRIPT = f"const BUILD = {offline.PLACE};\n"


@pytest.fixture
def small(tmp_path):
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("one")
    (tmp_path / "assets" / offline.WORKER).write_text(SCRIPT)
    return tmp_path


def test_a_build_with_another_byte_has_another_worker(small):
    offline.write(small)
    one = (small / offline.WORKER).read_text()
    assert json.loads((small / offline.LIST).read_text()) == {"bytes": 3, "files": [""]}
    for text, same in [("one", True), ("two", False)]:
        (small / "index.html").write_text(text)
        (small / "assets" / offline.WORKER).write_text(SCRIPT)
        offline.write(small)
        assert ((small / offline.WORKER).read_text() == one) is same


def test_a_worker_without_a_place_for_the_digest_is_refused(small):
    (small / "assets" / offline.WORKER).write_text("const BUILD = 1;")
    with pytest.raises(ValueError, match="must have"):
        offline.write(small)


def test_an_author_gets_no_worker(small, monkeypatch):
    monkeypatch.setattr(later.queue, "serving", True)
    config = SimpleNamespace(extra={})
    files = []
    offline.configure(config)
    offline.publish(files, config)
    offline.write(small)
    assert config.extra == {"offline": ""} and files == []
    assert [path.name for path in small.rglob("*") if path.is_file()] == ["index.html"]
