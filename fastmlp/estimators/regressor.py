"""Regression."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_array

from fastmlp._names import explains_unknown_keywords
from fastmlp._typing import Callbacks, FloatType, MatrixLike, RandomState, Scoring
from fastmlp._unreadable import check_no_dates, check_numbers, elements_named
from fastmlp.activations import Activation
from fastmlp.estimators._base import BaseMLP
from fastmlp.estimators._parameters import Names, store
from fastmlp.estimators._targets import Numbers
from fastmlp.losses import LOSSES, Loss
from fastmlp.training.schedules import Schedule


class MLPRegressor(RegressorMixin, BaseMLP):
    """Multilayer-perceptron regressor, in place of ``sklearn.neural_network.MLPRegressor``.

    Parameters
    ----------
    loss : str or Loss, default='squared_error'
        Loss of one sample, summed over its outputs (S10): squared_error is half of |y - a|^2, sum_squared_error is
        |y - a|^2, mean_squared_error is their mean over the outputs; absolute_error, huber, log_cosh and quantile (the
        median) bear outliers; poisson is half the Poisson deviance, for y >= 0. ``Huber(threshold)`` and
        ``Quantile(levels)`` from `fastmlp.losses` set their parameters; ``Quantile([0.1, 0.5, 0.9])`` predicts several
        quantiles at once, which cannot cross. A `Loss` of your own works too.

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

    Attributes
    ----------
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

    Notes
    -----
    With several outputs scikit-learn reports the mean of the loss over the outputs but follows the gradient of its sum;
    here both are of the sum. Trained weights agree, ``loss_curve_`` is n_outputs times scikit-learn's.

    Examples
    --------
    >>> import numpy as np
    >>> from fastmlp import MLPRegressor
    >>> X = np.linspace(-1, 1, 200).reshape(-1, 1)
    >>> y = np.sin(3 * X).ravel()
    >>> model = MLPRegressor(hidden_layer_sizes=(30,), activation="tanh", solver="lbfgs", random_state=0)
    >>> model.fit(X, y).score(X, y) > 0.99
    True
    """

    loss: str | Loss

    _targets: Numbers
    _parameter_constraints = {
        "loss": [Names(*(name for name, loss in LOSSES.items() if loss.for_regressors)), Loss],
        **BaseMLP._parameter_constraints,
    }

    @explains_unknown_keywords
    def __init__(
        self,
        loss: str | Loss = "squared_error",
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
        dropout: float | Sequence[float] = 0.0,
        input_dropout: float = 0.0,
        batch_norm: bool = False,
        l1: float = 0.0,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        init: str | Sequence[str] = "auto",
        trainable: str | Sequence[int] = "all",
        scoring: Scoring = None,
        max_time: float | None = None,
        callbacks: Callbacks = None,
        dtype: FloatType = "auto",
        n_jobs: int | None = None,
    ):
        store(self, locals())

    def predict(self, X: MatrixLike) -> np.ndarray:
        """Predict targets.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs), in the computing dtype
            With several quantile levels (n_samples, n_levels), with several targets (n_samples, n_targets, n_levels).

        Raises
        ------
        NotFittedError
            Before the first fit.
        ValueError
            If X has NaN or infinity, or another number of features than in ``fit``.

        Examples
        --------
        >>> from fastmlp import MLPRegressor
        >>> model = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0, tol=1e-10, random_state=0)
        >>> model.fit([[0.0], [1.0]], [1.0, 3.0]).predict([[2.0]]).round(3)
        array([5.])
        """
        raw = self._raw_outputs(self._check_X(X))
        return self._targets.labels(raw)

    def score(self, X: MatrixLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """R^2 of the predictions; for quantiles the share of the pinball loss that they explain, D^2, mean over levels.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        float
            1 is best; 0 is what a constant reaches.

        Raises
        ------
        NotFittedError, ValueError
            As for ``predict``.

        Examples
        --------
        >>> from fastmlp import MLPRegressor
        >>> model = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0, tol=1e-10, random_state=0)
        >>> round(model.fit([[0.0], [1.0]], [1.0, 3.0]).score([[0.0], [1.0]], [1.0, 3.0]), 6)
        1.0
        """
        raw = self._raw_outputs(self._check_X(X))
        with elements_named(np.float64, y=y):
            targets: np.ndarray = check_array(y, ensure_2d=False, dtype="numeric", input_name="y")
        check_no_dates(sample_weight, "sample_weight")
        check_numbers(targets, "y")  # words of a category are left as they are
        return float(self._targets.score(raw, targets.reshape(len(targets), -1), sample_weight))

    def _recognize_targets(self, y, before, incremental, classes, sparse):
        n_targets = 1 if y.ndim == 1 else y.shape[1]
        return Numbers(n_targets, loss=self.loss, out_activation=self.out_activation)
