"""Fitted estimators as programs: what `compile`, `save` and the exports read.

`program_of` finds the function for an estimator's class in `PROGRAMS`. What meta-estimators are made of becomes a
program too, and theirs is put together from it. Transformers are in ``_transformers.py``.
"""

from collections.abc import Callable
from dataclasses import replace
from inspect import getattr_static
from typing import Any

import numpy as np
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingClassifier, BaggingRegressor, VotingClassifier, VotingRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from fastmlp._version import __version__
from fastmlp.deploy._errors import CannotFoldError
from fastmlp.deploy._transformers import inverse_steps, transformer_steps
from fastmlp.estimators._base import BaseMLP
from fastmlp.estimators._targets import Binary, Labels, Numbers, SeveralTargets
from fastmlp.layers import Embedding
from fastmlp.network import Network
from fastmlp.runtime._activations import FORMULAS
from fastmlp.runtime._simplify import simplified
from fastmlp.runtime.program import Decision, Program
from fastmlp.runtime.steps import Activate, Affine, Dense, Embed, Normalize, Parallel, Step, Take, n_outputs_of


def program_of(estimator: Any) -> Program:
    """What a fitted estimator computes.

    Parameters
    ----------
    estimator : estimator
        One of fastmlp's multilayer perceptrons, or a pipeline, search, ensemble, calibration or target transformation
        of them.

    Returns
    -------
    Program
        With copies of all that it needs.

    Raises
    ------
    NotFittedError
        Before the first fit.
    CannotFoldError
        If there is a part without a program, which the message names.
    """
    program = _program(estimator)
    head = None if program.head is None else simplified(program.head, program.dtype)
    return replace(program, steps=simplified(program.steps, program.dtype), head=head)


def _program(estimator) -> Program:
    if isinstance(estimator, type):
        raise CannotFoldError(f"{estimator.__name__} is a class; pass a fitted estimator of it.")
    for kind, function in PROGRAMS.items():
        if isinstance(estimator, kind):
            check_is_fitted(estimator)
            return function(estimator)
    raise CannotFoldError(
        f"{type(estimator).__name__} has no program; compile fastmlp's MLPClassifier or MLPRegressor, or one of "
        f"{', '.join(kind.__name__ for kind in PROGRAMS if kind is not BaseMLP)} that holds them."
    )


# One network.


def network_steps(network: Network) -> tuple[Step, ...]:
    """Steps to the raw outputs Z_L, with batch normalization folded into the weights; dropout does nothing.

    Raises
    ------
    CannotFoldError
        If an activation is written in Python.
    """
    coefs, intercepts = network.folded_weights(behind_embedding=True)
    steps: list[Step] = []
    for layer, tables in zip(network.layers_, network.layer_parameters_, strict=True):
        if isinstance(layer, Embedding):
            steps.append(Embed(tuple(layer.columns), tuple(table.copy() for table in tables.values())))
    for number, (w, b) in enumerate(zip(coefs, intercepts, strict=True)):
        if number:
            activation = network.activations_[number - 1]
            steps.append(activation_step(activation, coefs[number - 1].shape[1]))
        steps.append(Dense(w, b))
    return tuple(steps)


def activation_step(activation: Any, n_units: int) -> Activate:
    """An activation of so many units, as in prediction."""
    if activation.in_python:
        raise CannotFoldError(
            f"The activation {activation.name!r} is written in Python, which no program holds; use one of "
            "fastmlp.activations.ACTIVATIONS."
        )
    groups = () if activation.groups is None else tuple(map(int, activation.groups))
    kernel = activation.prediction_kernel
    # The kernel of training may read more.
    constants = tuple(map(float, activation.constants(n_units)))[: FORMULAS[kernel].n_constants]
    return Activate(kernel, constants, groups, activation.exponent_matrix)


def _of_mlp(model):
    own = next(each for each in type(model).__mro__ if each.__module__.startswith("fastmlp."))
    for name in ("predict", "predict_proba", "decision_function"):
        if getattr_static(type(model), name, None) is not getattr_static(own, name, None):
            raise CannotFoldError(f"{type(model).__name__} has its own {name}, for which there is no step.")
    network, codec = model.network_, model._targets
    steps, head = network_steps(network), activation_step(network.out_activation, network.sizes[-1])
    if codec.reads_activated:
        steps = (*steps, head)
    n_raw = n_outputs_of(steps, network.sizes[0])
    names = getattr(model, "feature_names_in_", None)
    return Program(
        n_features=network.sizes[0],
        dtype=network.parameters.dtype.name,
        steps=steps,
        decision=decision_of(codec, n_raw),
        head=_probabilities(codec, head) if hasattr(model, "predict_proba") else None,
        feature_names=_as_text(names),
        summary=_summary(model),
    )


