# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Vanishing gradients and their cure
#
# !!! question "The question"
#
#     A deep sigmoid network on images of digits stays at chance. Is the gradient the reason, and
#     do a different activation and initializer cure it?
#
# The lesson [Vanishing gradients](../gradients/vanishing.md) shows the mechanism on made-up data.
# This notebook repeats it in Keras on real images, watches the gradients *while* the network
# trains, and compares three networks over several seeds.
#
# **The rule.** A network "learns" when its test accuracy is above one half
# for every seed. It "stays at chance" when its test accuracy is below chance plus five percentage
# points for every seed; chance is what the most frequent class would score. Anything between is
# "neither".

# %%
import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from livegrad import MLP, figures, measure

SEEDS = range(5)
HIDDEN, UNITS, EPOCHS = 8, 64, 12

x, y = load_digits(return_X_y=True)  # (1797, 64), (1797,)
x = (x / 16).astype("float32")  # pixels from 0 to 1
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.3, stratify=y, random_state=0)
chance = np.bincount(y_test).max() / len(y_test)
print(f"{len(x_train)} images to train on, {len(x_test)} to test")
print(f"chance: {chance:.3f}")

# %% [markdown]
# ## Three networks
#
# They differ in two words only: the activation and the initializer. The data, widths, optimizer
# and seeds are shared; each network gets its own best learning rate.


