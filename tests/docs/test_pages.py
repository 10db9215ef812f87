"""Each page keeps the promises of the site: its form, its tabs, its numbers, its names."""

import importlib
import pathlib
import re
import unicodedata

import keras
import pytest
import yaml

import livegrad_lab
from livegrad import activations, doctor, initializers, outputs, signals
from livegrad_site.check import checked
from livegrad_site.read import fences, languages, prose_numbers, sentences
from livegrad_site.run import cache

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
TOPICS = [
    "gradients",
    "activations",
    "initializers",
    "dropout",
    "shortcuts",
    "outputs",
    "inputs",
    "step",
]
PAGES = {
    path.relative_to(DOCS).as_posix(): sentences.bare(path.read_text("utf-8"))
    for path in fences.pages(ROOT)[1:]
}
# What is no lesson: a topic's first page, and its sheet of problems, held by test_sheets.py.
NO_LESSON = ("/index.md", "/problems.md")
LESSONS = [name for name in PAGES if name.split("/")[0] in TOPICS and not name.endswith(NO_LESSON)]
MODULES = cache.sources()
INDEXES = [f"{topic}/index.md" for topic in TOPICS]
SKELETON = ["What you saw", "Why", "Pitfalls", "Exercise", "Where next"]

HOME_OF = {
    "S1": "gradients/vanishing.md",
    "S2": "gradients/exploding.md",
    "S3": "dropout/rate.md",
    "S4": "activations/relu.md",
    "S5": "initializers/pairing.md",
    "S6": "activations/leaky-relu.md",
    "S7": "activations/softplus.md",
    "S8": "activations/compare.md",
    "S9": "activations/compare.md",
    "S10": "experiments/index.md",
    "S11": "outputs/binary.md",
    "S12": "outputs/multiclass.md",
    "S13": "outputs/multiclass.md",
    "S14": "outputs/index.md",
    "S15": "outputs/multiclass.md",
    "S16": "initializers/index.md",
}


def without_code(text):
    lines = text.splitlines()
    for fence in fences.find(text):
        for at in range(fence.first - 1, fence.last):
            lines[at] = ""
    return "\n".join(lines)


def printed(outputs):
    return [output.code for output in outputs]


def headings(text, level=2):
    return re.findall(rf"^{'#' * level} +(.+?)(?: *\{{.*\}})?$", without_code(text), re.MULTILINE)


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_has_the_skeleton(name):
    text = PAGES[name]
    parts = headings(text)
    places = []
    for part in SKELETON:
        matching = [i for i, heading in enumerate(parts) if heading.startswith(part)]
        assert matching, f"{name} has no section {part!r}"
        places.append(matching[0])
    assert places == sorted(places), f"{name}: sections out of order: {parts}"
    top = text.split("\n## ")[0]
    assert '!!! question "The question"' in top
    assert "```python" in top, "the smallest code comes before the first section"
    solution = text.split("\n## Exercise")[1].split("\n## ")[0]
    assert '??? success "' in solution and "    ```python" in solution
    assert re.search(r"\]\([^)]+\)", text.split("\n## Where next")[1])


@pytest.mark.parametrize("name", INDEXES)
def test_a_topic_index_has_its_parts(name):
    text = PAGES[name]
    assert '!!! question "The question"' in text and '??? success "' in text
    folder = name.split("/")[0]
    for page in (p for p in PAGES if p.startswith(folder + "/") and p != name):
        assert f"({page.split('/')[1]}" in text, f"{name} does not lead to {page}"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_a_title_and_a_description(name):
    _, front, body = PAGES[name].split("---\n", 2)
    meta = yaml.safe_load(front)
    assert meta.get("title") and meta.get("description")
    assert len(headings(body, 1)) == 1


@pytest.mark.parametrize(
    "path", MODULES, ids=lambda path: path.relative_to(ROOT / "src").as_posix()
)
def test_no_number_in_a_docstring_is_unverified(path):
    assert prose_numbers.check_source(path.read_text("utf-8")).unverified == []


