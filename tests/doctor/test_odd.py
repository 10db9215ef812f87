"""Odd input: each kind gives one clear line, which names what is wrong, what was given and wanted.

In Python it is the exception's message, in a shell the line on stderr, with the exit status 2.
"""

import datetime
import json
import pickle
import re
import sys
import zipfile

import keras
import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf

from livegrad.doctor import _command, examine

L = keras.layers
# Keras reads a variable in a way that NumPy 2.4 deprecates, when a model is saved.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

X = np.random.default_rng(0).standard_normal((64, 8)).astype("float32")
Y = (X[:, 0] > 0).astype("float32")
BATCHES = tf.data.Dataset.from_tensor_slices((X, Y)).batch(16)


def hidden(given):
    return L.Dense(16, "relu", kernel_initializer="he_normal")(given)


def net():
    model = keras.Sequential([
        keras.Input((8,)), L.Dense(16, "relu", kernel_initializer="he_normal"),
        L.Dense(1, "sigmoid"),
    ])  # fmt: skip
    model.compile("adam", "binary_crossentropy")
    return model


def two_inputs():
    given = [keras.Input((8,), name=name) for name in "ab"]
    model = keras.Model(given, L.Dense(1, "sigmoid")(hidden(L.Concatenate()(given))))
    model.compile("adam", "binary_crossentropy")
    return model


def two_outputs():
    given = keras.Input((8,))
    h = hidden(given)
    model = keras.Model(given, [L.Dense(1, "sigmoid", name=name)(h) for name in "pq"])
    model.compile("adam", ["binary_crossentropy"] * 2)
    return model


def compiled(*layers):
    model = keras.Sequential(layers)
    model.compile("adam", "mse")
    return model


class Column:
    """A series, as pandas and Polars have them."""

    def __init__(self, values):
        self.values = np.asarray(values)

    @property
    def dtype(self):
        return self.values.dtype

    @property
    def shape(self):
        return self.values.shape

    def to_numpy(self):
        return self.values


class Frame:
    """A data frame, as pandas and Polars have them."""

    def __init__(self, columns, names=None):
        self.held, self.columns = columns, names or list(columns)
        self.shape = (64, len(self.columns))

    def __getitem__(self, name):
        return Column(self.held[name])

    def to_numpy(self):
        raise AssertionError("columns of several types become objects")


def frame(**more):
    return Frame({**{f"f{at}": X[:, at] for at in range(8)}, **more})


class Endless(keras.utils.PyDataset):
    num_batches = None

    def __getitem__(self, at):
        return X[:16], Y[:16]


def batches():
    while True:
        yield X[:16], Y[:16]


ALL = "x must be an array of examples, got "
LESS = "x must hold at least one "
SET = "the data set x must give (x, y) or (x, y, sample_weight), got "
WHOLE = "must be a whole number of at least 1, got "
MODEL = "model must be a keras.Model, a torch.nn.Module or a flax.nnx.Module, got "

