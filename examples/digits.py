"""Handwritten digits: "2" or "not 2", ten digits, and an eleventh class for what is none of them (S15)."""

import numpy as np
from _pictures import BLUE, GREY, RED, run, save, show_image
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from fastmlp import MLPClassifier

NONE = 10
# Letters that no digit looks like: without B, D, G, I, O, Q, S and Z.
LETTERS_TO_LEARN, OTHER_LETTERS = "AEHKMPTVX", "CFJLNRUWY"
PER_LETTER, N_NOISE = 40, 360
SETTINGS = {"learning_rate_init": 0.005, "batch_size": 32, "max_iter": 60, "tol": 1e-3, "random_state": 0}


def draw_letter(letter, rng):
    """A letter as the digits were made: a 32x32 bitmap of which each 4x4 block is counted, here from 0 to 1.

    Typeface, slant, size and place vary.
    """
    family = rng.choice(["DejaVu Sans", "DejaVu Serif", "DejaVu Sans Mono"])
    path = TextPath((0, 0), letter, size=30, prop=FontProperties(family=family, weight=rng.choice(["normal", "bold"])))
    angle, shear = rng.uniform(-0.2, 0.2), rng.uniform(-0.3, 0.3)
    turn = [[np.cos(angle), np.sin(angle)], [shear - np.sin(angle), np.cos(angle)]]
    polygons = [np.asarray(polygon) @ turn for polygon in path.to_polygons()]
    low, high = np.min([p.min(0) for p in polygons], axis=0), np.max([p.max(0) for p in polygons], axis=0)
    size = rng.uniform(27, 32, size=2) * [rng.uniform(0.7, 0.9), 1]  # digits are higher than wide
    corner = (32 - size) / 2 + rng.uniform(-1, 1, size=2)
    x, y = np.meshgrid(np.arange(32) + 0.5, 31.5 - np.arange(32))
    pixels = np.stack([x.ravel(), y.ravel()], axis=1)
    inside = np.zeros(32 * 32, dtype=bool)
    for polygon in polygons:
        inside ^= Path((polygon - low) / (high - low) * size + corner).contains_points(pixels)  # holes are polygons too
    return inside.reshape(8, 4, 8, 4).mean(axis=(1, 3)).ravel()


def draw_letters(letters, rng):
    """All letters, each some times."""
    return np.array([draw_letter(letter, rng) for letter in letters for _ in range(PER_LETTER)])


def draw_noise(digits, rng):
    """Half uniform noise, half digits whose pixels are shuffled: as dark as digits, but without shape."""
    shuffled = rng.permuted(digits[rng.integers(len(digits), size=N_NOISE // 2)], axis=1)
    return np.vstack([rng.uniform(size=(N_NOISE // 2, 64)), shuffled])


def load(seed=0):
    """Digits to learn from and to be tested on, and likewise what is no digit."""
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X / 16, y, stratify=y, random_state=0)
    rng = np.random.default_rng(seed)
    others = np.vstack([draw_letters(LETTERS_TO_LEARN, rng), draw_noise(X_train, rng)])
    tests = {"digits": X_test, "letters never seen": draw_letters(OTHER_LETTERS, rng), "noise": draw_noise(X_test, rng)}
    return X_train, y_train, y_test, others, tests


def train(X, y, others):
    """Three networks: for "2" or not, for ten digits, and for ten digits and none of them."""
    is_two = MLPClassifier((32,), loss="kl_divergence", **SETTINGS).fit(X, y == 2)
    ten = MLPClassifier((64,), **SETTINGS).fit(X, y)
    with_none = np.concatenate([y, np.full(len(others), NONE)])
    eleven = MLPClassifier((64,), **SETTINGS).fit(np.vstack([X, others]), with_none)
    return is_two, ten, eleven


def evaluate(ten, eleven, y_test, tests):
    """By kind of image: shares taken for a digit with 90% confidence by ten classes and by eleven, and rejected."""
    sure = {}
    for kind, X in tests.items():
        taken = [np.mean(model.predict_proba(X)[:, :10].max(axis=1) > 0.9) for model in (ten, eleven)]
        sure[kind] = (*taken, np.mean(eleven.predict(X) == NONE))
    accuracy = [model.score(tests["digits"], y_test) for model in (ten, eleven)]
    return accuracy, sure


def label(model, x):
    """Prediction and confidence."""
    probabilities = model.predict_proba(x[None])[0]
    k = probabilities.argmax()
    return f"{'none' if k == NONE else k} {probabilities[k]:.0%}"


def draw(models, y_test, tests, path):
    """Rows of images, with what the networks say of them."""
    is_two, ten, eleven = models
    digits, letters, noise = tests.values()
    twos = digits[np.concatenate([np.flatnonzero(y_test == 2)[:3], np.flatnonzero(y_test != 2)[:7]])]
    one_each = digits[[np.flatnonzero(y_test == digit)[0] for digit in range(10)]]
    spread = np.arange(10) * (PER_LETTER + 1) % len(letters)  # each letter, and the first again

    def two(x):
        return f"{is_two.predict_proba(x[None])[0, 1]:.1%}", BLUE if is_two.predict(x[None])[0] else GREY

    def digit(x):
        return label(ten, x), BLUE

    def both(x):
        rejected = eleven.predict(x[None])[0] == NONE
        return f"10: {label(ten, x)}\n11: {label(eleven, x)}", GREY if rejected else RED

    rows = (
        ('"2"?', twos, two),
        ("ten digits", one_each, digit),
        ("letters,\n10 or 11 classes", letters[spread], both),
        ("noise,\n10 or 11 classes", noise[:: len(noise) // 10], both),
    )
    figure = Figure(figsize=(10, 5.6))
    for axes, (kind, images, describe) in zip(figure.subplots(4, 10), rows, strict=True):
        for panel, image in zip(axes, images, strict=True):
            show_image(panel, image.reshape(8, 8), *describe(image), cmap="gray_r", vmin=0, vmax=1)
        axes[0].set_ylabel(kind, fontsize=8)
    save(figure, path)


def main(output):
    """Train, test, print and draw."""
    X_train, y_train, y_test, others, tests = load()
    is_two, ten, eleven = models = train(X_train, y_train, others)
    accuracy, sure = evaluate(ten, eleven, y_test, tests)
    two_accuracy = is_two.score(tests["digits"], y_test == 2)
    print(
        f'"2" or not, one logistic output and KL divergence: {two_accuracy:.1%} of {len(y_test)} test digits are right.'
    )
    print(f"Ten digits: {accuracy[0]:.1%}; with the eleventh class: {accuracy[1]:.1%}.\n")
    print(f"{'':22}{'a digit, more than 90% sure':>30}{'none of the above':>20}")
    print(f"{'test images':22}{'ten classes':>15}{'eleven':>15}{'eleven':>20}")
    for kind, (by_ten, by_eleven, rejected) in sure.items():
        print(f"{kind:22}{by_ten:15.1%}{by_eleven:15.1%}{rejected:20.1%}")
    draw(models, y_test, tests, output / "digits.png")
    return {"two": two_accuracy, "accuracy": accuracy, "sure": sure}


if __name__ == "__main__":
    run(main)