@pytest.mark.parametrize("name", PAGES)
def test_the_tabs_of_libraries_print_the_same(name):
    for tabs in checked.tab_sets(PAGES[name]):
        shown = [printed(tabs[label]) for label in checked.LIBRARIES if label in tabs]
        assert len(shown) < 2 or shown[0] != []
        assert all(one == shown[0] for one in shown)


def test_every_lesson_shows_keras_and_pytorch_beside_numpy():
    sets = {name: checked.tab_sets(text) for name, text in PAGES.items()}
    with_both = {n for n in PAGES for tabs in sets[n] if set(checked.LIBRARIES) <= tabs.keys()}
    assert [name for name in LESSONS if name not in with_both] == []


@pytest.mark.parametrize("statement", HOME_OF)
def test_each_statement_is_taught_where_the_index_says(statement):
    anchor = statement.lower()
    home = HOME_OF[statement]
    assert re.search(rf"^#+ .*\{{[^}}]*#{anchor}[^}}]*\}}$", PAGES[home], re.MULTILINE)
    assert f"(../{home}#{anchor})" in PAGES["reference/statements.md"]


def test_statements_lists_these_and_no_others():
    listed = set(re.findall(r"\bS\d+\b", without_code(PAGES["reference/statements.md"])))
    assert listed == set(HOME_OF)


@pytest.mark.parametrize("activation", activations.NAMES)
def test_each_activation_is_taught(activation):
    pages = [n for n in PAGES if n.startswith(("activations/", "outputs/"))]
    assert any(activation in PAGES[name] for name in pages)


@pytest.mark.parametrize("initializer", initializers.NAMES)
def test_each_initializer_is_taught(initializer):
    assert any(initializer in PAGES[n] for n in PAGES if n.startswith("initializers/"))


def test_the_task_table_on_the_page_is_made_from_the_code():
    assert "task_table()" in PAGES["outputs/index.md"]
    table = outputs.task_table()
    for task in outputs.TASKS:
        assert task in table


def test_navigation_and_files_are_the_same():
    class Loader(yaml.SafeLoader):
        pass

    Loader.add_multi_constructor("!", lambda loader, suffix, node: None)
    nav = yaml.load((ROOT / "mkdocs.yml").read_text("utf-8"), Loader)["nav"]

    def leaves(item):
        if isinstance(item, str):
            return [item]
        values = item.values() if isinstance(item, dict) else item
        return [leaf for value in values for leaf in leaves(value)]

    notebooks = [p.relative_to(DOCS).as_posix() for p in DOCS.glob("experiments/*.py")]
    translated = [
        f"{code}/{name}" for code in languages.known() for name in languages.translated(code)
    ]
    assert sorted(leaves(nav)) == sorted([*PAGES, *notebooks, *translated])
    tops = [next(iter(entry)) for entry in nav]
    named = [top.lower().removeprefix("the ") for top in tops]
    assert named[1 : 1 + len(TOPICS)] == TOPICS


def papers_listed():
    return set(re.findall(r"\{#([a-z]+-\d{4})\}", PAGES["reference/papers.md"]))


def papers_cited_in_code(text):
    """Keys of the papers that docstrings and comments name as "Author et al. 2015"."""
    authors = r"([A-Z]\w+)(?:,? (?:and )?[A-Z]\w+)*(?: et al\.)? ((?:19|20)\d\d)\b"
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return {f"{author.lower()}-{year}" for author, year in re.findall(authors, plain)}


def test_each_paper_cited_is_listed_and_each_listed_is_cited():
    texts = [*PAGES.values(), *(p.read_text("utf-8") for p in DOCS.glob("experiments/*.py"))]
    cited = {a for text in texts for a in re.findall(r"papers\.md#([a-z]+-\d{4})", text)}
    assert cited ^ papers_listed() == set()


@pytest.mark.parametrize(
    "path", MODULES, ids=lambda path: path.relative_to(ROOT / "src").as_posix()
)
def test_each_paper_that_the_code_names_is_listed(path):
    assert papers_cited_in_code(path.read_text("utf-8")) <= papers_listed()


def test_a_paper_named_in_the_code_is_found():
    named = "He et al. 2015, eq. 10; Glorot and Bengio 2010; Rumelhart, Hinton and Williams 1986"
    assert papers_cited_in_code(named) == {"he-2015", "glorot-2010", "rumelhart-1986"}


