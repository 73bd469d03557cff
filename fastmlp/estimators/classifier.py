"""Classification: binary, multi-class, multilabel, and of several targets."""

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin
from sklearn.utils._param_validation import Interval

from fastmlp._names import explains_unknown_keywords
from fastmlp._typing import Callbacks, FloatType, MatrixLike, RandomState, Scoring
from fastmlp._unreadable import check_no_dates
from fastmlp.activations import Activation
from fastmlp.estimators._base import BaseMLP
from fastmlp.estimators._fit import FittedAttribute
from fastmlp.estimators._parameters import Names, available_if, store
from fastmlp.estimators._targets import ClassTargets, classes_to_come, gives_probabilities, recognize
from fastmlp.losses import LOSSES, Loss
from fastmlp.training.schedules import Schedule


class MLPClassifier(ClassifierMixin, BaseMLP):
    """Multilayer-perceptron classifier, in place of ``sklearn.neural_network.MLPClassifier``.

    By default it minimizes the log-loss (S10): with softmax outputs for three classes or more, with one logistic output
    for two, with one logistic output a class for multilabel targets, and with a softmax for each of several targets
    that have classes of their own.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Units of each hidden layer; () for none, which is a linear model.

    activation : str, Activation or sequence of them, default='relu'
        One for all hidden layers, or one for each: a name, one with parameters such as ``LeakyReLU(slope=0.2)``, or an
        `Activation` of your own (S7). Names are
        identity, relu, leaky_relu, randomized_leaky_relu, elu, selu, softplus, gelu, silu, mish, logistic, tanh,
        hard_tanh, softsign, hard_sigmoid, exp, softmax, maxout, product, increasing.

    solver : {'sgd', 'adam', 'adamw', 'rmsprop', 'adagrad', 'lion', 'lbfgs'}, default='adam'
        adam (Kingma and Ba 2014) suits most data; adamw is adam for use with ``weight_decay`` (Loshchilov and Hutter
        2019), and the same where that is 0; sgd takes momentum and is the choice for a tuned schedule; lion (Chen et
        al. 2023) moves every weight by the same distance, so that ``learning_rate_init`` should be three to ten times
        smaller than for adam, and beta_2 0.99; lbfgs, from SciPy, uses all rows in every step and is often best below a
        few thousand rows (S11).

    alpha : float, default=0.0001
        Strength of the L2 penalty: alpha / (2 n) |W|^2 is added to the mean loss of a batch of n rows, as in
        scikit-learn; n is times the mean weight of all rows where that is above 1. Biases are not penalized (S12).

    batch_size : int or 'auto', default='auto'
        Rows of each step; 'auto' is min(200, n_samples). The last batch of an epoch may be shorter. Ignored by lbfgs.

    learning_rate : str, Schedule or callable, default='constant'
        Step size over time: 'constant'; 'invscaling', learning_rate_init / (t + 1)^power_t with t the samples seen,
        from the second epoch on; 'adaptive', divided by 5 whenever ``n_iter_no_change`` epochs bring no improvement,
        which then stops training only at 1e-6; 'step', 'exponential', 'cosine' and 'one_cycle', which take parameters
        as objects of `fastmlp.training.schedules`, for example ``WarmUp(5, then=Cosine())``; or a function of the
        epoch, from 0, that returns the learning rate. A schedule with an end runs over ``max_iter`` epochs. A ``fit``
        with ``warm_start`` continues an unfinished schedule, then restarts it for the remaining epochs. Each
        ``partial_fit`` advances it by one epoch; after ``max_iter`` the rate stays at its last value. Not for lbfgs.

    learning_rate_init : float, default=0.001
        First step size; not for lbfgs.

    power_t : float, default=0.5
        Exponent of 'invscaling'.

    max_iter : int, default=200
        The most epochs, or iterations of lbfgs.

    shuffle : bool, default=True
        Whether each epoch visits the rows in a new random order.

    random_state : int, RandomState instance or None, default=None
        Source of initial weights, validation split and shuffling. The same int gives the same model, which up to
        rounding is scikit-learn's.

    tol : float, default=1e-4
        Smallest improvement of the training loss (validation score with ``early_stopping``) that counts. A loss that is
        a sum over several outputs has to improve by so much on average over them, as in scikit-learn. For lbfgs the
        largest gradient component at which it has converged; it also ends where the cost changes by less than
        2.2e-5 tol of itself.

    verbose : bool, default=False
        Whether to show progress: in a terminal or a notebook, if tqdm is installed, a bar with loss, validation score
        and seconds left; elsewhere a line for each epoch.

    warm_start : bool, default=False
        Whether ``fit`` goes on from the last fit instead of starting anew: with its optimizer, schedule, patience,
        history, random state and order of the rows, so that n fits of one epoch are one fit of n, bit for bit. Pickles
        of the model then hold all of that too. Patience, and what is the best, start anew on other rows (to validate
        on, with ``early_stopping``), after weights were assigned, and in a ``fit`` of more than one epoch after one
        that ended by 'no_improvement'; what 'adaptive' has lowered is taken back then.

    momentum : float, default=0.9
        Momentum of sgd, from 0 to 1.

    nesterovs_momentum : bool, default=True
        Whether sgd's momentum looks ahead (Nesterov).

    early_stopping : bool, default=False
        Whether to hold out ``validation_fraction`` of the rows, or take X_val of ``fit``, stop when their score stops
        improving, and keep the weights with the best score. Classes are held out in proportion, but for multilabel
        targets. Not for lbfgs.

    validation_fraction : float, default=0.1
        Share of the rows held out for early stopping; at least two rows.

    beta_1, beta_2 : float, default=0.9 and 0.999
        Decays of an optimizer's averages, in [0, 1) (S11): beta_1 in adam, adamw, lion; beta_2 in
        adam, adamw, rmsprop, lion.

    epsilon : float, default=1e-8
        Keeps a division finite (S11), in adam, adamw, rmsprop, adagrad.

    n_iter_no_change : int or inf, default=10
        Epochs without improvement that are accepted.

    max_fun : int, default=15000
        The most loss evaluations of lbfgs.

    out_activation : str or Activation, default='auto'
        Activation of the output layer; 'auto' matches the loss, so that the output's delta is simply a - y (S2).

    dropout : float or sequence of float, default=0.0
        Share of the outputs of all hidden layers, or of each, that each training step sets to 0, the others being
        divided by 1 - dropout (S13; Srivastava et al. 2014). Below 1; not for lbfgs.

    input_dropout : float, default=0.0
        Share of the inputs that each training step sets to 0, likewise.

    batch_norm : bool, default=False
        Whether hidden layers normalize their net input by mean and variance of the batch, in prediction by running
        ones (S13; Ioffe and Szegedy 2015). Not for lbfgs.

    l1 : float, default=0.0
        Strength of the L1 penalty: l1 / n |W|_1 is added to the mean loss of a batch of n rows. Not for lbfgs (S12).

    weight_decay : float, default=0.0
        Each step first shrinks the weights by the factor 1 - learning_rate weight_decay, apart from the gradient
        (decoupled); 0.01 is usual for adamw. Biases are left alone. Not for lbfgs.

    clip_norm : float or None, default=None
        Scale the gradient of a batch's loss, before penalties, down to this Euclidean length where it is longer. Not
        for lbfgs.

    init : str or sequence of str, default='auto'
        Initial weights of all layers, or of each: 'auto' as scikit-learn; glorot_uniform, glorot_normal, he_uniform,
        he_normal, lecun_uniform, lecun_normal, orthogonal, with biases 0; and zeros for the last layer.

    trainable : {'all', 'last'} or sequence of int, default='all'
        Layers of weights that training changes, by their numbers from 1; 'last' is the output layer. The others stay
        as they are, with their batch normalization, and penalties do not count them. For transfer: fit on one task,
        call ``set_params(trainable='last', warm_start=True)``, and fit on the next.

    scoring : str, callable or None, default=None
        What judges the rows that are validated on, where there are any: a name or scorer of scikit-learn's, which is
        given their sample weights, if there are any, and has to take them; a function of (model, X, y), which may;
        'loss' for the negative mean loss; or None for accuracy or R^2, the estimator's own score. The last two count
        class weights too.

    max_time : float or None, default=None
        Seconds after which training ends. A step is always finished, and so is the first iteration of lbfgs, unless the
        fit goes on from earlier iterations. An epoch that is cut short counts as an epoch: its loss is the mean over
        the rows that it has seen. It is validated, but not for more than a tenth of a second beyond; a longer
        validation is left, and gives NaN. If no epoch has been validated by then, ``early_stopping`` keeps the weights
        of the last step. An iteration of lbfgs that is cut short does not count. What callbacks and scorers compute
        themselves comes on top, and so does what is checked before training.

    callbacks : callable or list of callable, default=None
        Each is called after every epoch, or iteration of lbfgs, with an `EpochInfo` (epoch, max_iter, loss,
        validation_score, validation_loss, learning_rate, model); returning True stops training. Some are in
        `fastmlp.training.callbacks`. ``set_callbacks`` takes those of scikit-learn, from its version 1.9 on.

    dtype : {'auto', 'float32', 'float64'} or dtype, default='auto'
        Computing dtype, by its name or as ``numpy.float32`` and the like. 'auto' keeps float32 input in float32 and
        everything else in float64, as scikit-learn does; 'float32' is about twice as fast.

    n_jobs : int or None, default=None
        The most threads that training takes, -1 for all CPUs; never more than the size of a step pays for. None is the
        CPUs that this process may use (affinity, cgroup quota, ``OMP_NUM_THREADS``) and no other fit is using, and one
        inside a joblib worker. The same ``random_state`` gives the same weights, bit for bit, for any number. lbfgs
        takes one.

    loss : str or Loss, default='auto'
        'auto' is log_loss. kl_divergence differs from it by a constant, the entropy of the targets, and also takes soft
        targets: y of shape (n_samples, n_classes) whose rows are distributions. squared_error compares probabilities
        with 0 and 1 (the Brier score), hinge learns a margin, one class against the rest, and gives no probabilities. A
        `Loss` of your own works too.

    label_smoothing : float, default=0.0
        Share of the target that is spread over all classes: 1 becomes 1 - s + s / n, 0 becomes s / n, with n = 2 for
        binary and multilabel targets. Szegedy et al. (2016), arXiv:1512.00567.

    class_weight : dict, list of dict, 'balanced' or None, default=None
        Factors of the sample weights by class label; 'balanced' is n_samples / (n_classes * samples of the class). For
        multilabel targets a list of one dict for each label. A dict may name classes that y does not have, and classes
        that it does not name weigh 1.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,), or a list of them for several targets
        Labels in the order of the outputs.

    network_ : Network
        The trained network.

    coefs_, intercepts_ : list of ndarray of shape (fan_in, fan_out), and (fan_out,)
        Weights and biases of each layer: views of one flat array, ``network_.parameters``. With ``batch_norm`` they are
        computed and read-only: it is folded into them, so that they predict the same without it. ``network_.coefs_``,
        ``network_.intercepts_`` and ``network_.scales_`` are what is trained.

    loss_curve_ : list of float
        Mean cost of each epoch, or iteration of lbfgs, penalties included, accumulated over continued fits
        (``warm_start``, ``partial_fit``). Its last value is ``loss_``; the smallest since patience began is
        ``best_loss_``, without ``early_stopping``. Both are NaN where a fit was ended before its first epoch was over.

    learning_rate_curve_ : list of float
        Learning rate at the start of each epoch; empty for lbfgs.

    validation_scores_, validation_loss_curve_ : list of float
        Score, and mean loss without penalties, of the rows that were validated on, after each epoch, NaN for earlier
        ones without, and where ``max_time`` came first; None if there were none. After a divergence they end with the
        NaN of an epoch that has no loss.

    best_validation_score_, best_iter_ : float, int
        With ``early_stopping`` the best score since patience began, and its place in the curves, from 1; NaN and None
        where a fit was ended before an epoch was validated, as a fit on other rows by Ctrl-C; without, both are None.

    feature_importances_ : ndarray of shape (n_features,)
        Mean absolute derivative of the output by each feature, times the feature's standard deviation, with sum 1;
        after ``fit``, not ``partial_fit`` (S24).

    n_iter_ : int
        Epochs, or iterations of lbfgs, of the last fit.

    stop_reason_ : str
        Why it ended (S21): max_iter, max_time, no_improvement, callback, interrupted, diverged, failed (a callback,
        activation or loss of yours raised while an earlier fit went on), or converged (lbfgs).

    t_, n_layers_, n_outputs_, out_activation_, n_features_in_, feature_names_in_
        As in scikit-learn: samples seen, layers with the input, output units, activation, and the input's columns.

    Examples
    --------
    >>> from fastmlp import MLPClassifier
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier((32,), learning_rate_init=0.01, max_iter=50, tol=0.01, random_state=0)
    >>> model.fit(scale(X), y).score(scale(X), y) > 0.95
    True
    """

    loss: str | Loss
    label_smoothing: float
    class_weight: dict[Any, float] | Sequence[dict[Any, float]] | str | None

    _targets: ClassTargets
    _parameter_constraints = {
        **BaseMLP._parameter_constraints,
        "loss": [Names("auto", *(name for name, loss in LOSSES.items() if loss.for_classifiers)), Loss],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "class_weight": [dict, list, Names("balanced"), None],
    }

    @explains_unknown_keywords
    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str | Activation | Sequence[str | Activation] = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str | Schedule | Callable[[int], float] = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: RandomState = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        out_activation: str | Activation = "auto",
        loss: str | Loss = "auto",
        dropout: float | Sequence[float] = 0.0,
        input_dropout: float = 0.0,
        batch_norm: bool = False,
        l1: float = 0.0,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        label_smoothing: float = 0.0,
        class_weight: dict[Any, float] | Sequence[dict[Any, float]] | str | None = None,
        init: str | Sequence[str] = "auto",
        trainable: str | Sequence[int] = "all",
        scoring: Scoring = None,
        max_time: float | None = None,
        callbacks: Callbacks = None,
        dtype: FloatType = "auto",
        n_jobs: int | None = None,
    ):
        store(self, locals())

    classes_: FittedAttribute[np.ndarray | Any] = FittedAttribute(
        lambda fit: fit.targets.classes, "Labels in the order of the outputs."
    )

    @available_if(BaseMLP._has_epochs)
    @explains_unknown_keywords
    def partial_fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
        *,
        X_val: MatrixLike | None = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch on X and y, continuing where the last call ended.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Need not hold every class.
        sample_weight : array-like of shape (n_samples,), default=None
            As for ``fit``, but each row weighs what it is given, times ``class_weight``, because the mean over all
            calls is not known: it should be near 1. A call with all weights 2 takes twice the gradient. A later call in
            which no row has weight is no epoch and changes nothing.
        classes : array-like of shape (n_classes,), or a list of them for several targets, default=None
            All classes there will ever be; required in the first call, and may be left out later.
        X_val, y_val, sample_weight_val : like X, y and sample_weight, default=None
            As for ``fit``. With ``early_stopping``, ``stop_reason_`` is 'no_improvement' once patience has run out.

        Returns
        -------
        self

        Raises
        ------
        AttributeError
            If the solver is lbfgs, which has no epochs.
        ValueError
            As for ``fit``, and if ``early_stopping`` is set without X_val, or classes are missing or others than
            before.

        Examples
        --------
        >>> from fastmlp import MLPClassifier
        >>> model = MLPClassifier((4,), random_state=0).partial_fit([[0.0], [1.0]], ["a", "b"], classes=["a", "b", "c"])
        >>> model.classes_
        array(['a', 'b', 'c'], dtype='<U1')
        """
        validation = X_val, y_val, sample_weight_val
        return self._learn(X, y, sample_weight, validation, incremental=True, classes=classes)

    def predict(self, X: MatrixLike) -> np.ndarray:
        """Predict class labels.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,), or (n_samples, n_classes) of 0 and 1 for multilabel targets, or
            (n_samples, n_targets) of labels for several targets
            Multilabel, a CSR matrix if y was sparse.

        Raises
        ------
        NotFittedError
            Before the first fit.
        ValueError
            If X has NaN or infinity, or another number of features than in ``fit``.

        Examples
        --------
        >>> from fastmlp import MLPClassifier
        >>> MLPClassifier((), solver="lbfgs").fit([[0.0], [1.0]], ["a", "b"]).predict([[-3.0], [3.0]])
        array(['a', 'b'], dtype='<U1')
        """
        X = self._check_X(X)
        return self._read_outputs(X, lambda raw: self._targets.labels(self._targets.decide(raw)))

    def _gives_probabilities(self):
        if gives_probabilities(self.loss, self.out_activation):
            return True
        name = getattr(self.out_activation, "name", self.out_activation)
        raise AttributeError(
            f"probabilities are not available with loss={self.loss!r} and out_activation={name!r}; use "
            "loss='log_loss', or decision_function."
        )

    def _gives_no_probabilities(self):
        if not gives_probabilities(self.loss, self.out_activation):
            return True
        raise AttributeError("decision_function is for losses without probabilities; use predict_log_proba.")

    def score(self, X: MatrixLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Accuracy of the predictions; for distributions as targets, of their most probable class.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
        y : array-like of shape (n_samples,), or (n_samples, n_classes) for multilabel and soft targets
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        float
            Share of the samples, for multilabel targets with all labels right.

        Raises
        ------
        NotFittedError, ValueError
            As for ``predict``.

        Examples
        --------
        >>> from fastmlp import MLPClassifier
        >>> model = MLPClassifier((), solver="lbfgs").fit([[0.0], [1.0]], [0, 1])
        >>> model.score([[0.0], [1.0], [2.0]], [0, 1, 0], sample_weight=[1, 1, 2])
        0.5
        """
        predicted = self.predict(X)
        check_no_dates(sample_weight, "sample_weight")
        return self._targets.accuracy(y, predicted, sample_weight)

    @available_if(_gives_no_probabilities)
    def decision_function(self, X: MatrixLike) -> np.ndarray | Any:
        """Outputs less the threshold between the classes, for losses without probabilities such as hinge.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) for two classes, else (n_samples, n_classes)

        Raises
        ------
        NotFittedError, ValueError
            As for ``predict``.

        Examples
        --------
        >>> from fastmlp import MLPClassifier
        >>> model = MLPClassifier((), solver="lbfgs", loss="hinge").fit([[0.0], [1.0]], [0, 1])
        >>> (model.decision_function([[-1.0], [2.0]]) > 0).tolist()
        [False, True]
        """
        X = self._check_X(X)
        return self._targets.by_target(self._read_outputs(X, self._targets.decision_values))

    @available_if(_gives_probabilities)
    def predict_proba(self, X: MatrixLike) -> np.ndarray | Any:
        """Predict class probabilities.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``; rows sum to 1, except for multilabel targets, whose classes are independent.
            For several targets a list of them. Where there is one class, as in scikit-learn, it has a second column
            beside it, of a class that nobody has seen.

        Raises
        ------
        NotFittedError, ValueError
            As for ``predict``.

        Examples
        --------
        >>> from fastmlp import MLPClassifier
        >>> model = MLPClassifier((), solver="lbfgs", alpha=1.0).fit([[0.0], [1.0], [2.0]], [0, 1, 2])
        >>> model.predict_proba([[1.0]]).round(1)
        array([[0.3, 0.4, 0.3]])
        """
        X = self._check_X(X)
        return self._targets.by_target(self._read_outputs(X, self._targets.probabilities))

    @available_if(_gives_probabilities)
    def predict_log_proba(self, X: MatrixLike) -> np.ndarray | Any:
        """Predict the logarithms of class probabilities, from the logits.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            With softmax and logistic outputs finite even where the probability itself underflows to 0.

        Raises
        ------
        NotFittedError, ValueError
            As for ``predict``.

        Examples
        --------
        Finite where the probability itself is 0.

        >>> from fastmlp import MLPClassifier
        >>> model = MLPClassifier((), solver="lbfgs").fit([[0.0], [1.0]], [0, 1])
        >>> bool(model.predict_log_proba([[1e4]])[0, 0] < -1000)
        True
        """
        X = self._check_X(X)
        return self._targets.by_target(self._read_outputs(X, self._targets.log_probabilities))

    def _recognize_targets(self, y, before, incremental, classes, sparse):
        targets = recognize(
            y,
            before=before,
            classes=classes_to_come(classes, before) if incremental else None,
            sparse=sparse,
            loss=self.loss,
            out_activation=self.out_activation,
            label_smoothing=self.label_smoothing,
            class_weight=self.class_weight,
        )
        if incremental and isinstance(self.class_weight, str):
            raise ValueError(
                "class_weight='balanced' needs all rows at once, which partial_fit does not have; pass the weights as "
                "a dict, from sklearn.utils.class_weight.compute_class_weight."
            )
        return targets

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
