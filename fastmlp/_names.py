"""Names that are unknown here, but not elsewhere: what messages say of them."""

import inspect
import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import wraps
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

# For each parameter, names of ours, and what other libraries and papers call the same. What another case, an underscore
# or a slip of a letter makes different is found without being listed.
_ACTIVATIONS = {
    "logistic": "sigmoid sigm logsig expit",
    "silu": "swish swish1 silinear",
    "identity": "linear none purelin",
    "hard_limit": "step heaviside binarystep threshold hardlim",
    "leaky_relu": "lrelu",
    "randomized_leaky_relu": "rrelu",
    "tanh": "tansig",
    "relu": "poslin rectifier",
    "exp": "exponential",
    "gelu": "geluapproximate gelutanh",
}
_VALUES = {
    "activation": _ACTIVATIONS,
    "out_activation": _ACTIVATIONS,
    "loss": {
        "mean_squared_error": "mse meansquare rmse rootmeansquarederror",
        "squared_error": "mse l2 ls brier rmse rootmeansquarederror",
        "absolute_error": "mae l1 lad meanabsoluteerror",
        "log_loss": (
            "crossentropy bce binarycrossentropy categoricalcrossentropy sparsecategoricalcrossentropy bcewithlogits "
            "nll negativeloglikelihood logistic deviance softmax softmaxcrossentropy ce"
        ),
        "kl_divergence": "kl kld kldiv kullbackleibler kullbackleiblerdivergence",
        "huber": "smoothl1",
        "quantile": "pinball",
        "poisson": "poissonnll",
        "hinge": "margin multimargin svm",
    },
    "solver": {"sgd": "gd momentum nesterov gradientdescent", "lbfgs": "lbfgsb bfgs"},
    "learning_rate": {
        "adaptive": "plateau reduceonplateau reducelronplateau",
        "cosine": "cosineannealing cosineannealinglr cosinedecay",
        "one_cycle": "onecyclelr",
        "step": "steplr",
        "exponential": "exponentiallr",
        "constant": "fixed",
    },
    "init": {
        "glorot_uniform": "xavier glorot xavieruniform",
        "glorot_normal": "xaviernormal",
        "he_uniform": "kaiminguniform",
        "he_normal": "he kaiming kaimingnormal",
        "lecun_normal": "lecun",
        "zeros": "zero",
        "auto": "default",
    },
    "scoring": {
        "accuracy": "acc",
        "roc_auc": "auc auroc rocauc",
        "average_precision": "ap auprc prauc",
        "neg_log_loss": "logloss crossentropy logarithmicloss",
        "neg_mean_squared_error": "mse meansquarederror l2",
        "neg_root_mean_squared_error": "rmse rootmeansquarederror",
        "neg_mean_absolute_error": "mae meanabsoluteerror l1",
        "matthews_corrcoef": "mcc",
        "r2": "rsquared r2score",
        "f1": "f1score",
    },
    "dtype": {"float32": "float16 bfloat16 half", "float64": "longdouble float128"},
}
_KEYWORDS = {
    "max_iter": "epochs nepochs numepochs nbepoch maxepochs iterations niter maxiterations",
    "learning_rate_init": "lr eta eta0 initiallearningrate stepsize",
    "eta0": "lr learningrate learningrateinit",
    "learning_rate": "lrschedule lrscheduler scheduler schedule",
    "solver": "optimizer optim optimiser",
    "X_val and y_val": "evalset validationdata valdata validationset xval xvalid xvalidation xtest",
    "y_val": "yval yvalid yvalidation",
    "sample_weight_val": "evalsampleweight",
    "hidden_layer_sizes": "hiddenunits hiddensizes hiddenlayers hiddendims hidden layers units nhidden hiddensize",
    "sizes": "hiddenlayersizes layers layersizes units",
    "validation_fraction": "validationsplit valsplit valfraction",
    "n_iter_no_change": "patience earlystoppingrounds stoppingrounds",
    "tol": "tolerance ftol gtol",
    "alpha": "l2 regalpha l2reg l2regularization regularization",
    "l1": "l1reg l1regularization",
    "weight_decay": "wd decay",
    "dropout": "dropoutrate dropoutp pdropout",
    "batch_norm": "batchnormalization bn usebatchnorm",
    "clip_norm": "clipgradnorm maxgradnorm gradclip gradientclipping gradientclipval",
    "loss": "criterion lossfunction lossfn objective",
    "activation": "act activationfunction nonlinearity hiddenactivation",
    "out_activation": "outputactivation finalactivation",
    "init": "initializer kernelinitializer weightinit",
    "scoring": "metric metrics evalmetric score",
    "random_state": "seed randomseed rng",
    "n_jobs": "nthreads numthreads nthread threads nworkers numworkers",
    "beta_1 and beta_2": "betas",
    "epsilon": "eps",
    "sample_weight": "weights weight w",
    "max_time": "timeout timelimit",
    "class_weight": "classweights",
}
# Methods whose parameters are mistaken for each other's, and how a message calls these.
_METHODS = {"__init__": " of the constructor", "fit": " of fit", "partial_fit": " of partial_fit"}
# How alike a name has to be to one of ours, from 0 to 1, to be taken for a slip of it.
ALIKE = 0.75
# Letters that a beginning of one of our names has to have.
SHORTEST_BEGINNING = 3