def names_in_prose(text):
    """Words between backticks, the names a reader would look for in the package or in Keras."""
    return set(re.findall(r"`\"?([a-z][a-z_-]*)\"?`", without_code(text)))


def unknown_names(words):
    """Names of initializers, activations and verdicts that the package does not have."""
    theirs = {function for function in vars(keras.activations) if function.islower()}
    theirs -= {"deserialize", "get", "serialize"}
    wrong = {word for word in words & theirs if word not in activations.NAMES}
    ends = ("_uniform", "_normal")
    wrong |= {word for word in words if word.endswith(ends) and word not in initializers.NAMES}
    verdicts = tuple(code.rpartition("-")[2] for code in signals.CODES if "-" in code)
    hyphened = {word for word in words if "-" in word and word.endswith(verdicts)}
    return wrong | (hyphened - set(signals.CODES) - set(doctor.CODES))


@pytest.mark.parametrize("name", PAGES)
def test_each_name_in_the_prose_is_in_the_package(name):
    assert unknown_names(names_in_prose(PAGES[name])) == set()


HOUSES = ["livegrad", "livegrad_lab", "keras", "np", "numpy", "scipy", "sklearn", "tf"]
# Where a name in capitals may come from, without its house. PyTorch is no part of the build.
ROOMS = [
    *("livegrad", "livegrad.activations", "livegrad.initializers", "livegrad.outputs"),
    *("livegrad.doctor", "keras.layers", "keras.losses", "keras.initializers", "keras.random"),
    *("keras.wrappers", "tensorflow", "sklearn.linear_model", "sklearn.model_selection"),
    *("distributed", "builtins"),
]
OF_PYTORCH = {"GELU"}


