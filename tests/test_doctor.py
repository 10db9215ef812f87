"""The doctor: what it finds, that it touches nothing, which models it takes, and its two faces."""

from __future__ import annotations

import json
import pathlib
import random
import re
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
import yaml

import livegrad.doctor
from livegrad.doctor import CODES, PAGES, Examination, Finding, Watch, _command, examine
from livegrad.doctor._keras import probe as _probe
from livegrad.doctor._keras.data import draw
from livegrad.network import MLP
from livegrad.signals import measure
from livegrad_lab.faults import CASES

L = keras.layers
SAID = yaml.safe_load((pathlib.Path(__file__).parent / "doctor" / "said.yml").read_text("utf-8"))
# Keras reads a variable in a way that NumPy 2.4 deprecates, when a model is saved.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(0)


def data(n=64, features=8):
    x = np.random.default_rng(0).standard_normal((n, features)).astype("float32")
    return x, (x[:, 0] > 0).astype("float32")


def net(depth=2, activation="relu", initializer="he_normal", end="sigmoid", width=16, **compiled):
    hidden = [
        L.Dense(width, activation=activation, kernel_initializer=initializer, name=f"hidden_{at}")
        for at in range(1, depth + 1)
    ]
    model = keras.Sequential(
        [keras.Input((8,)), *hidden, L.Dense(1, activation=end, name="output")]
    )
    model.compile(**({"optimizer": "adam", "loss": "binary_crossentropy"} | compiled))
    return model


def faults(name):
    patient = CASES[name].build(False)
    given = {"batch_size": patient.batch, "epochs": patient.epochs}
    return examine(patient.model, patient.x, patient.y, **given)


# The face -----------------------------------------------------------------------------------


def test_the_exported_names():
    assert set(livegrad.doctor.__all__) == {
        *["CODES", "PAGES", "WHAT", "Examination", "Finding", "LayerGain", "Watch", "examine"],
        *["TorchWatch", "lightning_callback", "schema", "trainer_callback"],
    }
    with pytest.raises(AttributeError, match="no attribute 'cure'"):
        _ = livegrad.doctor.cure


def test_importing_the_package_does_not_import_tensorflow():
    code = "import sys, livegrad, livegrad.doctor; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_healthy_model_is_said_to_be_healthy():
    report = examine(net(), *data())
    assert report.healthy and report.codes == () and report.unjudged == ()
    assert str(report) == "healthy: nothing found that holds training back."


def test_gains_are_those_of_signals():
    x, y = data()
    own = MLP([8, 16, 16, 1], "tanh", head="binary", rng=0)
    model = net(activation="tanh")
    model.set_weights(own.get_weights())
    report, expected = examine(model, x, y), measure(own, x, y)
    gains = [layer.gain for layer in expected.layers[:-1]]
    assert [layer.gain for layer in report.layers] == pytest.approx(gains, rel=1e-4)
    assert report.gain == pytest.approx(expected.gain, rel=1e-4)
    signals = [layer.signal_gain for layer in expected.layers[:-1]]
    assert [layer.signal_gain for layer in report.layers] == pytest.approx(signals, rel=1e-4)
    assert report.signal_gain == pytest.approx(expected.signal_gain, rel=1e-4)
    assert report.loss == pytest.approx(expected.loss, rel=1e-5)


# The page of the trial runs the catalogue too, and trains it.
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.code])
def test_each_planted_fault_is_found_at_its_layer(name):
    case = CASES[name]
    (finding,) = faults(name).findings
    assert (finding.code, finding.layer) == (case.code, case.layer)
    assert case.fix in finding.fix
    assert finding.why.endswith(".") and "\n" not in finding.fix
    assert any(digit in finding.evidence for digit in "0123456789")
    # The numbers are worked out in tests/doctor/test_findings.py; here is every word.
    words = re.sub(r"-?(?:inf|\d+(?:\.\d+)?(?:e[+-]?\d+)?)", "#", finding.evidence)
    assert {"evidence": words, "why": finding.why, "fix": finding.fix} == SAID[name]


SLOW = {"fifty ReLU layers, he_normal", "a model at the end of its training"}


@pytest.mark.parametrize(
    "name", [name for name, case in CASES.items() if not case.code and name not in SLOW]
)
def test_nothing_is_found_in_healthy_models(name):
    assert faults(name).findings == ()


def test_the_catalogue_is_as_large_as_it_must_be():
    codes = [case.code for case in CASES.values()]
    assert codes.count("") >= 15 and len(codes) - codes.count("") >= 30
    assert {code for code in codes if code} == set(CODES) == set(PAGES)


