"""A classifier in a pipeline and a search, as a user writes it; checked by mypy and pyright."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import assert_type

import numpy as np
from scipy.sparse import csr_array
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastmlp
from fastmlp import MLPClassifier, Perceptron
from fastmlp.display import LossCurveDisplay
from fastmlp.training.schedules import Cosine, WarmUp


def main() -> None:
    X, labels = load_iris(return_X_y=True)
    names = ["setosa", "versicolor", "virginica"]
    y = [names[label] for label in labels]

    model = MLPClassifier(
        (16, 8),
        activation=["relu", "tanh"],
        learning_rate=WarmUp(2, Cosine()),
        class_weight={"setosa": 2.0, "versicolor": 1.0, "virginica": 1.0},
        early_stopping=True,
        max_iter=20,
        random_state=0,
    )
    pipeline = make_pipeline(StandardScaler(), model)
    search = GridSearchCV(pipeline, {"mlpclassifier__alpha": [1e-4, 1e-2]}, cv=3).fit(X, y)
    print(search.best_score_)

    model.fit(X, y, np.ones(len(y)), X_val=X[:30], y_val=y[:30])
    first: str = model.classes_[0]
    print(first, model.classes_.tolist(), len(model.classes_), model.n_features_in_ + 1)
    probabilities = model.predict_proba(X)
    print(probabilities[:, 0].max(), model.predict(X)[:3], model.score(X, y))
    print(max(model.validation_scores_), min(model.loss_curve_), round(model.best_validation_score_, 3))
    print(model.coefs_[0].shape, model.network_.forward(X).shape, model.stop_reason_.upper(), model.hidden_layer_sizes)
    for finding in model.diagnose(X, y):
        print(finding.name, finding.what)

    online = MLPClassifier(random_state=0)
    for rows in np.array_split(np.arange(len(X)), 3):
        assert_type(online.partial_fit(X[rows], labels[rows], classes=[0, 1, 2]), MLPClassifier)
    print(online.n_iter_, online.predict(csr_array(X)).shape)

    display = LossCurveDisplay.from_estimator(model)
    display.ax_.set_title("iris")
    with TemporaryDirectory() as folder:
        display.figure_.savefig(Path(folder) / "loss.png")
        model.save_checkpoint(Path(folder) / "model.joblib")

    rule = Perceptron(max_iter=5, random_state=0).fit(X[:100], labels[:100])
    print(rule.coef_.shape, rule.classes_.tolist(), rule.separated_, fastmlp.activations.ACTIVATIONS["relu"].formula)