def _as_text(names):
    return None if names is None else np.asarray(names).astype(str)


def decision_of(codec: Any, n_raw: int) -> Decision:
    """What a codec decides from so many raw outputs."""
    if isinstance(codec, Numbers):
        n_levels = codec.n_outputs // codec.n_targets
        several = codec.n_targets > 1 and n_levels > 1
        return Decision("numbers", shape=(codec.n_targets, n_levels) if several else (n_raw,) if n_raw > 1 else ())
    if isinstance(codec, SeveralTargets):
        return Decision("targets", tuple(codec.classes))
    kind = "labels" if isinstance(codec, Labels) else "binary" if isinstance(codec, Binary) else "classes"
    return Decision(kind, (codec.classes,), float(codec.threshold))


def _probabilities(codec, head):
    """Steps from raw outputs to probabilities, as the codec's own; `head` is the output activation."""
    activated: tuple[Step, ...] = () if codec.reads_activated else (head,)
    if isinstance(codec, Binary):
        if head.kernel == "logistic":  # of both logits: 1 - p would lose digits
            return (Dense(np.array([[-1.0, 1.0]]), np.zeros(2)), head)
        if codec.out_activation.is_distribution:  # over an only class
            return (*activated, Dense(np.array([[1.0, -1.0]]), np.array([0.0, 1.0])))
        return (*activated, Dense(np.array([[-1.0, 1.0]]), np.array([1.0, 0.0])), Normalize())
    if isinstance(codec, Labels) or head.kernel == "softmax":
        return activated
    groups = tuple(map(len, codec.classes)) if isinstance(codec, SeveralTargets) else ()
    return (*activated, Normalize(groups))


def _summary(model):
    """What a reader of a model file wants to know of the training."""
    network = model.network_
    summary = {
        "estimator": type(model).__name__,
        **_versions(),
        "sizes": list(network.sizes),
        "activations": [activation.name for activation in network.activations_],
        "out_activation": network.out_activation.name,
        "loss": network.loss.name,
    }
    for name in ("n_iter_", "t_", "loss_", "best_loss_", "best_validation_score_", "stop_reason_"):
        value = getattr(model, name, None)
        if value is not None:
            summary[name] = value.item() if isinstance(value, np.generic) else value
    return summary


def _versions():
    return {"fastmlp": __version__, "numpy": np.__version__, "scikit-learn": sklearn.__version__}


# Several, in one.


def _of_pipeline(pipeline):
    program = _program(pipeline.steps[-1][1])
    transformers = [(name, each) for name, each in pipeline.steps[:-1] if each not in (None, "passthrough")]
    if not transformers:
        return program
    first = transformers[0][1]
    names, n_features = getattr(first, "feature_names_in_", None), first.n_features_in_
    steps: list[Step] = []
    for name, transformer in transformers:
        steps += transformer_steps(transformer, name)
    return replace(
        program,
        n_features=n_features,
        steps=(*steps, *program.steps),
        feature_names=_as_text(names),
    )


def _of_frozen(model):
    return _program(model.estimator)


def _of_search(search):
    if not hasattr(search, "best_estimator_"):
        raise CannotFoldError(f"{type(search).__name__} has no best_estimator_; fit it with refit=True.")
    return _program(search.best_estimator_)


def _of_transformed_target(model):
    program = _program(model.regressor_)
    if program.decision.kind != "numbers":
        raise CannotFoldError("TransformedTargetRegressor holds a classifier; it has to hold a regressor.")
    n_outputs = n_outputs_of(program.steps, program.n_features)
    decision = program.decision
    if n_outputs == 1 and model._training_dim == 2:
        decision = Decision("numbers", shape=(1,))
    return replace(program, steps=(*program.steps, *inverse_steps(model.transformer_, n_outputs)), decision=decision)


def _of_calibrated(model):
    programs = [_program(each.estimator) for each in model.calibrated_classifiers_]
    branches = [
        (*_responses(program, len(model.classes_)), *_sigmoids(calibrated, len(model.classes_)))
        for program, calibrated in zip(programs, model.calibrated_classifiers_, strict=True)
    ]
    return _averaged(model, programs[0], branches)