def test_first_to_last_weight_gradient_is_not_the_criterion():
    """Signal shrinks forward, gradient backward: the ends look alike, the product does not."""
    x, y = data(256)
    model = net(30, initializer="glorot_uniform", width=64, optimizer="sgd")
    with tf.GradientTape() as tape:
        loss = model.compute_loss(x, y, model(x))
    first, *_, last = [
        float(tf.norm(g))
        for g, v in zip(
            tape.gradient(loss, model.trainable_variables), model.trainable_variables, strict=True
        )
        if "hidden" in v.path and "kernel" in v.path
    ]
    assert first / last > 0.05
    report = examine(model, x, y)
    assert report.codes == ("initializer-mismatch",) and report.gain < 1e-3


# The model is left as it was ----------------------------------------------------------------


def legacy_numbers():
    return np.random.get_state()[1].copy()  # noqa: NPY002


def state(model):
    return [
        *[v.numpy() for v in model.variables],
        *[v.numpy() for v in model.optimizer.variables],
        tf.random.get_global_generator().state.numpy(),
    ]


@pytest.mark.parametrize("trained", [False, True])
def test_nothing_of_the_model_changes(trained):
    x, y = data()
    model = keras.Sequential([
        keras.Input((8,)), L.Dense(16), L.BatchNormalization(), L.ReLU(), L.Dropout(0.5),
        L.Dense(1, activation="sigmoid"),
    ])  # fmt: skip
    model.compile(keras.optimizers.Adam(5.0), "binary_crossentropy", metrics=["accuracy"])
    if trained:
        model.fit(x, y, verbose=0)
    before, built = state(model), (model.optimizer.built, model._compile_loss.built)
    metrics = [v.numpy() for metric in model.metrics for v in metric.variables]
    numbers, python = legacy_numbers(), random.getstate()
    examine(model, x, y)
    assert all(np.array_equal(a, b) for a, b in zip(before, state(model), strict=True))
    assert built == (model.optimizer.built, model._compile_loss.built)
    after = [v.numpy() for metric in model.metrics for v in metric.variables]
    assert all(np.array_equal(a, b) for a, b in zip(metrics, after, strict=True))
    assert np.array_equal(numbers, legacy_numbers()) and python == random.getstate()


def test_training_goes_on_as_if_nothing_had_been():
    x, y = data()
    losses = []
    for looked in (False, True):
        keras.utils.set_random_seed(1)
        model = net(optimizer=keras.optimizers.Adam(0.01))
        model.fit(x, y, verbose=0)
        if looked:
            examine(model, x, y)
        losses.append(model.fit(x, y, epochs=2, verbose=0).history["loss"])
    assert losses[0] == losses[1]


def test_nothing_changes_when_it_fails_midway(monkeypatch):
    x, y = data()
    model = net(optimizer=keras.optimizers.SGD(1e-8))
    before, call, loss = state(model), keras.layers.Layer.__call__, model._compile_loss
    monkeypatch.setattr(model, "compute_loss", lambda *a, **k: 1 / 0)
    assert "division by zero" in examine(model, x, y).unjudged[0]

    def fail(*given):
        raise RuntimeError("midway")

    monkeypatch.setattr("livegrad.doctor._steps.learning_rate", fail)
    monkeypatch.undo()
    monkeypatch.setattr(_probe.KerasProbe, "loss", fail)
    with pytest.raises(RuntimeError, match="midway"):
        examine(model, x, y)
    assert all(np.array_equal(a, b) for a, b in zip(before, state(model), strict=True))
    assert keras.layers.Layer.__call__ is call and model._compile_loss is loss