# %%
def build(activation, initializer, seed):
    """Return eight hidden layers and ten logits; the seed fixes the weights."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((64,))])
    for _ in range(HIDDEN):
        model.add(keras.layers.Dense(UNITS, activation=activation, kernel_initializer=initializer))
    model.add(keras.layers.Dense(10))
    return model


CHOICES = {
    "sigmoid, glorot_uniform": ("sigmoid", "glorot_uniform"),
    "relu, glorot_uniform": ("relu", "glorot_uniform"),
    "relu, he_normal": ("relu", "he_normal"),
}
loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def gradient_norms(model, x, y):
    """Return the norm of dL/dW for each layer, from the first to the last."""
    with tf.GradientTape() as tape:
        loss = loss_of(y, model(x, training=True))
    kernels = [layer.kernel for layer in model.layers]
    return np.array([np.linalg.norm(g) for g in tape.gradient(loss, kernels)])


# %% [markdown]
# ## Before the first step
#
# `tf.GradientTape` gives the gradient of each layer's weights. Here is its norm, layer by layer,
# averaged (as a geometric mean, since the values differ by orders of magnitude) over the seeds.

# %%
start = {
    label: np.array(
        [gradient_norms(build(*choice, seed), x_train, y_train) for seed in SEEDS]
    )  # (seeds, layers)
    for label, choice in CHOICES.items()
}
for label, norms in start.items():
    ratio = norms[:, 0] / norms[:, -1]  # (seeds,)
    print(f"{label:24} first / last: {ratio.min():.1e} to {ratio.max():.1e}")

sigmoid = start["sigmoid, glorot_uniform"]
cured = start["relu, he_normal"]
assert (sigmoid[:, 0] < 1e-4 * sigmoid[:, -1]).all()
assert (sigmoid[:, :-1] < sigmoid[:, 1:]).all()
between = start["relu, glorot_uniform"]
assert (cured[:, 0] > 0.1 * cured[:, -1]).all()
assert (cured[:, 0] < 10 * cured[:, -1]).all()
assert (between[:, 0] > between[:, -1]).all()

# %%
figures.lines(
    np.arange(1, HIDDEN + 2),
    {label: np.exp(np.log(norms).mean(axis=0)) for label, norms in start.items()},
    xlabel="layer",
    ylabel="norm of dL/dW",
    logy=True,
)

# %% [markdown]
# In the sigmoid network every layer has a smaller gradient than the one above it, for every seed.
# Its first layer gets less than a ten-thousandth of what the last one gets. In the network with
# ReLU and He's initializer the two ends are within a factor of ten.
#
# With Glorot's initializer ReLU looks even better: its first layer gets *more* than its last one.
# Do not read too much into that. A weight's gradient is the gradient that arrives times the
# signal that came in, and there the signal shrinks on its way up while the gradient shrinks on
# its way down. The next section separates the two.
#
# ## The same weights, measured without Keras
#
# `livegrad.measure` reports two *gains* per hidden layer: the factor by which the layer changes
# the size of the gradient on its way back, and the factor by which it changes the spread of the
# signal on its way forward. The first is the size of $\partial L / \partial z_l$ over that of
# $\partial L / \partial z_{l+1}$, with $z$ the pre-activations. Give `measure` the weights of the
# Keras model, and ask the tape for the same gradients.

# %%
model = build(*CHOICES["sigmoid, glorot_uniform"], seed=0)
net = MLP([64] + HIDDEN * [UNITS] + [10], "sigmoid", head="multiclass", rng=0)
net.set_weights(model.get_weights())
report = measure(net, x_train, y_train)

with tf.GradientTape() as tape:
    signal = tf.constant(x_train)
    inside = []  # the pre-activations of every layer, (images, units) each
    for layer in model.layers:
        inside.append(signal @ layer.kernel + layer.bias)
        signal = layer.activation(inside[-1])
    loss = loss_of(y_train, signal)
sizes = np.array([np.linalg.norm(g) for g in tape.gradient(loss, inside)])
by_tape = sizes[:-1] / sizes[1:]  # (hidden layers,)
by_livegrad = np.array([layer.gain for layer in report.layers[:-1]])

print("layer   tape    livegrad")
for at, (a, b) in enumerate(zip(by_tape, by_livegrad, strict=True), start=1):
    print(f"{at:5}   {a:.4f}  {b:.4f}")
print(f"product {np.prod(by_tape):.2e}: {report.verdict}")
assert np.allclose(by_tape, by_livegrad, rtol=1e-3)
assert (by_tape < 0.3).all()
assert report.verdict == "vanishing-gradient"

# %% [markdown]
# The two columns agree. Each layer keeps less than three tenths of the gradient; eight such
# factors leave next to nothing. Both products of all three networks, five seeds each:

# %%
products = {}
for label, choice in CHOICES.items():
    products[label] = []
    for seed in SEEDS:
        net = MLP([64] + HIDDEN * [UNITS] + [10], choice[0], head="multiclass", rng=0)
        net.set_weights(build(*choice, seed).get_weights())
        report = measure(net, x_train, y_train)
        products[label].append((report.gain, report.signal_gain))
products = {label: np.array(values) for label, values in products.items()}  # (seeds, 2) each
for label, values in products.items():
    low, high = values.min(axis=0), values.max(axis=0)  # (2,): gradient, signal
    print(
        f"{label:24} gradient {low[0]:.2g} to {high[0]:.2g}, signal {low[1]:.2g} to {high[1]:.2g}"
    )
lost, some, kept = products.values()
assert (lost < 1e-4).all()
assert (lost.max(axis=0) < some.min(axis=0)).all()
assert (some.max(axis=0) < kept.min(axis=0)).all()
assert (kept > 0.1).all()

# %% [markdown]
# In both products the order is the one that theory expects: the sigmoid loses almost everything,
# ReLU with Glorot's initializer loses some, ReLU with He's the least.
#
# ## Each at its own learning rate
#
# A rate that suits one network can ruin another, so each gets its own. `MLP.fit` takes the same
# steps as Keras's plain stochastic gradient descent, in a fraction of the time. For each rate of
# the grid the worst of the five seeds counts, in the worst of its last three epochs; the rate whose
# worst loss is smallest is taken. A rate at which the loss leaps up now and then is too large, even
# if it is low at the end.

# %%
RATES = (0.01, 0.03, 0.1, 0.3, 1.0)


def worst_loss(activation, initializer, rate):
    """Return the largest loss over the seeds in the last three epochs, inf if one diverged."""
    losses = []
    for seed in SEEDS:
        widths = [64] + HIDDEN * [UNITS] + [10]
        net = MLP(widths, activation, initializer, head="multiclass", rng=seed)
        history = net.fit(x_train, y_train, epochs=EPOCHS, learning_rate=rate)
        losses.append(np.inf if history.diverged else max(history.loss[-3:]))
    return max(losses)


losses = {label: [worst_loss(*choice, rate) for rate in RATES] for label, choice in CHOICES.items()}
rates = {label: RATES[int(np.argmin(values))] for label, values in losses.items()}
print("worst loss at the rate  " + "".join(f"{rate:>8}" for rate in RATES))
for label, values in losses.items():
    print(f"{label:24}" + "".join(f"{value:8.2f}" for value in values))
assert all(rates[label] in RATES[1:-1] for label in CHOICES if label.startswith("relu"))
assert min(losses["sigmoid, glorot_uniform"]) > 2.25  # ln 10 = 2.30 is what knowing nothing costs

# %% [markdown]
# Both ReLU networks have their best rate inside the grid. The sigmoid network has none: in these
# epochs its loss stays at $\ln 10$ at every rate, what ten classes cost a network that knows
# nothing.
#
# ## While it trains
#
# Now train all three with plain stochastic gradient descent, each at its own rate, and look at the
# first layer's gradient after every epoch, on all training images. How far the first layer's
# weights have moved, relative to their size, is a second witness. A model is compiled once for
# each choice; each seed brings its own first weights, and plain descent has no state to hand on.


# %%
def train(activation, initializer, rate):
    """Return, one a seed: first gradient norms per epoch, test accuracy, the move."""
    model = build(activation, initializer, 0)
    model.compile(keras.optimizers.SGD(rate), loss=loss_of, steps_per_execution=20)
    first, accuracy, moved = [], [], []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: first[-1].append(
            gradient_norms(model, x_train, y_train)[0]
        )
    )
    for seed in SEEDS:
        model.set_weights(build(activation, initializer, seed).get_weights())
        before = model.layers[0].kernel.numpy()  # (64, 64)
        first.append([])
        model.fit(x_train, y_train, epochs=EPOCHS, batch_size=32, verbose=0, callbacks=[watch])
        answers = np.argmax(model(x_test), axis=1)  # (test images,)
        accuracy.append(np.mean(answers == y_test))
        move = np.linalg.norm(model.layers[0].kernel.numpy() - before)
        moved.append(move / np.linalg.norm(before))
    return np.array(first), np.array(accuracy), np.array(moved)


runs = {label: train(*choice, rates[label]) for label, choice in CHOICES.items()}
first = {label: run[0] for label, run in runs.items()}  # (seeds, epochs) each
accuracy = {label: run[1] for label, run in runs.items()}  # (seeds,) each
moved = {label: run[2] for label, run in runs.items()}  # (seeds,) each

for label in CHOICES:
    a, m = accuracy[label], moved[label]
    print(
        f"{label:24} accuracy {a.mean():.2f} ({a.min():.2f} to {a.max():.2f}), "
        f"first layer moved by {np.median(m):.0e}"
    )

# %%
figures.curves(first, ylabel="norm of the first layer's gradient", log=True)

# %%
figures.seeds(accuracy, xlabel="test accuracy")

# %% [markdown]
# ## The verdict
#
# Apply the rule.


# %%
def verdict(values):
    """Return what the rule says about one network's accuracies, one a seed."""
    if (values > 0.5).all():
        return "learns"
    return "stays at chance" if (values < chance + 0.05).all() else "neither"