# What is given, by kind: the model, x and y, and the line.
GIVEN = {
    "a ragged list": (
        (net, [[1, 2], [3]] * 32, Y),
        "x must be rectangular, got rows of 1 and 2 values: pad them to one length",
    ),
    "rows of several shapes": (
        (net, [[[1, 2], [3, 4]], [1, 2]] * 32, Y),
        "x must be rectangular, got rows of several shapes: pad them to one length",
    ),
    "a name of a file": ((net, "data.csv", Y), f"{ALL}'data.csv' (str)"),
    "a name of a file, alone": ((net, "data.csv"), f"{ALL}'data.csv' (str)"),
    "a long text": ((net, "a" * 99, Y), f"{ALL}'{'a' * 35}... (str)"),
    "bytes": ((net, b"data", Y), f"{ALL}b'data' (bytes)"),
    "lists of texts": ((net, [["a"] * 8] * 64, Y), "x must hold numbers, got dtype <U1"),
    "an array of objects": (
        (net, np.array([[None] * 8] * 64), Y),
        "x must hold numbers, got dtype object, such as None",
    ),
    "objects that are numbers": (
        (net, X.astype(object), Y),
        "x must hold numbers, got dtype object: np.asarray(x, float)",
    ),
    "a gap in a list": (
        (net, [[1, None]] * 64, Y),
        "x must hold numbers, got dtype object, such as None",
    ),
    "whole numbers beyond all types": (
        (net, X, [10**30] * 64),
        "y must hold numbers, got dtype object: np.asarray(y, float)",
    ),
    "a masked array": (
        (net, np.ma.masked_greater(X, 2), Y),
        "x must have a number everywhere, got 9 masked of 512: x.filled(0)",
    ),
    "complex numbers": (
        (net, X * 1j, Y),
        "x must hold real numbers, got dtype complex64: give real and imaginary part as two "
        "features",
    ),
    "fields": (
        (net, np.zeros(64, [("a", "f4"), ("b", "f4")]), Y),
        "x must hold numbers, got an array with the fields a, b",
    ),
    "a truth": ((net, True, Y), f"{ALL}True (bool)"),
    "a number": ((net, 3.0, Y), f"{ALL}3.0 (float)"),
    "None": ((net, None, Y), f"{ALL}None"),
    "nothing at all": ((net, None), f"{ALL}None"),
    "an array of no axis": ((net, np.array(3.0), Y), f"{LESS}example, got the shape ()"),
    "an empty list": ((net, [], []), f"{LESS}example, got the shape (0,)"),
    "an empty dict": ((net, {}, Y), f"{LESS}array, got an empty dict"),
    "no rows": ((net, X[:0], Y[:0]), f"{LESS}example, got the shape (0, 8)"),
    "no features": ((net, X[:, :0], Y), f"{LESS}value an example, got the shape (64, 0)"),
    "unequal lengths": (
        (net, X, Y[:5]),
        "x and y must have as many examples, got 64 and 5",
    ),
    "inputs of unequal lengths": (
        (two_inputs, [X, X[:5]], Y),
        "x must have as many examples in each of its arrays, got 64 and 5",
    ),
    "another shape": ((net, X[:, :3], Y), "x must have the shape (n, 8), got (n, 3)"),
    "a frame with texts": (
        (net, frame(city=np.array(["a"] * 64, object)), Y),
        "x['city'] must hold numbers, got dtype object, such as 'a'",
    ),
    "a frame with one name twice": (
        (net, Frame({"a": Y}, ["a", "a"]), Y),
        "x must have columns of different names, got 'a' twice",
    ),
    "a frame of no columns": ((net, Frame({}), Y), "x must have at least one column, got none"),
    "a frame alone": (
        (net, frame()),
        "y must be given with arrays, got None: only a data set brings its own labels",
    ),
    "a sparse matrix": (
        (net, scipy.sparse.csr_matrix(X), Y),
        "x must be dense, got a csr_matrix: x.toarray()",
    ),
    "a sparse tensor": (
        (net, tf.sparse.from_dense(X), Y),
        "x must be dense, got a SparseTensor: tf.sparse.to_dense(x)",
    ),
    "a ragged tensor": (
        (net, tf.ragged.constant([[1.0], [2.0, 3.0]]), Y),
        "x must be dense, got a RaggedTensor: x.to_tensor()",
    ),
    "a set": ((net, {1, 2}, Y), f"{ALL}a set, which has no order"),
    "an object": ((net, object(), Y), "x must be an array, got an object"),
    "other keys": ((two_inputs, {"a": X, "c": X}, Y), "x must have the keys a, b, got a, c"),
    "one array for two inputs": (
        (two_inputs, X, Y),
        "x must be 2 arrays, one an input (a, b), got 1",
    ),
    "two arrays for one input": (
        (net, [X, X], Y),
        "x must be one array for the one input, got 2: np.stack(x), if these are the examples",
    ),
    "a list of examples": (
        (net, list(X), Y),
        "x and y must have as many examples, got 8 and 64: np.stack(x), if its 64 arrays are the "
        "examples",
    ),
    "one array for two outputs": (
        (two_outputs, X, Y),
        "y must be 2 arrays, one an output (p, q), got 1",
    ),
    "two arrays for one output": (
        (net, X, [Y, Y]),
        "y must be one array for the one output, got 2: np.stack(y), if these are the examples",
    ),
    "other keys of labels": (
        (two_outputs, X, {"p": Y, "r": Y}),
        "y must have the keys p, q, got p, r",
    ),
    "a generator and labels": (
        (net, batches(), Y),
        "x must be arrays where y is given, got a generator: it brings its own labels",
    ),
    "a data set and labels": (
        (net, BATCHES, Y),
        "x must be arrays where y is given, got a BatchDataset: it brings its own labels",
    ),
    "a generator that was not called": ((net, batches), f"{ALL}the function batches: call it, "
                                        "batches()"),
    "a data set's class": ((net, Endless), f"{ALL}the class Endless: call it, Endless()"),
    "single examples": (
        (net, BATCHES.unbatch()),
        "the data set x must be batched, got a single number as y: add .batch(32)",
    ),
    "four parts": ((net, iter([(X, Y, Y, Y)])), f"{SET}a tuple of 4"),
    "a dict for a batch": ((net, iter([{"x": X, "y": Y}])), f"{SET}a dict"),
    "inputs alone": ((net, BATCHES.map(lambda x, y: x)), f"{SET}an EagerTensor"),
    "no labels in a batch": (
        (net, iter([(X, None)])),
        "y must be an array of examples, got None",
    ),
    "batches of several shapes": (
        (net, iter([(X[:8], Y[:8]), (X[:8, :3], Y[:8])])),
        "x must have one shape in all batches, got (n, 8) and (n, 3)",
    ),
    "an empty data set": ((net, iter([])), f"{LESS}example, got an empty data set"),
    "weights of another length": (
        (net, iter([(X, Y, Y[:3])])),
        "x and sample_weight must have as many examples, got 64 and 3",
    ),
    "labels in words": (
        (net, X, np.array(["cat"] * 64)),
        "y must hold numbers, got dtype <U3: number the classes, "
        "np.unique(y, return_inverse=True)[1]",
    ),
    "labels in words, as objects": (
        (net, X, Column(np.array(["cat"] * 64, object))),
        "y must hold numbers, got dtype object, such as 'cat': number the classes, "
        "np.unique(y, return_inverse=True)[1]",
    ),
    "dates": (
        (net, np.full((64, 8), np.datetime64("2020-01-01")), Y),
        "x must hold numbers, got dtype datetime64[D]: subtract a moment and divide by "
        'np.timedelta64(1, "D")',
    ),
    "spans of time": (
        (net, X, np.full(64, np.timedelta64(1, "D"))),
        "y must hold numbers, got dtype timedelta64[D]",
    ),
    "Python's dates": (
        (net, X, [datetime.date(2020, 1, 1)] * 64),
        "y must hold numbers, got dtype object, such as a date",
    ),
    "a model that is not compiled": (
        (lambda: keras.Sequential([keras.Input((8,)), L.Dense(1)]), X, Y),
        "model must be compiled with an optimizer and a loss: model.compile(...)",
    ),
    "a model without layers": (
        (compiled, X, Y),
        "model must have layers, got a Sequential without any: model.add(...)",
    ),
    "a model without weights": (
        (lambda: compiled(keras.Input((8,)), L.Flatten()), X, Y),
        "model must have weights, got a Sequential without any",
    ),
    "a model's file": ((lambda: "net.keras", X, Y), f"{MODEL}str"),
    "a model's class": (
        (lambda: keras.Sequential, X, Y),
        f"{MODEL}the class Sequential: make one, Sequential()",
    ),
    "no model": ((lambda: None, X, Y), f"{MODEL}NoneType"),
}  # fmt: skip