def exists(dotted):
    """Whether a dotted name can be imported."""
    parts = dotted.split(".")
    parts[0] = {"np": "numpy", "tf": "tensorflow"}.get(parts[0], parts[0])
    for at in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:at]))
        except ImportError:
            continue
        for part in parts[at:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


def public_names(text):
    """Names between backticks that a reader could import: dotted ones, and ones in capitals."""
    codes = re.findall(r"`([^`\n]+)`", without_code(text))
    found = [re.match(r"(?P<name>[A-Za-z][\w.]*\w)(?:\(.*\))?$", code) for code in codes]
    names = {match["name"] for match in found if match}
    houses = tuple(f"{house}." for house in HOUSES)
    return {name for name in names if name.startswith(houses) or re.match(r"[A-Z]+[a-z]\w+$", name)}


def known(name):
    """Whether a public name is there."""
    if "." in name:
        return exists(name)
    return name in OF_PYTORCH or any(exists(f"{room}.{name}") for room in ROOMS)


@pytest.mark.parametrize("name", PAGES)
def test_each_public_name_in_the_prose_exists(name):
    assert {one for one in public_names(PAGES[name]) if not known(one)} == set()


@pytest.mark.parametrize("made_up", ["keras.layers.Drop", "livegrad.signal", "GlorotNorm(0)"])
def test_a_public_name_that_is_made_up_is_caught(made_up):
    (name,) = public_names(f"Use `{made_up}`.")
    assert not known(name)


@pytest.mark.parametrize("name", ["hard_sigmoid", "he_truncated_normal", "vanished-gradient"])
def test_a_name_in_the_prose_that_the_package_lacks_is_caught(name):
    assert unknown_names(names_in_prose(f"Use `{name}`.")) == {name}


def test_the_doctors_codes_and_its_page_are_the_same():
    assert "for code, page in PAGES.items()" in PAGES["doctor/codes.md"]
    assert list(doctor.WHAT) == list(doctor.CODES)
    assert [page for page in doctor.PAGES.values() if f"{page}.md" not in PAGES] == []


@pytest.mark.parametrize("code", signals.CODES)
def test_each_verdict_has_its_lesson(code):
    assert re.search(rf"^\| `{code}` \|.*\|$", PAGES["gradients/measure.md"], re.MULTILINE)


def test_each_module_has_its_tests_and_its_page():
    top = ROOT / "src" / "livegrad"
    modules = {path.stem for path in MODULES if path.parent == top if not path.stem.startswith("_")}
    modules |= {"doctor", "figures"}  # a package counts as the module that its face is
    assert modules == {path.stem.removeprefix("test_") for path in ROOT.glob("tests/test_*.py")}
    # The laboratory has a folder of tests, and of its many parts one public name.
    pages = {path.stem for path in DOCS.glob("reference/api/*.md")} - {"index"}
    assert pages == {*modules, "experiments"}
    assert "\n::: livegrad_lab.sweep.sweep\n" in PAGES["reference/api/experiments.md"]
    assert livegrad_lab.__all__ == ["sweep"]
    for name in modules:
        assert f"\n::: livegrad.{name}\n" in PAGES[f"reference/api/{name}.md"]


@pytest.mark.parametrize("topic", TOPICS)
def test_each_topic_has_its_modules(topic):
    # The design's table: the product is the topic "gradients", each other factor one module.
    modules = {
        "gradients": ["network", "signals", "doctor"],
        "shortcuts": ["blocks", "attention"],
        "inputs": [],
        "step": ["optimizers"],
    }.get(topic, [topic])
    for module in modules:
        assert f"](api/{module}.md)" in PAGES["reference/index.md"]
        assert f"../../{topic}/" in PAGES[f"reference/api/{module}.md"]


@pytest.mark.parametrize(
    "claim",
    [
        *[
            "the sigmoid's 0.77",
            "0.77",
            "93 %",
            "about 40 times",
            "$3 \\times 10^{-4}$",
            "-7.5",
            "$.77$",
            "½",
            "`0.77`",
        ],
        *[
            "the sigmoid's 0.77",
            "**.77**",
            "1977 examples",
            "10⁻⁵",
            "7th",
            "77-layer",
            "3:1",
            "| 77 |",
            "$x^{77}$",
            "1/3",
        ],
    ],
)
def test_a_number_that_nothing_bears_out_is_caught(claim):
    assert prose_numbers.sort(f"It is {claim}.", ["print(1)"]).unverified


def test_a_number_in_a_docstring_is_held_to_the_code():
    module = '"""About {} times."""\n\nLIMIT = 7\n'
    assert not prose_numbers.check_source(module.format(7)).unverified
    assert prose_numbers.check_source(module.format(8)).unverified


def test_a_number_in_a_notebook_is_held_to_its_executed_form():
    source = "# %% [markdown]\n# It is 7.\n\n# %%\nprint(x)\n"
    executed = "It is 7.\n\n```text\n{}\n```\n"
    assert not prose_numbers.check_notebook(source, executed.format(7)).unverified
    assert prose_numbers.check_notebook(source, executed.format(8)).unverified


@pytest.mark.parametrize(
    "claim", ["784", "1", "from 2010", "layer 3", "float32", "eqs. 3 and 15", "S16"]
)
def test_a_number_that_is_borne_out_passes(claim):
    assert not prose_numbers.sort(f"It is {claim}.", ["print(784)"]).unverified


def test_rounding_is_as_written():
    def unverified(number):
        return prose_numbers.sort(f"It is {number}.", ["0.123456 1234.5"]).unverified

    for good in ["0.12", "0.123", "12.3 %", "0.1235", "1,234.5"]:
        assert not unverified(good), good
    for bad in ["0.13", "0.124", "1235"]:
        assert unverified(bad), bad


def test_tabs_that_print_different_numbers_are_caught():
    text = (
        '=== "NumPy"\n\n    ```python\n    print(1)\n    ```\n\n'
        f"    {fences.OUTPUT_MARK}\n    ```text\n    1\n    ```\n\n"
        '=== "Keras"\n\n    ```python\n    print(2)\n    ```\n\n'
        f"    {fences.OUTPUT_MARK}\n    ```text\n    2\n    ```\n\nText.\n"
    )
    (tabs,) = checked.tab_sets(text)
    assert {label: printed(tab) for label, tab in tabs.items()} == {
        "NumPy": ["1\n"],
        "Keras": ["2\n"],
    }