def test_a_model_without_weights_is_copied_before_it_is_built():
    model = keras.Sequential([L.Dense(4, activation="relu"), L.Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy")
    assert examine(model, *data()).healthy
    assert not model.built


# What it takes ------------------------------------------------------------------------------


class Gate(keras.layers.Layer):
    """A layer that the doctor does not know."""

    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones")

    def call(self, x):
        return x * self.scale


class Own(keras.Model):
    """A subclassed model with a residual sum that is no layer."""

    def __init__(self):
        super().__init__()
        self.widen = L.Dense(16)
        self.inner = L.Dense(16, activation="relu", kernel_initializer="he_normal")
        self.gate = Gate()
        self.out = L.Dense(1, activation="sigmoid")

    def call(self, x):
        h = self.widen(x)
        return self.out(self.gate(h + self.inner(h)))


def test_a_subclassed_model_with_a_layer_it_does_not_know():
    x, y = data()
    model = Own()
    model.compile("adam", "binary_crossentropy")
    with pytest.raises(ValueError, match="no weights yet"):
        examine(model, x, y)
    model(x)
    report = examine(model, x, y)
    assert report.healthy
    assert any("(Gate): what happens inside it" in what for what in report.unjudged)


def test_a_data_set_brings_its_labels():
    x, y = data()
    batches = tf.data.Dataset.from_tensor_slices((x, y)).batch(16)
    assert examine(net(10, "sigmoid"), batches).codes == ("vanishing-gradient",)
    with pytest.raises(ValueError, match="must be batched"):
        examine(net(), batches.unbatch())
    with pytest.raises(ValueError, match="only a data set brings its own labels"):
        examine(net(), x)


def test_an_unknown_loss_is_not_judged():
    model = net(loss=lambda y, p: keras.ops.mean((y - p) ** 4))
    report = examine(model, *data())
    assert report.healthy and "is not known here" in report.unjudged[0]


def test_half_precision_does_not_make_gradients_vanish():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = net(6)
    finally:
        keras.config.set_dtype_policy("float32")
    assert examine(model, *data()).healthy


def test_a_zero_kernel_ending_a_residual_branch_is_no_symmetry():
    x, y = data()
    inputs = keras.Input((8,))
    h = L.Dense(8, activation="tanh")(inputs)
    branch = L.Dense(8, activation="relu", kernel_initializer="he_normal")(h)
    h = L.add([h, L.Dense(8, kernel_initializer="zeros", name="zero")(branch)])
    model = keras.Model(inputs, L.Dense(1, activation="sigmoid")(h))
    model.compile("adam", "binary_crossentropy")
    assert "symmetric-weights" not in examine(model, x, y).codes


# Errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda x, y: (x[:0], y[:0]), "at least one example"),
        (lambda x, y: (x, y[:5]), "as many examples, got 64 and 5"),
        (lambda x, y: (x[:, :3], y), r"x must have the shape \(n, 8\), got \(n, 3\)"),
        (lambda x, y: (x, np.array(["a"] * 64)), "y must hold numbers"),
    ],
)
def test_data_that_do_not_fit_are_named(change, said):
    with pytest.raises(ValueError, match=said):
        examine(net(), *change(*data()))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda x, y: (np.where(x > 2, np.nan, x), y), "values of x are not finite, must be 0"),
        (lambda x, y: (x, np.full(64, np.inf)), "64 of 64 values of y are not finite, must be 0"),
    ],
)
def test_data_that_are_not_finite_are_a_finding_that_hides_all_else(change, said):
    report = examine(net(), *change(*data()))
    (found,) = report.findings
    assert (found.code, found.layer) == ("non-finite", "data") and found.evidence.endswith(said)
    assert report.unjudged == ("all else: not before the data are finite",)


def test_models_that_do_not_fit_are_named():
    x, y = data()
    with pytest.raises(TypeError, match=r"must be a keras\.Model, a torch\.nn\.Module or a flax"):
        examine(3, x, y)
    with pytest.raises(ValueError, match="must be compiled"):
        examine(keras.Sequential([keras.Input((8,)), L.Dense(1)]), x, y)
    with pytest.raises(ValueError, match="rows must be a whole number"):
        examine(net(), x, y, rows=0)


# The report ---------------------------------------------------------------------------------


def test_a_report_is_sorted_printed_and_plain():
    report = faults("ten sigmoid layers")
    text = str(report)
    for part in (
        "by 1 fault: vanishing-gradient at hidden_1.",
        "vanishing-gradient at hidden_1",
        "fix:  ",
        "page: gradients/vanish",
    ):
        assert part in text
    plain = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert plain["findings"][0]["code"] == "vanishing-gradient" and not plain["healthy"]
    assert len(plain["layers"]) == 10


def test_infinite_numbers_are_text_in_json():
    report = Examination((), (), (), float("nan"), 1.0, float("inf"))
    assert report.to_dict()["gain"] == "nan" and report.to_dict()["loss"] == "inf"


def test_a_finding_knows_its_page():
    assert Finding("frozen", "model", "", "", "").page == PAGES["frozen"]


# From a shell -------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path):
    x, y = data()
    net().save(tmp_path / "model.keras")
    np.savez(tmp_path / "data.npz", x=x, y=y)
    return tmp_path


def run(folder, model="model.keras", arrays="data.npz", *more):
    return _command.main(["examine", str(folder / model), str(folder / arrays), *more])


