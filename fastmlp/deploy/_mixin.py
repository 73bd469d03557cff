"""What every fitted multilayer perceptron can become."""

import os
from typing import TYPE_CHECKING, Any

from sklearn.utils.validation import check_is_fitted

from fastmlp.runtime.predictor import Predictor

if TYPE_CHECKING:
    from fastmlp.deploy.c import Loss


class DeployMixin:
    """A fitted estimator for other programs."""

    def compile(self, *, out: str = "auto", weights: str = "auto", n_jobs: int | None = None) -> Predictor:
        """Make the fitted model ready to predict, as fast as it can.

        It has copies of the weights: later fits change nothing in it.

        Parameters
        ----------
        out : {"auto", "labels", "proba", "raw"}, default="auto"
            What to predict. "labels": what ``predict`` returns. "proba": what ``predict_proba`` does. "raw": the
            outputs of a regressor; the logits or scores of a classifier. "auto" is probabilities where there are some,
            labels of other classifiers, and raw outputs of regressors.
        weights : {"auto", "float32", "float64", "bfloat16", "int8"}, default="auto"
            What it computes in; "auto" for what the model was trained in. With "bfloat16" and "int8" that is float32,
            and dense layers of 16,384 weights or more are rounded, to half and a quarter of the bytes: for large
            networks that predict a row at a time, whose time goes into reading weights.
        n_jobs : int or None, default=None
            The most threads of one call; None for as many as there are CPUs and the rows pay for.

        Returns
        -------
        Predictor

        Raises
        ------
        NotFittedError
            Before the first fit.
        CannotFoldError
            If an activation is written in Python.
        ValueError
            If a parameter is none of these.

        Examples
        --------
        >>> from fastmlp import MLPClassifier
        >>> model = MLPClassifier((), solver="lbfgs", alpha=1.0).fit([[0.0], [1.0], [2.0]], [0, 1, 2])
        >>> predictor = model.compile()
        >>> predictor.predict_one([1.0]).round(1)
        array([0.3, 0.4, 0.3])
        """
        from fastmlp.deploy._compile import compile

        return compile(self, out=out, weights=weights, n_jobs=n_jobs)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a model file: what predictions need, and nothing that is executed when it is read.

        `fastmlp.load` reads it, in a process that needs NumPy only, and in later versions of fastmlp. Training cannot
        go on from it; pickles and ``Checkpoint`` are for that. ``fastmlp.compile(pipeline).save(path)`` does the same
        for a pipeline.

        Parameters
        ----------
        path : path-like
            Of a safetensors file, which is replaced at once if it is there.

        Raises
        ------
        NotFittedError
            Before the first fit.
        ModuleNotFoundError
            If the ``safetensors`` library is not installed.
        CannotFoldError
            If an activation is written in Python.
        OSError, ValueError
            If there can be no such file, or the model has what no file can hold.

        Examples
        --------
        >>> import os, tempfile
        >>> import fastmlp
        >>> model = fastmlp.MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0).fit([[0.0], [1.0]], [0.0, 2.0])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(os.path.join(folder, "model.safetensors"))
        ...     loaded = fastmlp.load(os.path.join(folder, "model.safetensors"))
        >>> loaded([[3.0]]).round(3)
        array([6.])
        """
        from fastmlp.deploy._files import write
        from fastmlp.deploy._programs import program_of

        write(program_of(self), path)

    def to_onnx(self) -> Any:
        """The fitted model as an ONNX model, which ONNX Runtime and other programs run without Python.

        Dropout and batch normalization are part of the weights. ``fastmlp.compile(pipeline).to_onnx()`` does the same
        for a pipeline; a pipeline with transformers that `fastmlp.compile` lacks is converted by ``skl2onnx`` after
        ``import fastmlp.deploy.skl2onnx``.

        Returns
        -------
        onnx.ModelProto
            Checked. ``SerializeToString()`` makes the bytes of a file of it. Input and outputs are as in
            `Predictor.to_onnx`.

        Raises
        ------
        NotFittedError
            Before the first fit.
        ModuleNotFoundError
            If the ``onnx`` library is not installed.
        CannotFoldError
            If an activation is written in Python, or the labels are neither words nor whole numbers.

        Examples
        --------
        >>> from fastmlp import MLPRegressor
        >>> model = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs").fit([[0.0], [1.0]], [0.0, 2.0])
        >>> [output.name for output in model.to_onnx().graph.output]
        ['variable']
        """
        return self.compile().to_onnx()

    def to_c(self, path: str | os.PathLike[str], *, weights: str = "float32", X: Any = None) -> "Loss | None":
        """Write the fitted model as C: one file of C99, which is C++ too, and a header.

        The code needs nothing but the C library, allocates no memory and has no state, so that any number of threads
        may call it. It reads and writes float32, whatever the model was trained in. Classes and decisions are part of
        it. ``fastmlp.compile(pipeline).to_c(path)`` does the same for a pipeline with
        its scaling. ``docs/export-to-c.md`` shows how to call it.

        Parameters
        ----------
        path : path-like
            Of the C file, which is replaced at once if it is there, as is the header beside it. All functions begin
            with its name: "model.c" brings ``model_predict``, ``model_predict_proba`` and versions of both for many
            rows.
        weights : {"float32", "int8"}, default="float32"
            What weights are stored as. int8 weights have a scale for each unit, take a quarter of the memory, and lose
            some accuracy; sums are float32.
        X : array-like of shape (n_samples, n_features), default=None
            For int8, which needs it: rows like those to come, on which the loss of accuracy is measured.

        Returns
        -------
        Loss or None
            For int8, the largest difference of outputs, ``max_difference``, and the number of rows with another class,
            ``n_changed``, which are printed and stand in the header too. None for float32.

        Raises
        ------
        NotFittedError
            Before the first fit.
        CannotFoldError
            If an activation is written in Python.
        ValueError
            If the file's name is no name in C, there is something that C cannot do, or X and weights do not fit.
        OSError
            If the files cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> from fastmlp import MLPClassifier
        >>> model = MLPClassifier((), solver="lbfgs", alpha=1.0).fit([[0.0], [1.0]], ["no", "yes"])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.to_c(Path(folder) / "answer.c")
        ...     header = (Path(folder) / "answer.h").read_text()
        >>> "int answer_predict(const float *x);" in header
        True
        """
        from fastmlp.deploy._programs import program_of
        from fastmlp.deploy.c import write

        return write(program_of(self), path, weights, X)

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
