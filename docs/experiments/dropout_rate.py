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
# # Dropout's rate by K-fold
#
# !!! question "The question"
#
#     Which dropout rate should a small network have, and how sure can one be of the answer?
#
# The lesson [Choosing the rate](../dropout/rate.md) explains the method. This notebook runs it from end to end:
# repeated stratified K-fold on a few hundred images, a rule for the choice, and a final check in Keras on
# images that the choice never saw. A second, smaller run does the same for a regression.
#
# **The rule, set before the run.**
#
# - The measure is the cross-entropy on the held-out fold. Accuracy is reported, but it moves in steps of whole
#   images and is blind to how sure the network is.
# - *One standard error:* find the rate with the smallest mean; of all rates within one standard error of it,
#   take the *smallest* rate, the one that interferes least.
# - The chosen rate *helps* if its test loss in Keras, compared with rate nought seed by seed, is smaller by more
#   than two standard errors of the difference.

# %%
import keras
import numpy as np
from sklearn.datasets import load_diabetes, load_digits
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import (
    RepeatedKFold,
    RepeatedStratifiedKFold,
    train_test_split,
)
from sklearn.preprocessing import StandardScaler

from livegrad import MLP, figures

RATES = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
EPOCHS, BATCH, STEP = 60, 32, 0.05

x, y = load_digits(return_X_y=True)  # (1797, 64), (1797,)
x, x_test, y, y_test = train_test_split(
    x, y, train_size=300, stratify=y, random_state=0
)
print(f"{len(x)} images to choose with, {len(x_test)} for the final check")

# %% [markdown]
# ## The folds
#
# Everything that learns from data belongs *inside* the fold. That includes the `StandardScaler`: fitted on all
# images, it would already know the held-out ones. All rates see the same folds, and in a fold the same first
# weights, so their scores can be compared pair by pair.


# %%
def scores(rate):
    """Return cross-entropy and accuracy of each held-out fold, shape (folds, 2)."""
    folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=0)
    found = []
    for at, (train, held_out) in enumerate(folds.split(x, y)):
        scaler = StandardScaler().fit(x[train])  # inside the fold
        net = MLP(
            [64, 64, 64, 10],
            head="multiclass",
            dropout=rate,
            rng=at,
            dtype="float32",
        )
        net.fit(
            scaler.transform(x[train]),
            y[train],
            EPOCHS,
            STEP,
            batch_size=BATCH,
            progress=False,
        )
        seen = scaler.transform(x[held_out])
        found.append((net.loss(seen, y[held_out]), net.accuracy(seen, y[held_out])))
    return np.array(found)


table = np.array([scores(rate) for rate in RATES])  # (rates, folds, 2)
mean = table.mean(axis=1)  # (rates, 2)
error = table.std(axis=1, ddof=1) / np.sqrt(table.shape[1])
print("rate   cross-entropy    accuracy")
for rate, m, e in zip(RATES, mean, error, strict=True):
    print(f"{rate:.1f}    {m[0]:.3f} +- {e[0]:.3f}  {m[1]:.3f} +- {e[1]:.3f}")

# %%
figures.lines(
    RATES,
    {
        "mean": mean[:, 0],
        "mean + standard error": mean[:, 0] + error[:, 0],
        "mean - standard error": mean[:, 0] - error[:, 0],
    },
    xlabel="dropout rate",
    ylabel="cross-entropy on held-out folds",
    logy=True,
)

# %% [markdown]
# ## The choice

# %%
best = int(np.argmin(mean[:, 0]))
limit = mean[best, 0] + error[best, 0]
near = [rate for rate, m in zip(RATES, mean[:, 0], strict=True) if m <= limit]
chosen = min(near)
print(f"smallest mean at {RATES[best]}; limit {limit:.3f}")
print(f"within one standard error: {near}; chosen: {chosen}")
assert len(near) > 1
assert 0 < RATES[best] < 0.7
assert mean[-1, 1] < 0.3
assert mean[RATES.index(0.7), 0] > mean[0, 0]

# %% [markdown]
# The curve has the shape of a bowl: too little and too much are both worse, and at the largest rate the network
# hardly learns at all. But its bottom is flat. Several rates lie within one standard error of the best, and
# these folds cannot tell them apart.
#
# That standard error contains how much the *folds* differ, which is the same for all rates. The differences from
# rate nought, fold by fold, are sharper:

# %%
less = table[:, :, 0] - table[0, :, 0]  # (rates, folds)
error_of_less = less.std(axis=1, ddof=1) / np.sqrt(less.shape[1])
print("rate   cross-entropy minus that of rate 0")
for rate, m, e in zip(RATES[1:], less.mean(axis=1)[1:], error_of_less[1:], strict=True):
    print(f"{rate:.1f}    {m:+.3f} +- {e:.3f}")
assert error_of_less[best] < error[best, 0]

# %% [markdown]
# Both kinds of error are optimistic, since the folds' training sets overlap and the scores are not independent.
# And the best of ten means is best partly by luck, so it is no estimate of what the network will do on new
# images. For that there is the final check.
#
# ## The final check, in Keras
#
# Train on all images that the choice used, and test on the others, five seeds for each rate.


# %%
def final(rate, seed):
    """Return cross-entropy and accuracy on the test images."""
    keras.utils.set_random_seed(seed)
    scaler = StandardScaler().fit(x)
    model = keras.Sequential([keras.Input((64,))])
    for _ in range(2):
        model.add(
            keras.layers.Dense(64, activation="relu", kernel_initializer="he_normal")
        )
        model.add(keras.layers.Dropout(rate))
    model.add(keras.layers.Dense(10))
    model.compile(
        keras.optimizers.SGD(STEP),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        steps_per_execution=5,
    )
    model.fit(scaler.transform(x), y, epochs=EPOCHS, batch_size=BATCH, verbose=0)
    return model.evaluate(scaler.transform(x_test), y_test, batch_size=512, verbose=0)


SEEDS = range(5)
check = {
    rate: np.array([final(rate, seed) for seed in SEEDS]) for rate in [0.0, chosen]
}  # rate -> (seeds, 2)
for rate, found in check.items():
    (loss, accuracy), (low, _), (high, _) = found.mean(0), found.min(0), found.max(0)
    print(
        f"rate {rate}: cross-entropy {loss:.3f} ({low:.3f} to {high:.3f}), "
        f"accuracy {accuracy:.3f}"
    )