verdicts = {label: verdict(values) for label, values in accuracy.items()}
for label, said in verdicts.items():
    print(f"{label:24} {said}")
assert verdicts["sigmoid, glorot_uniform"] == "stays at chance"
assert verdicts["relu, he_normal"] == "learns"
assert verdicts["relu, glorot_uniform"] != "stays at chance"

still, moving = moved["sigmoid, glorot_uniform"], moved["relu, he_normal"]
assert still.max() < 0.01
assert moving.min() > 0.1
he, glorot = accuracy["relu, he_normal"], accuracy["relu, glorot_uniform"]
print(f"he_normal minus glorot_uniform, seed by seed: {np.round(he - glorot, 2)}")

# %% [markdown]
# The sigmoid network stays at chance for every seed. Its first layer moves by less than a
# hundredth of its own size in the whole training. With ReLU and He's initializer the network
# learns for every seed, and its first layer moves by more than a tenth of its size. ReLU with
# Glorot's initializer leaves chance too.
#
# Would it not do to train the last layer, on what random layers make of the images? Here is what
# they make of them before training, read by a logistic regression: as it comes, and with each unit
# scaled to a spread of one.

# %%
for label in ("sigmoid, glorot_uniform", "relu, he_normal"):
    net = MLP([64] + HIDDEN * [UNITS] + [10], CHOICES[label][0], head="multiclass", rng=0)
    net.set_weights(build(*CHOICES[label], seed=0).get_weights())
    features, unseen = net.forward(x_train).a[-1], net.forward(x_test).a[-1]  # (images, 64) each
    size = features.std(axis=0).mean()
    right = {}
    for form, scaler in {"as it comes": None, "scaled": StandardScaler()}.items():
        reader = make_pipeline(scaler, LogisticRegression(max_iter=1000))
        right[form] = reader.fit(features, y_train).score(unseen, y_test)
    print(
        f"{label:24} spread of the last hidden layer {size:.0e}, accuracy "
        + ", ".join(f"{form} {value:.2f}" for form, value in right.items())
    )
    if label.startswith("sigmoid"):
        assert size < 1e-5
        assert right["as it comes"] < chance + 0.05
        assert right["scaled"] > 0.8

# %% [markdown]
# The random sigmoid layers have kept the digits apart, but by millionths: the last layer gets
# nearly the same input for all images. The signal has vanished as well as the gradient, and a step
# of a usual size cannot use what is left of it.
#
# ## What this does not show
#
# - **The activation did the most.** Changing it alone took the network away from chance. What
#   the initializer adds cannot be told from five seeds whose differences scatter as printed above;
#   with TensorFlow's oneDNN kernels switched on they came out differently. The lesson on [He's
#   initializer](../initializers/he.md) looks at that alone.
# - **The training is not the first one tried.** Plain descent replaced momentum, and the number of
#   epochs was cut, to save time. Then one rate of 0.1 for all gave way to a rate for each: with He's
#   initializer a seed failed at 0.1 on one processor and learned on another. Chosen by the last
#   epoch alone, its rate was 0.1 again, and failed again where sums are rounded otherwise: since
#   then the last three epochs choose. The rule of the verdict stayed.
# - **A flat curve is not yet a vanishing gradient.** It is the measured gains that say so. Wrong
#   labels give a flat curve too.
# - **Other cures exist**: batch normalization, residual connections, larger initial weights,
#   Adam. They are not measured here.
#
# ## Try it
#
# Replace `"sigmoid"` by `"tanh"` in `CHOICES` and write down, before you run it, what the product
# of gains will be and whether the network will learn. Then run it. More pairs are in [Activations
# times initializers](activations_initializers.py).