def in_braces(names: Iterable[str]) -> str:
    """Names for a message, in their order, as scikit-learn writes them."""
    return f"{{{', '.join(map(repr, names))}}}"


def meant(parameter: str, value: object, names: Iterable[str]) -> str | None:
    """The name that somebody meant who passed a value that is none of them; None if nobody can tell.

    Parameters
    ----------
    parameter : str
    value : object
        Of functions and classes, and of objects that can be called, the name is taken.
    names : iterable of str
        What the parameter may be.
    """
    said = value if isinstance(value, str) else ""
    if callable(value):
        said = str(getattr(value, "__name__", type(value).__name__))
    names = list(names)
    return _same(said, names, _VALUES.get(parameter, {})) or _begun(said, names) or _alike(said, names)


def did_you_mean(parameter: str, value: object, names: Iterable[str]) -> str:
    """End of a message on a value that is none of the names: " Did you mean activation='silu'?", or ""."""
    name = meant(parameter, value, names)
    return f" Did you mean {parameter}={name!r}?" if name else ""


def unknown(parameter: str, value: object, names: Iterable[str], *, or_else: str = "") -> str:
    """Message on a value that is none of the names.

    Parameters
    ----------
    parameter : str
    value : object
    names : iterable of str
    or_else : str, default=""
        What may be passed besides.
    """
    names = list(names)
    hint = did_you_mean(parameter, value, names)
    return f"{parameter} {value!r} is unknown; use one of {in_braces(names)}{or_else}.{hint}"


def explains_unknown_keywords(function: F) -> F:
    """Let a method say which parameter was meant by a keyword that it does not have.

    Parameters
    ----------
    function : callable
        A method: what is no keyword of it may be one of the constructor's, of ``fit`` or of ``partial_fit``.

    Returns
    -------
    callable
        With the same signature.
    """
    parameters = inspect.signature(function).parameters.values()
    known = frozenset(parameter.name for parameter in parameters)
    needed = [
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ][1:]
    n_needed = len(needed)

    @wraps(function)
    def checked(self, *args, **keywords):
        if keywords and not known.issuperset(keywords):
            _refuse_keyword(type(self), function.__name__, next(key for key in keywords if key not in known))
        if len(args) < n_needed and not keywords.keys() >= set(needed[len(args) :]):
            _refuse_missing(
                type(self), function.__name__, [name for name in needed[len(args) :] if name not in keywords]
            )
        return function(self, *args, **keywords)

    return checked  # type: ignore[return-value]


def _refuse_keyword(owner, method, keyword):
    hint = parameter_meant(owner, method, keyword)
    raise TypeError(f"{_called(owner, method)} got an unexpected keyword argument {keyword!r}.{hint}")


def _refuse_missing(owner, method, names):
    plural = "s" if len(names) > 1 else ""
    raise TypeError(
        f"{_called(owner, method)} missing {len(names)} required positional argument{plural}: "
        f"{' and '.join(map(repr, names))}; pass {' and '.join(names)}."
    )


def _called(owner, method):
    return f"{owner.__name__}()" if method == "__init__" else f"{owner.__name__}.{method}()"


def parameter_meant(owner: type, method: str, keyword: str) -> str:
    """End of a message on a keyword that a method does not have: " Did you mean max_iter of the constructor?", or "".

    Parameters
    ----------
    owner : type
        The method's class.
    method : str
        A key of `_METHODS`.
    keyword : str
    """
    places, seen = [], {"self"}
    for name in (method, *(other for other in _METHODS if other != method)):
        function = getattr(owner, name, None)
        parameters = set() if function is None else set(inspect.signature(function).parameters) - seen
        places.append((sorted(parameters), "" if name == method else _METHODS[name]))
        seen |= parameters
    found = [(_same(keyword, names, _KEYWORDS), where) for names, where in places]
    found += [(_alike(keyword, names), where) for names, where in places]
    return next((f" Did you mean {name}{where}?" for name, where in found if name), "")


def _same(said, names, elsewhere):
    """What has the same name but for its case and punctuation, or is called that elsewhere; or None."""
    ours = {_plain(name): name for name in names}
    said = _plain(said)
    for key in (said, said.removesuffix("loss")):
        if key in ours:
            return ours[key]
        for name, words in elsewhere.items():
            if key in words.split() and set(name.split(" and ")).issubset(names):
                return name
    return None


def _begun(said, names):
    """The only one that begins so, or None."""
    begun = [name for name in names if _plain(name).startswith(_plain(said))]
    return begun[0] if len(begun) == 1 and len(said) >= SHORTEST_BEGINNING else None


def _alike(said, names):
    """What has nearly the same name, or None."""
    ours = {_plain(name): name for name in names}
    close = get_close_matches(_plain(said), ours, n=1, cutoff=ALIKE)
    return ours[close[0]] if close else None


def _plain(name):
    return re.sub(r"[\W_]", "", name.lower())