@pytest.mark.parametrize("kind", GIVEN)
def test_odd_data_and_models_give_one_line(kind):
    (model, *given), said = GIVEN[kind]
    with pytest.raises((TypeError, ValueError), match=f"^{re.escape(said)}$"):
        examine(model(), *given)


@pytest.mark.parametrize(
    ("named", "said"),
    [
        *[({"rows": rows}, f"rows {WHOLE}{rows!r}") for rows in (0, -1, 2.5, "8", True, None)],
        ({"batch_size": 0}, f"batch_size {WHOLE}0"),
        ({"epochs": 1.5}, f"epochs {WHOLE}1.5"),
        ({"loss": "mse"}, "loss and optimizer must be given to model.compile of a Keras model"),
    ],
)
def test_odd_arguments_give_one_line(named, said):
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        examine(net(), X, Y, **named)


@pytest.mark.parametrize(
    "given",
    [
        (frame(), Column(Y)),
        (X, Frame({"y": Y})),
        (np.ma.array(X), Y),
        ([[*map(float, row)] for row in X], list(Y)),
        ({"a": X.tolist()}, Y > 0),
        (BATCHES.repeat(),),
        (Endless(),),
        (batches(),),
        (iter([[X, Y], [X, Y]]),),
    ],
)
def test_what_is_only_unusual_is_taken(given):
    model = net()
    if isinstance(given[0], dict):
        given = ({model.inputs[0].name: given[0]["a"]}, *given[1:])
    assert examine(model, *given).healthy


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_a_finding_and_no_error(bad):
    x = X.copy()
    x[3, 3] = bad
    (found,) = examine(net(), x, Y).findings
    assert (found.code, found.layer) == ("non-finite", "data")
    assert found.evidence.startswith("1 of 512 values of x are not finite")


