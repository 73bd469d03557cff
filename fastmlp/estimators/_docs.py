"""What the estimators' docstrings share."""

SHARED_PARAMETERS = """hidden_layer_sizes : int or sequence of int, default=(100,)
        Units of each hidden layer; () for none, which is a linear model.

    activation : str or sequence of str, default='relu'
        One of identity, relu, tanh, logistic for all hidden layers, or one for each.

    solver : {'adam', 'sgd', 'lbfgs'}, default='adam'
        adam (Kingma and Ba 2014) suits most data; sgd takes momentum and is the choice for a tuned schedule; lbfgs,
        from SciPy, uses all rows in every step and is often best below a few thousand rows.

    alpha : float, default=0.0001
        Strength of the L2 penalty: alpha / (2 n) |W|^2 is added to the mean loss of a batch of n rows (or of total
        weight n), as in scikit-learn; biases are not penalized.

    batch_size : int or 'auto', default='auto'
        Rows of each step; 'auto' is min(200, n_samples). The last batch of an epoch may be shorter. Ignored by lbfgs.

    learning_rate : {'constant', 'invscaling', 'adaptive'}, default='constant'
        Step size over time: constant; learning_rate_init / t^power_t with t the samples seen; or divided by 5 whenever
        ``n_iter_no_change`` epochs bring no improvement, which then stops training only at 1e-6. For sgd and adam.

    learning_rate_init : float, default=0.001
        First step size, of sgd and adam.

    power_t : float, default=0.5
        Exponent of 'invscaling'.

    max_iter : int, default=200
        The most epochs, or iterations of lbfgs.

    shuffle : bool, default=True
        Whether each epoch visits the rows in a new random order.

    random_state : int, RandomState instance or None, default=None
        For initial weights, the validation split and shuffling. The same int gives the same model, and the one that
        scikit-learn's estimator gives, up to rounding.

    tol : float, default=1e-4
        Smallest improvement of the training loss (validation score with ``early_stopping``) that counts; for lbfgs the
        largest gradient component at which it has converged.

    verbose : bool, default=False
        Whether to print a line for each epoch.

    warm_start : bool, default=False
        Whether ``fit`` goes on from the last fit, optimizer and history included, instead of starting anew.

    momentum : float, default=0.9
        Of sgd, from 0 to 1.

    nesterovs_momentum : bool, default=True
        Whether sgd's momentum looks ahead (Nesterov).

    early_stopping : bool, default=False
        Whether to hold out ``validation_fraction`` of the rows, stop when their score stops improving, and keep the
        weights with the best score. Classes are held out in proportion, but for multilabel targets. For sgd and adam.

    validation_fraction : float, default=0.1
        Share of the rows held out for early stopping; at least two rows.

    beta_1, beta_2 : float, default=0.9 and 0.999
        Decay of adam's averages of the gradient and of its square, in [0, 1).

    epsilon : float, default=1e-8
        Keeps adam's division finite.

    n_iter_no_change : int or inf, default=10
        Epochs without improvement that are accepted.

    max_fun : int, default=15000
        The most loss evaluations of lbfgs.

    callbacks : callable or list of callable, default=None
        Each is called after every epoch with an ``EpochInfo`` (epoch, max_iter, loss, validation_score, learning_rate);
        returning True stops training. For sgd and adam.

    dtype : {'auto', 'float32', 'float64'}, default='auto'
        Computing dtype. 'auto' keeps float32 input in float32 and everything else in float64, as scikit-learn does;
        'float32' is about twice as fast."""

SHARED_ATTRIBUTES = """network_ : Network
        The trained network.

    coefs_, intercepts_ : list of ndarray of shape (fan_in, fan_out), and (fan_out,)
        Weights and biases of each layer: views of one flat array, ``network_.parameters``.

    loss_curve_ : list of float
        Mean cost of each epoch, penalty included; its last value is ``loss_``, its smallest ``best_loss_``.

    validation_scores_, best_validation_score_ : list of float, float
        With ``early_stopping``, else None.

    n_iter_ : int
        Epochs of the last fit.

    stop_reason_ : str
        Why it ended: max_iter, no_improvement, callback, interrupted, diverged, or converged (lbfgs).

    t_, n_layers_, n_outputs_, out_activation_, n_features_in_, feature_names_in_
        As in scikit-learn: samples seen, layers with the input, output units, activation, and the input's columns."""


def fill_docstring(cls):
    """Put what the estimators share into a class docstring."""
    cls.__doc__ = cls.__doc__.replace("<shared parameters>", SHARED_PARAMETERS).replace(
        "<shared attributes>", SHARED_ATTRIBUTES
    )
    return cls
