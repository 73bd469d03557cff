"""A regressor with callbacks, a schedule, a loss and an activation of one's own; checked by mypy and pyright."""

import numpy as np

from fastmlp import MLPRegressor
from fastmlp.activations import Activation, LeakyReLU
from fastmlp.losses import Huber, Loss
from fastmlp.training.callbacks import Callback, EarlyStopping, EpochInfo, LearningRateLogger, ScoreMonitor
from fastmlp.training.schedules import Schedule


class Square(Activation):
    name = "square"

    def forward(self, z: np.ndarray) -> np.ndarray:
        return z**2

    def backward(self, g: np.ndarray, z: np.ndarray, a: np.ndarray) -> np.ndarray:
        return 2 * g * z


class FourthPower(Loss):
    name = "fourth_power"

    def values(self, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return ((outputs - targets) ** 4).sum(axis=1)

    def gradient(self, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        return 4 * (a - y) ** 3


class Linear(Schedule):
    def factor(self, epoch: np.ndarray, n_epochs: int) -> np.ndarray:
        return 1 - epoch / n_epochs


class SmallEnough(Callback):
    def __call__(self, epoch: EpochInfo) -> bool:
        return epoch.loss < 1e-3


def main() -> None:
    losses: list[float] = []

    def note(info: EpochInfo) -> None:
        losses.append(info.loss)

    X = np.random.default_rng(0).normal(size=(60, 2))
    y = X[:, 0] ** 2
    monitor, logger = ScoreMonitor(X, y, scoring="r2"), LearningRateLogger()
    model = MLPRegressor(
        FourthPower(),
        hidden_layer_sizes=[8],
        activation=Square(),
        learning_rate=Linear(),
        callbacks=[note, monitor, logger, SmallEnough(), EarlyStopping(n_iter_no_change=5)],
        max_iter=10,
        tol=0.0,
        random_state=np.random.RandomState(0),
    )
    model.fit(X, y, X_val=X[:10], y_val=y[:10])
    print(len(losses), monitor.scores[-1], logger.learning_rates[0], model.validation_loss_curve_[-1], model.alpha * 2)
    print(model.predict([[0.5, 1.0]])[0], model.score(X, y), model.feature_importances_.argmax())
    print(model.set_params(callbacks=note, max_iter=3).fit(X, y).best_loss_ + 0.0)
    other = MLPRegressor(
        Huber(0.5), activation=[LeakyReLU(0.1)], learning_rate=lambda epoch: 0.1 / (1 + epoch), max_iter=3
    )
    print(other.set_params(random_state=0).fit(X.tolist(), y.tolist()).summary())