def test_the_command_says_healthy_with_0_and_findings_with_1(saved, capsys):
    assert run(saved) == 0
    assert capsys.readouterr().out.startswith("healthy")
    net(10, "sigmoid").save(saved / "deep.keras")
    assert run(saved, "deep.keras", "data.npz", "--json") == 1
    assert json.loads(capsys.readouterr().out)["findings"][0]["code"] == "vanishing-gradient"


def test_the_command_shows_panels_on_a_terminal(saved, capsys, monkeypatch):
    net(10, "sigmoid").save(saved / "deep.keras")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert run(saved, "deep.keras") == 1
    assert " vanishing-gradient at hidden_1 \x1b" in capsys.readouterr().out


def broken(folder, what):
    x, y = data()
    if what == "no model":
        (folder / "model.keras").unlink()
    elif what == "broken model":
        (folder / "model.keras").write_bytes(b"not a model")
    elif what == "broken data":
        (folder / "data.npz").write_bytes(b"not data")
    elif what == "pickled data":
        np.savez(folder / "data.npz", x=np.array([{}]), y=y)
    elif what == "no labels":
        np.savez(folder / "data.npz", x=x)
    elif what == "empty data":
        np.savez(folder / "data.npz", x=x[:0], y=y[:0])
    elif what == "NaN":
        np.savez(folder / "data.npz", x=x * np.nan, y=y)
    elif what == "wrong shape":
        np.savez(folder / "data.npz", x=x[:, :2], y=y)
    elif what == "unsafe model":
        model = keras.Sequential([keras.Input((8,)), L.Lambda(lambda t: t + 1), L.Dense(1)])
        model.compile("adam", "mse")
        model.save(folder / "model.keras")


@pytest.mark.parametrize(
    "what",
    [
        *["no model", "broken model", "broken data", "pickled data", "no labels"],
        *["empty data", "wrong shape", "unsafe model"],
    ],
)
def test_the_command_says_in_one_line_why_it_cannot_run(saved, capsys, what):
    broken(saved, what)
    assert run(saved) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("livegrad: ") and err.count("\n") == 1


def test_the_command_says_what_to_install_where_keras_is_missing(saved, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)
    assert run(saved) == 2
    assert capsys.readouterr().err.endswith("; the doctor needs: pip install 'livegrad[keras]'\n")


def test_data_that_are_not_finite_are_a_finding(saved, capsys):
    broken(saved, "NaN")
    assert run(saved) == 1
    assert "non-finite at data" in capsys.readouterr().out


def test_labels_out_of_range_are_a_finding(saved, capsys):
    x, y = data()
    np.savez(saved / "data.npz", x=x, y=y + 4)
    assert run(saved) == 1
    assert "label-mismatch at data" in capsys.readouterr().out


def test_several_inputs_are_numbered(tmp_path):
    x, y = data()
    np.savez(tmp_path / "data.npz", x0=x, x1=x + 1, y=y)
    (a, b), labels = _command._data(tmp_path / "data.npz")
    assert np.array_equal(b, a + 1) and np.array_equal(labels, y)


# While fit runs -----------------------------------------------------------------------------


def test_watch_finds_the_same_codes_while_fit_runs(tmp_path):
    x, y = data()
    model = net(10, "sigmoid")
    said = []
    watch = Watch(x, y, every=2, log_dir=tmp_path, report=lambda f, at: said.append((f.code, at)))
    model.fit(x, y, batch_size=16, epochs=1, verbose=0, callbacks=[watch])
    assert [step for step, _ in watch.examinations] == [0, 2, 4]
    assert watch.codes == ("vanishing-gradient",) == examine(model, x, y).codes
    assert said == [("vanishing-gradient", 0)]
    (log,) = tmp_path.iterdir()
    assert b"livegrad/product of gains" in log.read_bytes()


def test_watch_does_not_change_the_training():
    x, y = data()
    losses = []
    for callbacks in ([], [Watch(x, y, every=1)]):
        keras.utils.set_random_seed(2)
        history = net().fit(x, y, epochs=2, verbose=0, shuffle=False, callbacks=callbacks)
        losses.append(history.history["loss"])
    assert losses[0] == losses[1]


def test_watch_refuses_a_pace_that_is_none():
    with pytest.raises(ValueError, match="every must be a whole number"):
        Watch(*data(), every=0)


def test_what_is_listened_to_is_let_go():
    call, operation = keras.layers.Layer.__call__, keras.Operation.__call__
    probe = _probe.KerasProbe(net(), draw(*data(), 64))
    heard = _probe._Heard(probe, probe.sample.x)
    with pytest.raises(RuntimeError, match="out"), _probe._listening(heard):
        raise RuntimeError("out")
    assert keras.layers.Layer.__call__ is call
    assert keras.Operation.__call__ is operation
