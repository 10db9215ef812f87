"""The built site, served on this machine, and a real browser to read it with."""

import contextlib
import functools
import http.server
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from urllib.parse import urlsplit

import filelock
import pytest

from livegrad_site.check import turns
from livegrad_site.show import provenance

# The address that the site is built for and that every browser here finds it at, whatever port
# serves it: instant navigation compares with it, and what is on localhost may use the clipboard.
# In a run that may publish the site, it is the public one: these very bytes are published.
HOME = urlsplit(os.environ.get("SITE_URL") or "http://livegrad.localhost/")
# A repository for the edit links to lead to; nothing is asked of it.
REPOSITORY = os.environ.get("REPO_URL") or "https://example.org/livegrad"
# Built as mike has it: each version calls the address of the latest its own.
VERSION = os.environ.get("MIKE_DOCS_VERSION") or "dev"
ADDRESS = f"{HOME.geturl()}latest/"
VERSIONS = [{"version": VERSION, "title": VERSION, "aliases": ["latest"]}]
BUILT_FOR = {"SITE_URL": HOME.geturl(), "REPO_URL": REPOSITORY, "MIKE_DOCS_VERSION": VERSION}
BROWSERS = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# What the browser says of a worker that it was asked not to start.
BLOCKED = "Service Worker registration blocked by Playwright"


@pytest.fixture(scope="session")
def port():
    """A free port, known to the browser before there is a site to serve."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def start_build(tree, folder, **given):
    """Start a strict build of the tree's site; what it says goes to a file beside the folder."""
    # Under this variable IPython's kernel treats stderr otherwise than in a reader's build.
    env = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    with folder.with_suffix(".log").open("w") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
            cwd=tree,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=env | BUILT_FOR | given,
        )


@pytest.fixture(scope="session")
def source():
    """The commit that the site is built from, as its pages name it."""
    return provenance.commit()


@pytest.fixture(scope="session")
def builds(root, source, tmp_path_factory):
    """Folders of two sites, built at once: from here, and from a copy elsewhere on another day.

    Of several processes of pytest the first builds, and the others wait for it. In CI the one from
    here is built where it is published from, and the copy has nothing of what was computed before
    but the numbers of the experiments and the pages' records and figures, which the blocks' tests
    and the lowest versions compute again; elsewhere it may use the cache.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    folder /= "built"
    with filelock.FileLock(f"{folder}.lock"):
        if not folder.exists():
            folder.mkdir()
            build(root, source, folder)
    for name in ("here", "there"):
        assert (folder / f"{name}.built").exists(), (folder / f"{name}.log").read_text("utf-8")
    return (folder / "here").resolve(), folder / "there"


def build(root, source, folder):
    """Build both sites, and leave a mark beside each that was built."""
    tops = {".nox", "site", ".git", *([".cache"] if os.environ.get("CI") else [])}
    copy = folder / "elsewhere"

    def left_out(at, names):
        return {"__pycache__", *(tops if at == str(root) else [])} & set(names)

    if os.environ.get("CI"):
        (root / "site").mkdir(exist_ok=True)  # no folder is made through a link that leads nowhere
        (folder / "here").symlink_to(root / "site")
    shutil.copytree(root, copy, ignore=left_out)
    # Before a release, notebooks run and figures are drawn anew there. Else a figure has been drawn
    # once by the tests, in a process with other hashes than the author's, and has the digest that
    # its page names.
    release = os.environ.get("GITHUB_REF_TYPE") == "tag"
    same_run = ["pages"] if release else ["pages", "notebooks", "results"]
    for kind in same_run:
        if (records := root / ".cache" / kind).exists():
            shutil.copytree(records, copy / ".cache" / kind, dirs_exist_ok=True)
    same = {"SOURCE_COMMIT": source}  # the copy is no repository
    other = {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "SOURCE_DATE_EPOCH": "1000000000"}
    other["PYTHONPATH"] = str(copy / "src")
    started = [
        start_build(root, folder / "here", **same),
        start_build(copy, folder / "there", **same, **other),
    ]
    for name, process in zip(["here", "there"], started, strict=True):
        if process.wait() == 0:
            (folder / f"{name}.built").touch()


@pytest.fixture(scope="session")
def site(builds):
    """Folder of the strictly built site."""
    return builds[0]


@pytest.fixture(scope="session")
def repository():
    return REPOSITORY


@pytest.fixture(scope="session")
def book(root, site, tmp_path_factory):
    """Folder of the book, made once; in CI it is put beside the published notebooks from here."""
    program(*BROWSERS, package="chromium")
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    folder = root / ".cache" / "book" if os.environ.get("CI") else folder / "book"
    folder.parent.mkdir(exist_ok=True)
    with filelock.FileLock(f"{folder}.lock"):
        if not folder.exists():
            command = [sys.executable, "-m", "livegrad_site.commands.book", "--site", site]
            subprocess.run([*command, "--to", folder], cwd=root, check=True)
    return folder


@pytest.fixture(scope="session")
def pages(site):
    """Addresses of the built pages, relative to the site's own; "" is the home page."""
    return [page for page in documents(site) if not page.startswith("slides/")]


