"""PyTorch modules from a shell: saved programs, whose layers are found again, and whole modules."""

import json
import re

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from livegrad.doctor import _command, examine  # noqa: E402
from livegrad.doctor._torch.program import opened  # noqa: E402

RNG = np.random.default_rng(0)
X = RNG.standard_normal((128, 8)).astype("float32")
IMAGES = RNG.standard_normal((128, 3, 8, 8)).astype("float32")
WORDS = RNG.integers(0, 50, (128, 5))
Y = (X[:, :1] > 0).astype("float32")
CLASSES = RNG.integers(0, 4, 128)


def deep():
    parts = [part for _ in range(6) for part in (nn.Linear(8, 8), nn.Sigmoid())]
    return nn.Sequential(*parts, nn.Dropout(0.1), nn.Linear(8, 1))


def convolutions():
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, 8, 3, stride=2, padding="valid"), nn.ReLU(), nn.Flatten(), nn.Linear(72, 4),
    )  # fmt: skip


class Shared(nn.Module):
    """Words, a normalisation, and one layer that is called twice."""

    def __init__(self):
        super().__init__()
        self.words, self.normal = nn.Embedding(50, 16), nn.LayerNorm(16)
        self.inner, self.out = nn.Linear(16, 16), nn.Linear(16, 4)

    def forward(self, x):
        h = self.normal(self.words(x)).mean(1)
        return self.out(torch.relu(self.inner(torch.relu(self.inner(h)))))


CASES = {
    "dense": (deep, X, Y, nn.BCEWithLogitsLoss()),
    "convolutions": (convolutions, IMAGES, CLASSES, nn.CrossEntropyLoss()),
    "shared": (Shared, WORDS, CLASSES, nn.CrossEntropyLoss()),
}


def saved(module, x, path):
    torch.export.save(torch.export.export(module, (torch.as_tensor(x[:16]),)), path)
    return path


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_a_saved_program_is_judged_as_its_module_is(tmp_path, name):
    make, x, y, loss = CASES[name]
    torch.manual_seed(0)
    module = make()
    program = opened(saved(module, x, tmp_path / "m.pt2"))
    kinds = {n: type(part) for n, part in module.named_modules() if list(part.parameters(False))}
    assert {n: type(program.get_submodule(n)) for n in kinds} == kinds
    one, other = (
        examine(part, x, y, loss=loss, optimizer=torch.optim.Adam(part.parameters()))
        for part in (module, program)
    )
    assert one.codes == other.codes
    assert [layer.layer for layer in one.layers] == [layer.layer for layer in other.layers]
    assert [layer.gain for layer in one.layers] == pytest.approx([g.gain for g in other.layers])
    assert other.codes == (("initializer-mismatch",) if name == "dense" else other.codes)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    np.savez("data.npz", x=X, y=Y)
    return tmp_path


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["m.pt2", "m.pt"])
def test_a_module_s_file_is_examined_with_trust(here, capsys, name):
    if name.endswith("2"):
        saved(deep(), X, here / name)
    else:
        torch.save(deep(), here / name)
    given = ["examine", name, "data.npz", "--loss", "BCEWithLogitsLoss", "--optimizer", "Adam"]
    assert _command.main(given) == 2
    assert "add --trust" in capsys.readouterr().err
    assert _command.main([*given, "--trust", "--rate", "0.01", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [one["code"] for one in found["findings"]] == ["initializer-mismatch"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("content", "more", "said"),
    [
        ("module", ["--loss", "Cross"],
         "--loss must be a name of torch.nn, such as CrossEntropyLoss, got 'Cross'"),
        ("module", ["--optimizer", "Linear"],
         "--optimizer must be a name of torch.optim, such as Adam, got 'Linear'"),
        ("weights", [], "m.pt: could not be loaded: it must hold a whole module, torch.save(model, "
         "path), got weights alone, a state_dict"),
        ("number", [], "m.pt: could not be loaded: it must hold a whole module, torch.save(model, "
         "path), got an int"),
    ],
)  # fmt: skip
def test_odd_modules_and_words_give_one_line(here, capsys, content, more, said):
    module = deep()
    torch.save({"module": module, "weights": module.state_dict(), "number": 3}[content], "m.pt")
    assert _command.main(["examine", "m.pt", "data.npz", "--trust", *more]) == 2
    assert capsys.readouterr().err == f"livegrad: {said}\n"


@pytest.mark.parametrize(
    ("given", "named", "said"),
    [
        (("data.csv", Y), {}, "x must be an array of examples, got 'data.csv' (str)"),
        ((None, Y), {}, "x must be an array of examples, got None"),
        ((X * 1j, Y), {}, "x must hold real numbers, got dtype complex64: give real and imaginary "
         "part as two features"),
        (([[1, 2], [3]], Y), {}, "x must be rectangular, got rows of 1 and 2 values: pad them to "
         "one length"),
        ((X, ["cat"] * 128), {}, "y must hold numbers, got dtype <U3: number the classes, "
         "np.unique(y, return_inverse=True)[1]"),
        ((X[:0], Y[:0]), {}, "x must hold at least one example, got the shape (0, 8)"),
        ((X, Y[:5]), {}, "x and y must have as many examples, got 128 and 5"),
        ((X, Y), {"rows": 2.5}, "rows must be a whole number of at least 1, got 2.5"),
        ((X, Y), {"epochs": 0}, "epochs must be a whole number of at least 1, got 0"),
        ((X, Y), {"loss": "mse"}, "loss must be made, such as torch.nn.MSELoss(), got str"),
        ((X, Y), {"loss": nn.MSELoss},
         "loss must be made, such as torch.nn.MSELoss(), got the class MSELoss"),
        ((X, Y), {"optimizer": "adam"}, "optimizer must be a torch.optim.Optimizer, got str"),
    ],
)  # fmt: skip
def test_odd_data_and_arguments_give_one_line(given, named, said):
    named = {"loss": nn.BCEWithLogitsLoss(), **named}
    with pytest.raises((TypeError, ValueError), match=f"^{re.escape(said)}$"):
        examine(deep(), *given, **named)


def test_a_module_without_weights_gives_one_line():
    with pytest.raises(ValueError, match=r"^model must have weights, got a ReLU without any$"):
        examine(nn.ReLU(), X, Y, loss=nn.MSELoss())