def _responses(program, n_classes):
    """What calibrators are given: probabilities, of the second class where there are two, or decision values."""
    if program.head is not None:
        return (*program.steps, *program.head, *((Take(np.array([1])),) if n_classes == 2 else ()))
    n_raw = n_outputs_of(program.steps, program.n_features)
    return (*program.steps, Affine(np.full(n_raw, program.decision.threshold), np.ones(n_raw), np.zeros(n_raw)))


def _sigmoids(calibrated, n_classes):
    if any(not hasattr(calibrator, "a_") for calibrator in calibrated.calibrators):
        raise CannotFoldError("CalibratedClassifierCV is not of sigmoids; use method='sigmoid'.")
    slopes, shifts = (np.array([getattr(one, name) for one in calibrated.calibrators]) for name in ("a_", "b_"))
    if len(slopes) not in (1, n_classes):
        raise CannotFoldError("CalibratedClassifierCV has folds without some of the classes; use stratified folds.")
    sigmoids = (Affine(np.zeros(len(slopes)), -slopes, -shifts), Activate("logistic"))
    if n_classes == 2:
        return (*sigmoids, Dense(np.array([[-1.0, 1.0]]), np.array([1.0, 0.0])))
    return (*sigmoids, Normalize())


def _of_voting(model):
    if model.voting != "soft":
        raise CannotFoldError("VotingClassifier counts votes, for which there is no step; use voting='soft'.")
    programs = [_program(each) for each in model.estimators_]
    branches = [_with_probabilities(each) for each in programs]
    return _averaged(model, programs[0], branches, model._weights_not_none)


def _of_voting_regressor(model):
    programs = [_program(each) for each in model.estimators_]
    return _mean(model, programs[0], [each.steps for each in programs], model._weights_not_none)


def _of_bagging(model):
    branches = []
    for estimator, features in zip(model.estimators_, model.estimators_features_, strict=True):
        program = _program(estimator)
        if not np.array_equal(program.decision.classes[0], np.arange(len(model.classes_))):
            raise CannotFoldError("BaggingClassifier has samples without some of the classes; use larger ones.")
        branches.append((*_taken(features, model.n_features_in_), *_with_probabilities(program)))
    return _averaged(model, program, branches)


def _of_bagging_regressor(model):
    programs = [_program(each) for each in model.estimators_]
    branches = [
        (*_taken(features, model.n_features_in_), *program.steps)
        for features, program in zip(model.estimators_features_, programs, strict=True)
    ]
    return _mean(model, programs[0], branches)


def _taken(features, n_features):
    whole = np.array_equal(features, np.arange(n_features))
    return () if whole else (Take(features),)


def _with_probabilities(program):
    if program.head is None:
        raise CannotFoldError("A member of the ensemble has no probabilities to average; use loss='log_loss'.")
    if program.decision.kind not in ("binary", "classes"):
        raise CannotFoldError("The ensemble has several targets or labels; compile its members.")
    return (*program.steps, *program.head)


def _averaged(model, program, branches, weights=None):
    """A classifier of mean probabilities."""
    if len(model.classes_) == 1:
        raise CannotFoldError(f"{type(model).__name__} knows one class only; compile its members.")
    decision = Decision("classes", (np.asarray(model.classes_),))
    return _mean(model, program, branches, weights, head=(), decision=decision)


def _mean(model, program, branches, weights=None, **changes):
    """Branches that are averaged, in place of the first one's steps, whose `program` is."""
    shares = np.ones(len(branches)) if weights is None else np.asarray(weights, dtype=np.float64)
    shares = tuple(map(float, shares / shares.sum()))
    names = getattr(model, "feature_names_in_", program.feature_names)
    # An ensemble's and a calibration's members were given the same columns, or arrays of them.
    return replace(
        program,
        n_features=model.n_features_in_ if hasattr(model, "n_features_in_") else program.n_features,
        steps=branches[0] if len(branches) == 1 else (Parallel(tuple(map(tuple, branches)), shares),),
        feature_names=_as_text(names),
        summary={"estimator": type(model).__name__, **_versions(), "members": len(branches)},
        **changes,
    )


PROGRAMS: dict[type, Callable[[Any], Program]] = {
    BaseMLP: _of_mlp,
    Pipeline: _of_pipeline,
    BaseSearchCV: _of_search,
    FrozenEstimator: _of_frozen,
    TransformedTargetRegressor: _of_transformed_target,
    CalibratedClassifierCV: _of_calibrated,
    VotingClassifier: _of_voting,
    VotingRegressor: _of_voting_regressor,
    BaggingClassifier: _of_bagging,
    BaggingRegressor: _of_bagging_regressor,
}