# From a shell -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    net().save(folder / "model.keras")
    return (folder / "model.keras").read_bytes()


@pytest.fixture
def here(tmp_path, monkeypatch, saved):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.keras").write_bytes(saved)
    np.savez(tmp_path / "data.npz", x=X, y=Y)
    return tmp_path


def line(capsys, *arguments):
    """What the command says on stderr, where it cannot run."""
    try:
        status = _command.main(["examine", *arguments])
    except SystemExit as end:
        status = end.code
    out, err = capsys.readouterr()
    assert (status, out) == (2, "") and err.startswith("livegrad: ") and err.count("\n") == 1
    return err.removeprefix("livegrad: ").rstrip("\n")


def lambdas():
    model = keras.Sequential([keras.Input((8,)), L.Lambda(lambda t: t + 1), L.Dense(1)])
    model.compile("adam", "mse")
    return model


def truncated(data):
    return data[: len(data) // 2]


KINDS = "a .keras file, a .pt2 program, or module:function"
FILES = {
    "no model": ("gone.keras", None, "gone.keras: no such file"),
    "a folder for a model": ("folder", None, f"folder: is a folder, model must be {KINDS}"),
    "a model of another ending": (
        "model.txt", b"", f"model.txt: model must be {KINDS}, got .txt",
    ),
    "a model of no ending": ("model", b"", f"model: model must be {KINDS}, got no ending"),
    "a model that is no zip": ("m.keras", b"text", "m.keras: broken, not a .keras file"),
    "a program that is no zip": (
        "m.pt2", b"text", "m.pt2: opening a .pt2 file runs code that is in it: add --trust if you "
        "know where it comes from",
    ),
    **{
        f"a {ending} file": (
            f"m{ending}", b"x", f"m{ending}: opening a {ending} file runs code that is in it: add "
            "--trust if you know where it comes from",
        )
        for ending in (".pt", ".pth", ".pkl", ".h5")
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", FILES)
def test_odd_files_of_models_give_one_line(here, capsys, kind):
    name, content, said = FILES[kind]
    (here / "folder").mkdir()
    if content is not None:
        (here / name).write_bytes(content)
    assert line(capsys, name, "data.npz") == said


def test_a_model_that_is_cut_short_gives_one_line(here, capsys, saved):
    (here / "model.keras").write_bytes(truncated(saved))
    assert line(capsys, "model.keras", "data.npz") == "model.keras: broken, not a .keras file"


def test_a_zip_that_holds_no_model_gives_one_line(here, capsys):
    with zipfile.ZipFile(here / "model.keras", "w") as file:
        file.writestr("a", "b")
    said = line(capsys, "model.keras", "data.npz")
    assert said.startswith("model.keras: could not be loaded: ")


def test_a_lambda_layer_runs_with_trust_alone(here, capsys):
    lambdas().save(here / "model.keras")
    assert line(capsys, "model.keras", "data.npz") == (
        "model.keras: could not be loaded: a Lambda layer holds code, which runs with --trust alone"
    )
    assert _command.main(["examine", "model.keras", "data.npz", "--trust"]) in (0, 1)


def test_an_old_h5_and_a_pickle_are_opened_with_trust_alone(here, capsys):
    net().save(here / "model.h5")
    (here / "model.pkl").write_bytes(pickle.dumps({"a": 1}))
    # Keras gives such a model an optimizer of no weights, with which fit fails: it is found.
    assert _command.main(["examine", "model.h5", "data.npz", "--trust"]) in (0, 1)
    capsys.readouterr()
    assert line(capsys, "model.pkl", "data.npz", "--trust") == f"{MODEL}dict"


BROKEN = "d.npz: broken, not an .npz file"
ARRAYS = {
    "no data": (None, "d.npz: no such file"),
    "a folder": ("folder", "d.npz: is a folder, must be an .npz file"),
    "no bytes": (b"", BROKEN),
    "text": (b"text", BROKEN),
    "an empty archive": ({}, "d.npz: must hold an array x, got nothing"),
    "x alone": ({"x": X}, "d.npz: must hold an array y, got x"),
    "other names": ({"a": X, "y": Y}, "d.npz: must hold an array x, got a, y"),
    "pickled objects": (
        {"x": X, "y": np.array([{}] * 64)},
        "d.npz: y must hold numbers, got pickled objects, which are not opened",
    ),
    "words": (
        {"x": X, "y": np.array(["cat"] * 64)},
        "y must hold numbers, got dtype <U3: number the classes, "
        "np.unique(y, return_inverse=True)[1]",
    ),
    "no rows": ({"x": X[:0], "y": Y[:0]}, f"{LESS}example, got the shape (0, 8)"),
    "unequal lengths": ({"x": X, "y": Y[:9]}, "x and y must have as many examples, got 64 and 9"),
    "two inputs": (
        {"x0": X, "x1": X, "y": Y},
        "x must be one array for the one input, got 2: np.stack(x), if these are the examples",
    ),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_odd_files_of_data_give_one_line(here, capsys, kind):
    content, said = ARRAYS[kind]
    if content == "folder":
        (here / "d.npz").mkdir()
    elif isinstance(content, dict):
        np.savez(here / "d.npz", **content)
    elif content is not None:
        (here / "d.npz").write_bytes(content)
    assert line(capsys, "model.keras", "d.npz") == said


def test_data_that_are_cut_short_give_one_line(here, capsys):
    (here / "d.npz").write_bytes(truncated((here / "data.npz").read_bytes()))
    assert line(capsys, "model.keras", "d.npz") == BROKEN


@pytest.mark.parametrize("name", ["d.npy", "d.csv", "d"])
def test_data_of_another_ending_give_one_line(here, capsys, name):
    (here / name).write_bytes(b"1,2")
    got = name[1:] or "no ending"
    said = f"{name}: must be an .npz file, np.savez(path, x=x, y=y), got {got}"
    assert line(capsys, "model.keras", name) == said


MODULE = """
def raises():
    raise KeyError("what\\nmore")

def ends():
    raise SystemExit(3)

def two():
    return 1, 2

def none():
    pass

def more():
    return {"model": 1, "x": 2, "z": 3}

def less():
    return {"model": 1}

def wrong():
    return 1, 2, 3

number = 3
"""
RETURNS = "must return (model, x, y), or a dict of arguments of livegrad.doctor.examine, got"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("gone_:build", "gone_:build: no module gone_ in {here}"),
        ("odd_.gone:build", "odd_.gone:build: no module odd_.gone in {here}"),
        ("needs_:build", "needs_:build: needs_ could not be imported: No module named 'absent_'"),
        ("typo_:build", "typo_:build: typo_ could not be imported: NameError: name 'a' is not "
         "defined"),
        ("odd_:gone", "odd_:gone: odd_ has no gone"),
        ("odd_:number", "odd_:number: odd_ cannot be called, its number is an int"),
        ("odd_:raises", "odd_:raises: raises failed: KeyError: 'what\\nmore'"),
        ("odd_:ends", "odd_:ends: ends failed: SystemExit: 3"),
        ("odd_:two", f"odd_:two: two {RETURNS} a tuple of 2"),
        ("odd_:none", f"odd_:none: none {RETURNS} a NoneType"),
        ("odd_:more", f"odd_:more: more {RETURNS} a dict with 'z'"),
        ("odd_:less", f"odd_:less: less {RETURNS} a dict without 'x'"),
        ("odd_:wrong", f"{MODEL}int"),
    ],
)  # fmt: skip
def test_odd_functions_give_one_line(here, capsys, monkeypatch, spec, said):
    for name, text in {"odd_": MODULE, "needs_": "import absent_", "typo_": "a"}.items():
        (here / f"{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert line(capsys, spec) == said.format(here=here)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["m.keras"], "data must be an .npz file for the model m.keras, got none"),
        (["a:b", "data.npz"], "data must not be given with module:function, got data.npz"),
        *[
            (["model.keras", "data.npz", option, "2.5"],
             f"argument {option}: {WHOLE}'2.5'; --help says more")
            for option in ("--rows", "--batch-size", "--epochs")
        ],
        (["model.keras", "data.npz", "--rows", "0"],
         f"argument --rows: {WHOLE}'0'; --help says more"),
        (["model.keras", "data.npz", "--rate", "-1"],
         "argument --rate: must be a number above 0, got '-1'; --help says more"),
        (["model.keras", "data.npz", "--rate", "0.1"], "--rate must be given with --optimizer"),
        (["model.keras", "data.npz", "--loss", "MSELoss"],
         "--loss and --optimizer must be given for a PyTorch module alone: a Keras model has those "
         "of model.compile"),
        (["model.keras", "data.npz", "--html", "gone/report.html"],
         "--html must name a file in a folder that is there, got gone/report.html"),
        ([], "the following arguments are required: model; --help says more"),
        (["model.keras", "data.npz", "--jsn"], "unrecognized arguments: --jsn; --help says more"),
    ],
)  # fmt: skip
def test_odd_options_give_one_line(here, capsys, arguments, said):
    assert line(capsys, *arguments) == said


def test_a_function_of_this_folder_gives_model_and_data(here, capsys):
    (here / "mytrain_.py").write_text(
        "import keras, numpy as np\n"
        "def build():\n"
        "    print('building')\n"
        "    x = np.load('data.npz')['x']\n"
        "    layers = keras.layers.Dense(16, 'relu', kernel_initializer='he_normal'), "
        "keras.layers.Dense(1, 'sigmoid')\n"
        "    model = keras.Sequential([keras.Input((8,)), *layers])\n"
        "    model.compile('adam', 'binary_crossentropy')\n"
        "    return {'model': model, 'x': x, 'y': x[:, 0] > 0, 'rows': 32}\n"
    )
    html = here / "report.html"
    assert _command.main(["examine", "mytrain_:build", "--json", "--html", str(html)]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["healthy"] and "building" in err
    assert "<h1" in html.read_text("utf-8")


def test_frames_of_pandas_and_polars_are_taken():
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    whole = pandas.DataFrame(X).assign(whole=pandas.array([1, None] * 32, "Int64"))
    for given in (
        (pandas.DataFrame(X), pandas.Series(Y)),
        (polars.DataFrame(X), polars.DataFrame({"y": Y})),
        (whole.drop(columns=[0]).fillna(0), Y > 0),
    ):
        assert examine(net(), *given).healthy
    (found,) = examine(net(), whole.drop(columns=[0]), Y).findings
    assert found.evidence.startswith("32 of 512 values of x are not finite")
