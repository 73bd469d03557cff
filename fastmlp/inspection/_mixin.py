"""What every fitted multilayer perceptron can tell about itself."""

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import TransformerMixin
from sklearn.utils import check_array
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.metadata_routing import UNUSED
from sklearn.utils.validation import check_is_fitted

from fastmlp._typing import MatrixLike
from fastmlp._unreadable import check_no_dates
from fastmlp.inspection import _passes
from fastmlp.inspection._columns import column_moments, some_rows, spread_over
from fastmlp.inspection._diagnose import Diagnosis, diagnose
from fastmlp.inspection._model import FittedModel, loss_targets
from fastmlp.inspection._summary import Summary, summarize

# Rows from which `fit` takes `feature_importances_`, each with one output: as many as in a batch. Derivatives are
# dense, so that many features allow fewer rows, but some.
IMPORTANCE_ROWS = 200
LEAST_IMPORTANCE_ROWS = 8
IMPORTANCE_DERIVATIVES = 1 << 22
# Values from which it takes the columns' deviations: rare ones, such as words and categories, need many rows.
DEVIATION_VALUES = 1 << 18
# Gradients of one integral.
N_STEPS = 50


class InspectionMixin(FittedModel, TransformerMixin):
    """Hidden outputs, gradients by the inputs and a summary, for an estimator with a ``network_``.

    A is the network's output, as ``network_.forward`` computes it: what ``predict`` of a regressor returns, and for a
    classifier the probabilities of ``classes_``, or of the second class alone if there are two.
    """

    # A pipeline cannot choose the layer: scikit-learn's fit_transform would hand it to `fit` as well.
    __metadata_request__transform = {"layer": UNUSED}

    def transform(self, X: MatrixLike, layer: int = -1) -> np.ndarray:
        """Outputs of a hidden layer, A_l in prediction (S1): the features that the network has learnt.

        So a fitted network may stand before another estimator in a ``Pipeline``; ``set_output`` gives data frames.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
        layer : int, default=-1
            Which of the hidden layers, as in a list of them: 0 is the first, -1 the last, what the output layer sees.

        Returns
        -------
        ndarray of shape (n_samples, outputs of the layer), in the computing dtype
            Computed a block of rows at a time.

        Raises
        ------
        NotFittedError
            Before the first fit.
        ValueError
            If there is no such layer, or X is not what ``predict`` takes.

        Examples
        --------
        >>> import numpy as np
        >>> from fastmlp import MLPClassifier
        >>> X = np.linspace(-1, 1, 40).reshape(20, 2)
        >>> model = MLPClassifier((8, 3), solver="lbfgs", random_state=0).fit(X, X[:, 0] > 0)
        >>> model.transform(X).shape, model.transform(X, layer=0).shape
        ((20, 3), (20, 8))
        """
        X = self._check_X(X)
        n_layers, number = len(self.network_.activations_), self._hidden_layer(layer)
        if number < n_layers - 1 and _get_output_config("transform", self)["dense"] != "default":
            raise ValueError(
                f"layer is {layer}, but get_feature_names_out names the outputs of the last hidden layer, so that only "
                "that can be a data frame; leave layer out, or use set_output(transform='default')."
            )
        out = np.empty((X.shape[0], self._n_hidden_outputs(number)), X.dtype)
        for rows, outputs in _passes.hidden_outputs(self.network_, X):
            out[rows] = outputs[number]
        return out

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
        """Names of the columns of ``transform``: the class's in lower case, and a number.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Not used; scikit-learn passes it.

        Returns
        -------
        ndarray of str objects of shape (outputs of the last hidden layer,)

        Raises
        ------
        NotFittedError
            Before the first fit.
        ValueError
            If there is no hidden layer.

        Examples
        --------
        >>> from fastmlp import MLPRegressor
        >>> model = MLPRegressor(hidden_layer_sizes=2, solver="lbfgs").fit([[0], [1]], [0, 1])
        >>> model.get_feature_names_out()
        array(['mlpregressor0', 'mlpregressor1'], dtype=object)
        """
        check_is_fitted(self)
        n_outputs = self._n_hidden_outputs(self._hidden_layer(-1))
        prefix = type(self).__name__.lower()
        return np.array([f"{prefix}{number}" for number in range(n_outputs)], dtype=object)

    def input_gradient(self, X: MatrixLike, y: ArrayLike | None = None, output: int | None = None) -> np.ndarray:
        """Derivatives by the inputs, of each row's loss or of one output: what a small change of X would do.

        D_1 W_1^T (S24), after back-propagation from dC/dA_L = e_k for output k, or from the loss of the row. For an
        output it is the saliency of Simonyan et al. (2013), arXiv:1312.6034.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Targets as for ``fit``, for the derivatives of the loss of each row, without penalties, class weights and
            sample weights, but with smoothed labels. By default derivatives are those of an output.
        output : int, default=None
            Column of the output. By default the largest in the row, which for a classifier is the predicted class.

        Returns
        -------
        ndarray of shape (n_samples, n_features), in the computing dtype
            Dense, for a sparse X too. Where probabilities round to 0 or 1 their derivatives are 0.

        Raises
        ------
        NotFittedError
            Before the first fit.
        ValueError
            If X is not what ``predict`` takes or y not what ``fit`` takes, or there is no such output.

        Examples
        --------
        A linear model's derivative is its weights.

        >>> import numpy as np
        >>> from fastmlp import MLPRegressor
        >>> X = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
        >>> model = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0, tol=1e-10, random_state=0)
        >>> model.fit(X, X @ [2, -3]).input_gradient(X[:1]).round(3)
        array([[ 2., -3.]])
        """
        X = self._check_X(X)
        output = self._check_output_number(output)
        if y is None:
            gradients = _passes.output_gradients(self.network_, X, output)
        elif output is None:
            gradients = _passes.loss_gradients(self.network_, X, loss_targets(self, X, y), self._targets.target_values)
        else:
            raise ValueError(f"output is {output}, but with y the loss is derived; pass only one of them.")
        return self._stack(X, gradients)

    def integrated_gradients(
        self, X: MatrixLike, output: int | None = None, baseline: ArrayLike | None = None, n_steps: int = N_STEPS
    ) -> np.ndarray:
        """Shares of the features in an output, which add up to its difference from a baseline.

        (x - x0) * integral of dA_k/dx at x0 + t (x - x0) for t from 0 to 1: Sundararajan, Taly and Yan (2017),
        arXiv:1703.01365. The integral is by the Gauss-Legendre rule, exact for polynomials below degree 2 n_steps; at
        each kink (relu) its error is at most a gap between nodes, of some 1.6 / n_steps, times the derivative's jump.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
        output : int, default=None
            Column of the output. By default the largest in the row.
        baseline : array-like of shape (n_features,), default=None
            x0, the input that stands for nothing; 0 by default, which is the mean of standardized features.
        n_steps : int, default=50
            Gradients to take the mean of; with more of them the sum is nearer to the difference.

        Returns
        -------
        ndarray of shape (n_samples, n_features), in the computing dtype
            Each row's sum is A_k(x) - A_k(x0).

        Raises
        ------
        NotFittedError
            Before the first fit.
        ValueError
            If X or baseline is not what ``predict`` takes, there is no such output, or n_steps is not positive.

        Examples
        --------
        >>> import numpy as np
        >>> from fastmlp import MLPRegressor
        >>> X = np.linspace(-1, 1, 40).reshape(20, 2)
        >>> model = MLPRegressor(hidden_layer_sizes=5, activation="tanh", solver="lbfgs", random_state=0)
        >>> shares = model.fit(X, X[:, 0] ** 2).integrated_gradients(X)
        >>> np.allclose(shares.sum(axis=1), model.predict(X) - model.predict([[0, 0]]))
        True
        """
        X = self._check_X(X)
        output = self._check_output_number(output)
        n_features = X.shape[1]
        if not isinstance(n_steps, Integral) or n_steps < 1:
            raise ValueError(f"n_steps is {n_steps!r}; pass a positive integer.")
        if baseline is None:
            baseline = np.zeros(n_features, X.dtype)
        if np.ndim(baseline) > 0:
            check_no_dates(baseline, "baseline")
            baseline = check_array(baseline, dtype=X.dtype, ensure_2d=False, input_name="baseline")
        if np.shape(baseline) != (n_features,):
            raise ValueError(f"baseline has shape {np.shape(baseline)}; pass one value a feature, ({n_features},).")
        return self._stack(X, _passes.integrated_gradients(self.network_, X, output, baseline, n_steps))

    @property
    def feature_importances_(self) -> np.ndarray:
        """How much the output changes as each feature varies, with sum 1 (S24): ndarray of shape (n_features,).

        The mean absolute derivative of the output by the feature, times the feature's standard deviation: a feature's
        units do not matter, and a constant one has 0.

        ``fit`` takes derivatives from some of the rows it has learnt from, evenly spread over them: 200, or one for
        each output, fewer where there are more than 20,000 features; of several outputs each row has another one. It
        takes deviations from more of them. So it costs about as much as a training step, ``SelectFromModel`` finds it,
        and neither data nor a sample of them has to be kept. ``partial_fit``, which may be given a row at a time, takes
        none.
        """
        importances = None if self._fit is None else self._fit.importances
        if importances is None:
            raise AttributeError(
                "feature_importances_ are not there before fit, or after partial_fit; call "
                "compute_feature_importances(X)."
            )
        return importances

    @np.errstate(over="ignore", invalid="ignore")  # of a network that has gone too far
    def compute_feature_importances(self, X: MatrixLike, method: str = "derivative") -> np.ndarray:
        """How much the output changes as each feature varies, over rows of your choice, with sum 1 (S24).

        The output of a classifier is its predicted class, the largest in the row. Where each output has its own
        meaning, with several targets, quantiles or labels, the mean is over all outputs too.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
            All of its rows count alike.
        method : {"derivative", "integrated_gradients"}, default="derivative"
            "derivative" is the mean absolute derivative of the output by the feature, times the feature's standard
            deviation in X. "integrated_gradients" is the mean absolute share of the feature in the output's difference
            from that of the features' means, as ``integrated_gradients`` computes it: it follows the network all the
            way, where a derivative sees it at one point, and takes 50 times as long.

        Returns
        -------
        ndarray of shape (n_features,), in the computing dtype
            Kept as ``feature_importances_`` too, in place of what ``fit`` found. All 0 if no output depends on X.

        Raises
        ------
        NotFittedError
            Before the first fit.
        ValueError
            If X is not what ``predict`` takes, or there is no such method.

        Examples
        --------
        A feature in other units is as important.

        >>> import numpy as np
        >>> from fastmlp import MLPRegressor
        >>> X = np.array([[0.0, 0], [0, 4], [1, 0], [1, 4]])
        >>> model = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0, tol=1e-10, random_state=0)
        >>> model.fit(X, X @ [3, -0.25]).compute_feature_importances(X).round(3)
        array([0.75, 0.25])
        """
        X = self._check_X(X)
        outputs, weights = self._explained_outputs(), np.full(X.shape[0], 1 / X.shape[0])
        if method == "derivative":
            total = self._sum_of_derivatives(X, outputs) * column_moments(X, weights).deviation
        elif method == "integrated_gradients":
            total = self._sum_of_shares(X, outputs, column_moments(X, weights).mean)
        else:
            raise ValueError(f"method is {method!r}; use 'derivative' or 'integrated_gradients'.")
        self._fit.importances = self._shares_of_sum(total, X.dtype)
        return self._fit.importances.copy()

    def summary(self) -> Summary:
        """Layers, parameters and memory of the network as a table, for ``print`` and notebooks.

        Returns
        -------
        Summary
            With the optimizer's moments and the activations and deltas of a batch, if training had steps of batches.

        Raises
        ------
        NotFittedError
            Before the first fit.

        Examples
        --------
        >>> import numpy as np
        >>> from fastmlp import MLPRegressor
        >>> MLPRegressor(hidden_layer_sizes=(20, 10), solver="lbfgs").fit(np.eye(5), range(5)).summary()
        MLPRegressor, float64
        Layer     Units  Activation  Weights  Parameters   Memory
        hidden 0     20  relu        5 x 20          120  0.9 KiB
        hidden 1     10  relu        20 x 10         210  1.6 KiB
        output        1  identity    10 x 1           11  0.1 KiB
        total                                        341  2.7 KiB
        """
        check_is_fitted(self)
        fit = self._fit
        return summarize(self.network_, type(self).__name__, moment_bytes=fit.moment_bytes, batch_rows=fit.batch_rows)

    def diagnose(
        self, X: MatrixLike, y: ArrayLike | None = None, *, sample_weight: ArrayLike | None = None
    ) -> Diagnosis:
        """Faults of the model, its training and its data, each with one change to try.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
            As for ``fit``.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Targets, for what needs them.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        Diagnosis
            A list of `fastmlp.inspection.Finding` that prints as text, as `fastmlp.inspection.diagnose` makes it.

        Raises
        ------
        NotFittedError, ValueError
            As for `fastmlp.inspection.diagnose`.

        Examples
        --------
        >>> import numpy as np
        >>> from fastmlp import MLPRegressor
        >>> X = 1000 + np.arange(20.0).reshape(-1, 1)
        >>> MLPRegressor(activation="identity", solver="lbfgs").fit(X, X.ravel()).diagnose(X)
        1. inputs-not-scaled: 1 of 1 columns is far from mean 0 and deviation 1: x0 (mean 1.01e+03, deviation 5.77).
           Put a StandardScaler before the model, in a pipeline.
        """
        return diagnose(self, X, y, sample_weight=sample_weight)

    def _hidden_layer(self, layer):
        """Position of a hidden layer, from 0."""
        n_layers = len(self.network_.activations_)
        if n_layers == 0:
            raise ValueError("The network has no hidden layer to take outputs of; set hidden_layer_sizes.")
        if not isinstance(layer, Integral) or not -n_layers <= int(layer) < n_layers:
            raise ValueError(
                f"layer is {layer!r}, but the hidden layers are 0 to {n_layers - 1}; pass one of these, or -1 for the "
                "last."
            )
        return int(layer) % n_layers

    def _n_hidden_outputs(self, number):
        return self.network_.activations_[number].n_outputs(self.network_.sizes[number + 1])

    def _check_output_number(self, output):
        n_outputs = self.network_.n_outputs
        if output is not None and not (isinstance(output, Integral) and 0 <= int(output) < n_outputs):
            raise ValueError(
                f"output is {output!r}, but the outputs of the network are 0 to {n_outputs - 1}; pass one of these."
            )
        return output

    @staticmethod
    def _stack(X, blocks):
        out = np.empty(X.shape, X.dtype)
        for rows, block in blocks:
            out[rows] = block
        return out

    def _explained_outputs(self):
        """Outputs to explain: all, or for exclusive classes each row's largest, which is None."""
        return range(self.network_.n_outputs) if self._targets.has_independent_outputs else [None]

    def _sum_of_derivatives(self, X, outputs, rows=None):
        """Sum over rows of the absolute derivatives of the outputs by each feature."""
        return sum(
            self._sum_of_sizes(X, _passes.output_gradients(self.network_, X, output, rows)) for output in outputs
        )

    def _sum_of_shares(self, X, outputs, baseline):
        """Sum over rows of the absolute integrated gradients of the outputs from a baseline."""
        network, baseline = self.network_, baseline.astype(X.dtype)
        return sum(
            self._sum_of_sizes(X, _passes.integrated_gradients(network, X, output, baseline, N_STEPS))
            for output in outputs
        )

    @staticmethod
    def _sum_of_sizes(X, blocks):
        total = np.zeros(X.shape[1])
        for _, block in blocks:
            total += np.abs(block, out=block).sum(axis=0, dtype=np.float64)
        return total

    @staticmethod
    def _shares_of_sum(values, dtype):
        return (values / (values.sum() or 1)).astype(dtype)

    @np.errstate(over="ignore", invalid="ignore")  # of a network that has gone too far
    def _importances_after_fit(self, X, rows):
        """Importances by rows that are evenly spread over the rows learnt from; `rows` is None for all."""
        n_rows = X.shape[0] if rows is None else len(rows)
        outputs = self._explained_outputs()
        n_wanted = min(IMPORTANCE_ROWS, max(LEAST_IMPORTANCE_ROWS, IMPORTANCE_DERIVATIVES // X.shape[1]))
        n_taken = max(min(n_wanted, n_rows * len(outputs)), len(outputs))
        places = spread_over(n_rows, n_taken)
        output = None if outputs == [None] else np.arange(n_taken) % len(outputs)
        derivatives = self._sum_of_derivatives(X, [output], places if rows is None else rows[places])
        sample = X[some_rows(X, rows, DEVIATION_VALUES, least=n_wanted)]
        deviation = column_moments(sample, np.full(sample.shape[0], 1 / sample.shape[0])).deviation
        return self._shares_of_sum(derivatives * deviation, X.dtype)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"] if self.dtype == "auto" else [self.dtype]
        return tags
