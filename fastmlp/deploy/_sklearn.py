"""A fitted model as scikit-learn's own."""

from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import InvalidParameterError, validate_parameter_constraints

from fastmlp.activations import ACTIVATIONS

HIDDEN_ACTIVATIONS = ("identity", "logistic", "tanh", "relu")
# Attributes that mean the same in both.
FITTED = (
    *("n_features_in_", "feature_names_in_", "n_layers_", "n_outputs_", "out_activation_", "n_iter_", "t_", "loss_"),
    *("loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_"),
)


def as_sklearn(model: Any) -> Any:
    """scikit-learn's estimator with the same network.

    Parameters
    ----------
    model : MLPClassifier or MLPRegressor
        Fitted.

    Returns
    -------
    sklearn.neural_network.MLPClassifier or MLPRegressor

    Raises
    ------
    ValueError
        If scikit-learn's lacks what the network has.
    """
    kind: Any = MLPClassifier if is_classifier(model) else MLPRegressor
    lacking = _what_lacks(model, kind)
    if lacking is not None:
        raise ValueError(f"scikit-learn's {kind.__name__} cannot be this model: {lacking}.")
    theirs = kind(**_parameters(model, kind))
    network, fit = model.network_, vars(theirs)
    coefs, intercepts = network.folded_weights()
    fit.update(coefs_=coefs, intercepts_=intercepts)
    fit.update(_best_coefs=[w.copy() for w in coefs], _best_intercepts=[b.copy() for b in intercepts])
    fit.update(_no_improvement_count=0, _random_state=check_random_state(theirs.random_state))
    fit.update((name, clone(getattr(model, name), safe=False)) for name in FITTED if hasattr(model, name))  # copies
    if kind is MLPClassifier:
        fit.update(classes_=model.classes_, _label_binarizer=_binarizer(model._targets))
    return theirs


def _what_lacks(model, kind):
    """What keeps the network from being scikit-learn's, or None."""
    network, codec, loss = model.network_, model._targets, model.network_.loss.name
    if any(layer.kind == "embedding" for layer in network.layers_):
        return "its first layer is an Embedding, which scikit-learn's has not"
    hidden = {activation.name for activation in network.activations_}
    if len(hidden) > 1 or not all(_is_one_of(HIDDEN_ACTIVATIONS, each) for each in network.activations_):
        return f"its hidden activations are {', '.join(sorted(hidden))}, but it has to be one of {HIDDEN_ACTIVATIONS}"
    if isinstance(codec.classes, list):
        return "it has several targets with classes of their own, which scikit-learn's has not"
    if kind is MLPRegressor:
        heads = ["identity"]
        if loss == "poisson" and "loss" in MLPRegressor._parameter_constraints:
            heads.append("exp")
    else:
        heads = ["logistic" if codec.has_independent_outputs or len(codec.classes) <= 2 else "softmax"]
    if not _is_one_of(heads, network.out_activation):
        return f"its output activation is {network.out_activation.name}, but for such targets it has to be {heads[0]}"
    return None


def _is_one_of(names, activation):
    """Whether an activation is fastmlp's own of one of these names, and not a user's."""
    return activation.name in names and activation == ACTIVATIONS[activation.name]


def _parameters(model, kind):
    """The model's parameters, where scikit-learn's knows them."""
    network, parameters = model.network_, dict[str, Any]()
    given = model.get_params(deep=False)
    given["hidden_layer_sizes"] = network.sizes[1:-1]
    if network.activations_:
        given["activation"] = network.activations_[0].name
    for name in kind._get_param_names():
        if name in given:
            value = {name: clone(given[name], safe=False)}
            try:
                validate_parameter_constraints(kind._parameter_constraints, value, caller_name=kind.__name__)
            except InvalidParameterError:
                continue
            parameters |= value
    return parameters


def _binarizer(codec):
    """What scikit-learn's classifier reads labels by, fitted to a y with all of them."""
    if not codec.has_independent_outputs:
        return LabelBinarizer().fit(codec.classes)
    every_label = np.eye(max(2, len(codec.classes)), len(codec.classes), dtype=int)
    return LabelBinarizer().fit(codec.labels(every_label))
