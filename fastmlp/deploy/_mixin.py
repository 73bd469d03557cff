"""What every fitted multilayer perceptron can become."""

from typing import Any

from sklearn.utils.validation import check_is_fitted


class DeployMixin:
    """A fitted estimator for other programs."""

    def to_sklearn(self) -> Any:
        """The same model as scikit-learn's own, which converters to ONNX, PMML or C take.

        It has copies of the weights, with batch normalization folded into them, and everything else that scikit-learn's
        fit leaves but the optimizer's averages, so that its ``partial_fit`` and ``warm_start`` go on from the weights,
        with an optimizer that begins anew. Dropout does nothing in prediction. Parameters that matter in training only
        have scikit-learn's defaults where it does not know their values, such as ``solver="adamw"``; a loss is one.

        Returns
        -------
        sklearn.neural_network.MLPClassifier or MLPRegressor
            Fitted, of the same dtype. Its predictions are the same to rounding.

        Raises
        ------
        NotFittedError
            Before the first fit.
        ValueError
            If the network has what scikit-learn's lacks: other activations than identity, logistic, tanh and relu, or
            several of them; other outputs than its own; several targets with classes of their own.

        Examples
        --------
        >>> import numpy as np
        >>> from fastmlp import MLPClassifier
        >>> X = np.linspace(-1, 1, 40).reshape(20, 2)
        >>> model = MLPClassifier((8,), batch_norm=True, learning_rate_init=0.1, tol=0.01, random_state=0)
        >>> theirs = model.fit(X, X[:, 0] > 0).to_sklearn()
        >>> type(theirs).__module__.split(".")[0], bool(np.allclose(theirs.predict_proba(X), model.predict_proba(X)))
        ('sklearn', True)
        """
        from fastmlp.deploy._sklearn import as_sklearn  # which imports what fits do not need

        check_is_fitted(self)
        return as_sklearn(self)