@pytest.fixture(scope="session")
def decks(site):
    """Addresses of the documents of slides, one a topic."""
    return [page for page in documents(site) if page.startswith("slides/")]


def documents(site):
    """Addresses of all that was built."""
    folders = (page.parent.relative_to(site).as_posix() for page in site.rglob("index.html"))
    return sorted("" if folder == "." else folder + "/" for folder in folders)


@pytest.fixture(scope="session")
def pages_in_turn(root, pages):
    """Those that a slow check takes at this commit, the home page always."""
    new = turns.addresses(turns.changed(root))
    return turns.taken(pages, turns.commit(root), {"", *new})


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@contextlib.contextmanager
def serving(directory, port, certificate=None):
    """Serve a folder; the value is the port."""
    handler = functools.partial(Quiet, directory=directory)
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            # The handshake is left to the thread of each request: a connection that is only opened
            # would hold up all others.
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A key and a certificate in one file, made for this run; None where the site has no TLS."""
    if HOME.scheme != "https":
        return None
    made = tmp_path_factory.mktemp("tls") / "made.pem"
    command = [program("openssl", package="openssl"), "req", "-x509", "-newkey", "rsa:2048"]
    command += ["-nodes", "-days", "2", "-subj", f"/CN={HOME.hostname}", "-keyout", "-"]
    made.write_bytes(subprocess.run(command, capture_output=True, check=True).stdout)
    return made


@pytest.fixture(scope="session")
def address(site, port, certificate, tmp_path_factory):
    """Where the site is served, as one version of several."""
    host = tmp_path_factory.mktemp("host")
    place = host / HOME.path.strip("/")
    place.mkdir(exist_ok=True, parents=True)
    (place / "versions.json").write_text(json.dumps(VERSIONS))
    (place / "latest").symlink_to(site)
    shutil.copy(site / "sitemap.xml", place)  # a host looks for it at its root, too
    with serving(host, port, certificate):
        yield ADDRESS


@pytest.fixture(scope="session")
def assets(root):
    """Where the assets are served, without building the site."""
    with serving(root / "docs" / "assets", 0) as port:
        yield f"http://127.0.0.1:{port}/"


def program(*names, package):
    """Path of the first of these programs; without any, skip on a user's machine, fail in CI."""
    path = next((path for name in names if (path := shutil.which(name))), None)
    if path is None:
        reason = f"no {names[0]} on this machine: install Debian's package {package}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@pytest.fixture(scope="session")
def java():
    return program("java", package="default-jre-headless")


@pytest.fixture(scope="session")
def browser(port):
    path = program(*BROWSERS, package="chromium")
    from playwright.sync_api import sync_playwright

    rules = [f"--host-resolver-rules=MAP {HOME.hostname} 127.0.0.1:{port}"]
    if HOME.scheme == "https":
        rules.append("--ignore-certificate-errors")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS, *rules])
        yield browser
        browser.close()


# Seconds that a page has on a machine with much else to do; nothing waits that long elsewhere.
PATIENCE = 120


def until(page, expression, seconds=PATIENCE):
    """Wait until a script's answer is true; Playwright's own way is against the content policy."""
    end = time.monotonic() + seconds
    while not page.evaluate(f"Boolean({expression})"):
        assert time.monotonic() < end, f"never: {expression}"
        page.wait_for_timeout(20)


@pytest.fixture
def open_page(browser, address):
    """Open a page of the site.

    ``page.complaints`` gathers errors and requests to other hosts; ``page.until`` waits.
    """
    with contextlib.ExitStack() as stack:

        def opened(path="", **options):
            # What a worker keeps would be read in place of what a test plants.
            context = browser.new_context(service_workers="block", **options)
            context.set_default_timeout(1000 * PATIENCE)
            stack.callback(context.close)
            page = context.new_page()
            page.complaints = []
            page.until = functools.partial(until, page)
            complain = page.complaints.append

            def on_console(message):
                if message.type in {"error", "warning"} and message.text != BLOCKED:
                    complain(message.text)

            def on_request(request):
                if not request.url.startswith((HOME.geturl(), "data:", "blob:")):
                    complain(f"request to another host: {request.url}")

            def on_response(response):
                if response.status >= 400:
                    complain(f"{response.status} {response.url}")

            page.on("console", on_console)
            page.on("pageerror", lambda error: complain(str(error)))
            page.on("request", on_request)
            page.on("response", on_response)
            page.goto(address + path)
            return page

        yield opened
