"""The main job, seen: handwritten digits, beside scikit-learn's MLPClassifier with the same settings."""

import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier as SklearnMLPClassifier
from tqdm import tqdm

from fastmlp.estimators import MLPClassifier

SETTINGS: dict[str, Any] = {
    "hidden_layer_sizes": (64, 64),
    "batch_size": 32,
    "max_iter": 60,
    "tol": 0.0,
    "random_state": 0,
}
PREDICT_REPEATS = 200
BLUE, ORANGE, RED, GREY = "#1f6fb4", "#e08214", "#c0282d", "#555555"


@dataclass
class Result:
    """One library's side of the comparison."""

    name: str
    model: Any
    accuracy: float
    fit_seconds: float
    predict_us: float


def load_split() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The digits inside scikit-learn, 0 to 1 in float32: X_train, X_test, y_train, y_test."""
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    return train_test_split(X, y, test_size=0.25, stratify=y, random_state=0)


def measure(
    name: str, model: Any, X_train: np.ndarray, X_test: np.ndarray, y_train: np.ndarray, y_test: np.ndarray
) -> Result:
    """Fit, score and time a model."""
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # both are to run all epochs
        model.fit(X_train, y_train)
    fit_seconds = time.perf_counter() - start
    times = []
    for _ in range(PREDICT_REPEATS):
        start = time.perf_counter()
        model.predict(X_test)
        times.append(time.perf_counter() - start)
    predict_us = float(np.median(times)) / len(X_test) * 1e6
    return Result(name, model, model.score(X_test, y_test), fit_seconds, predict_us)


def run(output: Path) -> None:
    """Train both, print the table, write the pictures.

    Parameters
    ----------
    output : Path
        Folder for loss_curve.png and digits.png; made if it is not there.
    """
    split = load_split()
    X_train, X_test, _, y_test = split
    n_epochs = SETTINGS["max_iter"]
    print(f"{len(X_train)} digits to learn from, {len(X_test)} to be tested on, {n_epochs} epochs each.")

    with tqdm(total=n_epochs, desc="fastmlp", unit="epoch") as bar:

        def show_progress(info):
            bar.set_postfix(loss=f"{info.loss:.4f}", refresh=False)
            bar.update()

        ours = measure("fastmlp", MLPClassifier(**SETTINGS, callbacks=show_progress), *split)
    print("scikit-learn trains now; it reports no progress.")
    theirs = measure("scikit-learn", SklearnMLPClassifier(**SETTINGS), *split)

    print_table(ours, theirs)
    output.mkdir(parents=True, exist_ok=True)
    draw_loss_curves(ours, theirs, output / "loss_curve.png")
    draw_digits(ours.model, X_test, y_test, output / "digits.png")
    print(f"Pictures: {output.resolve()}/loss_curve.png and digits.png")


def print_table(ours: Result, theirs: Result) -> None:
    """Side by side, with the ratio of the times."""
    print()
    print(f"{'':14}{'test accuracy':>15}{'fit, s':>10}{'predict, us a row':>20}")
    for result in (ours, theirs):
        print(f"{result.name:14}{result.accuracy:15.4f}{result.fit_seconds:10.3f}{result.predict_us:20.3f}")
    fit_ratio, predict_ratio = theirs.fit_seconds / ours.fit_seconds, theirs.predict_us / ours.predict_us
    print(f"{'times faster':14}{'':15}{fit_ratio:10.1f}{predict_ratio:20.1f}")
    print()


def draw_loss_curves(ours: Result, theirs: Result, path: Path) -> None:
    """Training loss by epoch, where the two should agree, and by time, where they should not."""
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    by_epoch, by_time = figure.subplots(1, 2, sharey=True)
    for result, color, style, width in ((ours, BLUE, "-", 3.5), (theirs, ORANGE, "--", 1.5)):
        curve = result.model.loss_curve_
        epochs = np.arange(1, len(curve) + 1)
        by_epoch.plot(epochs, curve, style, color=color, linewidth=width, label=result.name)
        by_time.plot(epochs / len(curve) * result.fit_seconds, curve, style, color=color, linewidth=width)
    by_epoch.set(xlabel="epoch", ylabel="training loss", yscale="log", title="Same steps ...")
    by_time.set(xlabel="seconds", xscale="log", title="... in less time")
    by_epoch.legend(frameon=False)
    for axes in (by_epoch, by_time):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    save(figure, path)


def draw_digits(
    model: Any, X_test: np.ndarray, y_test: np.ndarray, path: Path, n_rows: int = 4, n_columns: int = 10
) -> None:
    """Some test digits with their predicted labels; mistakes first, framed, with the true label."""
    predicted = model.predict(X_test)
    order = np.argsort(predicted == y_test, kind="stable")[: n_rows * n_columns]
    figure = Figure(figsize=(n_columns * 0.95, n_rows * 1.25 + 0.5), layout="constrained")
    n_mistakes = int(np.sum(predicted != y_test))
    figure.suptitle(f"{n_mistakes} mistakes in {len(y_test)} test digits, framed; then digits that were recognized")
    for axes, i in zip(figure.subplots(n_rows, n_columns).flat, order, strict=True):
        mistake = predicted[i] != y_test[i]
        axes.imshow(X_test[i].reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
        axes.set_title(
            f"{predicted[i]}, is {y_test[i]}" if mistake else str(predicted[i]),
            color=RED if mistake else GREY,
            fontsize=10,
        )
        axes.set(xticks=[], yticks=[])
        for spine in axes.spines.values():
            spine.set(color=RED if mistake else "#cccccc", linewidth=2.5 if mistake else 0.5)
    save(figure, path)


def save(figure: Figure, path: Path) -> None:
    """Write a picture without a display."""
    with matplotlib.rc_context({"savefig.dpi": 130}):
        figure.savefig(path)
