"""Predictors: programs made ready to run."""

import math
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fastmlp._blocks import row_blocks
from fastmlp.runtime import files
from fastmlp.runtime._engine import NetworkStage, Settings, check_n_jobs, run, stages_of
from fastmlp.runtime._simplify import simplified
from fastmlp.runtime.program import Program
from fastmlp.runtime.steps import Encode, Impute, Parallel, Take, n_outputs_of, split

if TYPE_CHECKING:
    from fastmlp.deploy.c import Loss

OUTPUTS = ("auto", "labels", "proba", "raw")
# And what is computed in.
DTYPES_OF_WEIGHTS = {"float32": "float32", "float64": "float64", "bfloat16": "float32", "int8": "float32"}


class Predictor:
    """A fitted model that does nothing but predict, as fast as it can.

    ``est.compile()``, ``fastmlp.compile(pipeline)`` and ``fastmlp.load(path)`` make them. It has copies of the weights,
    and everything is checked and prepared once. Any number of threads may call it at once; none waits for another, and
    each gets the bits that one alone would get. It can be pickled.

    Parameters
    ----------
    program : Program
    out : {"auto", "labels", "proba", "raw"}, default="auto"
        What to predict. "labels": what ``predict`` returns. "proba": what ``predict_proba`` does. "raw": the outputs
        of a regressor; the logits or scores of a classifier, (n_samples, n_outputs). "auto" is probabilities where
        there are some, labels of other classifiers, and raw outputs of regressors.
    weights : {"auto", "float32", "float64", "bfloat16", "int8"}, default="auto"
        What it computes in; "auto" for what the program says. With "bfloat16" and "int8" that is float32, and dense
        layers of 16,384 weights or more are rounded, to half and a quarter of the bytes: for large networks that
        predict a row at a time, whose time goes into reading weights.
    n_jobs : int or None, default=None
        The most threads of one call; None for as many as there are CPUs and the rows pay for.

    Attributes
    ----------
    n_features : int
        Columns of a table.
    feature_names : tuple of str, or None
    classes : ndarray, list of ndarray, or None
        Labels in the order of the probabilities, a list for several targets, None for regressors.
    out : str
        What it predicts.
    summary : mapping
        What is known of the training.

    Raises
    ------
    ValueError
        If `out` is none of these, or the model has no probabilities.

    Examples
    --------
    >>> from fastmlp import MLPClassifier
    >>> model = MLPClassifier((), solver="lbfgs").fit([[0.0], [1.0]], ["a", "b"])
    >>> predictor = model.compile(out="labels")
    >>> predictor([[-3.0], [3.0]]), predictor.predict_one([3.0])
    (array(['a', 'b'], dtype='<U1'), np.str_('b'))
    """

    def __init__(self, program: Program, *, out: str = "auto", weights: str = "auto", n_jobs: int | None = None):
        self.out, self._weights = _chosen(program, out, weights, n_jobs)
        program = replace(program, dtype=DTYPES_OF_WEIGHTS[self._weights])
        self._program, self._n_jobs = program, n_jobs
        self._names = None if program.feature_names is None else program.feature_names.tolist()
        head = program.head if self.out == "proba" and program.head is not None else ()
        steps = simplified((*program.steps, *head), program.dtype)
        self._stages = stages_of(steps, program.n_features, Settings(program.dtype, self._weights, n_jobs))
        self._takes_words = _takes_words(steps)  # or leaves them out
        self._n_columns = n_outputs_of(steps, program.n_features)
        self._widest = _widest(steps, program.n_features)
        only = self._stages[0] if len(self._stages) == 1 else None
        self._network = only if isinstance(only, NetworkStage) else None
        # What becomes of the outputs: labels, a list for several targets, or the shape of a regressor's predictions.
        self._decides = self.out == "labels" or (self.out == "proba" and bool(program.decision.sizes))
        self._finishes = self._decides or (self.out == "raw" and program.decision.kind == "numbers")
        self._row = self._network.predict_one if self._network is not None and not self._decides else None
        self._few = self._network.predict_few if self._network is not None else None

    @property
    def n_features(self) -> int:
        """Columns of a table."""
        return self._program.n_features

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """Their names, if the model was fitted with some."""
        return None if self._names is None else tuple(self._names)

    @property
    def classes(self) -> np.ndarray | list[np.ndarray] | None:
        """Labels in the order of the probabilities."""
        classes = self._program.decision.classes
        return None if not classes else list(classes) if self._program.decision.kind == "targets" else classes[0]

    @property
    def summary(self) -> Mapping[str, Any]:
        """What is known of the training."""
        return self._program.summary

    def __call__(self, X: Any, out: np.ndarray | None = None) -> Any:
        """Predict rows.

        Parameters
        ----------
        X : array-like or table of shape (n_samples, n_features)
            A table with names of columns is read by them, if the model knows names. NaN is not looked for: it gives NaN
            where nothing imputes it, and is refused where a class would have to be decided from it.
        out : ndarray, default=None
            Where probabilities or raw outputs go, C-contiguous, of the model's dtype and of shape
            (n_samples, n_outputs); (n_samples,) does for a regressor of one number.

        Returns
        -------
        ndarray
            As `out` of the class says; `out` if it was given. A list of them for probabilities of several targets.

        Raises
        ------
        ValueError
            If X or `out` has another shape, or values that the model cannot read.
        """
        if out is not None:
            self._check_out(out)
            if self._few is None or self._few(X, out) is None:
                x = self._rows(X)
                self._write(self._outputs(x), out, one_dimension=self._finishes and self._n_columns == 1)
            return out
        raw = None if self._few is None else self._few(X)
        if raw is None:
            raw = self._outputs(self._rows(X))
        return self._finished(raw) if self._finishes else raw

    def predict_one(self, x: Any, out: np.ndarray | None = None) -> Any:
        """Predict one row.

        Parameters
        ----------
        x : ndarray of shape (n_features,), sequence, memoryview, or mapping from names of features to values
            The quickest is an array of float32 or float64.
        out : ndarray of shape (n_outputs,), default=None
            Where probabilities or raw outputs go, contiguous and of the model's dtype.

        Returns
        -------
        ndarray of shape (n_outputs,)
            Probabilities or raw outputs, `out` if it was given; with out="labels" the label.

        Raises
        ------
        ValueError
            If x has other features than the model, or `out` another shape.

        Examples
        --------
        >>> import numpy as np
        >>> from fastmlp import MLPRegressor
        >>> model = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0).fit([[0.0], [1.0]], [0.0, 2.0])
        >>> predictor, out = model.compile(), np.empty(1)
        >>> predictor.predict_one(np.array([3.0]), out=out) is out, out.round(3)
        (True, array([6.]))
        """
        if self._row is not None:
            outputs = self._row(x, out)
            if outputs is not None:
                return outputs
        return self._predict_one(x, out)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a model file, which `fastmlp.load` reads.

        Parameters
        ----------
        path : path-like
            Of a file, which is replaced at once if it is there.

        Raises
        ------
        ModuleNotFoundError
            If the ``safetensors`` library is not installed.
        OSError, ValueError
            If there can be no such file, or the model has what no file can hold.

        Examples
        --------
        >>> import os, tempfile
        >>> from fastmlp import MLPRegressor
        >>> model = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0).fit([[0.0], [1.0]], [0.0, 2.0])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.compile().save(os.path.join(folder, "model.safetensors"))
        ...     os.listdir(folder)
        ['model.safetensors']
        """
        from fastmlp.deploy._files import write

        write(self._program, path)

    def to_onnx(self) -> Any:
        """The same as an ONNX model, which ONNX Runtime and other programs run without Python.

        Its input is a tensor "X" of any number of rows, (n_samples, n_features), of the model's dtype; of float64 where
        float32 would lose digits of a column far from 0, or what tells two categories apart. A model that reads words
        takes a tensor (n_samples, 1) for each column that it reads, by its name, or "x0", "x1", ... without names: of
        strings, where "" is a missing one, or of that dtype.

        Its outputs are those of ``skl2onnx``, without a ZipMap. For a regressor, "variable": (n_samples, n_outputs),
        also for a single output. For a classifier, "label", (n_samples,), as ``predict``: strings or int64, of which
        bools are 0 and 1; then "probabilities", (n_samples, n_classes), if there are some; and "raw", logits or scores,
        (n_samples, n_outputs). With several targets, "label_0", "label_1", ... and "probabilities_0", ...

        ONNX refuses nothing: a row with NaN that nothing imputes has a label all the same. A category that was not
        learnt, or a code without a row in its table, stops ONNX Runtime with an index out of bounds.

        Returns
        -------
        onnx.ModelProto
            Of opset 15, checked.

        Raises
        ------
        ModuleNotFoundError
            If the ``onnx`` library is not installed.
        CannotFoldError
            If no tensor holds the labels or the categories of an encoder, or a column has the name of an output.

        Examples
        --------
        >>> from fastmlp import MLPRegressor
        >>> model = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0).fit([[0.0], [1.0]], [0.0, 2.0])
        >>> [output.name for output in model.compile().to_onnx().graph.output]
        ['variable']
        """
        from fastmlp.deploy._onnx import to_model

        return to_model(self._program)

    def to_c(self, path: str | os.PathLike[str], *, weights: str = "float32", X: Any = None) -> "Loss | None":
        """Write the model, with what comes before and behind its network, as C.

        Parameters
        ----------
        path : path-like
            Of the C file, whose name all functions begin with: "model.c" brings ``model_predict``, and ``model.h``
            beside it.
        weights : {"float32", "int8"}, default="float32"
            What weights are stored as; int8 takes a quarter of the memory.
        X : array-like or table of shape (n_samples, n_features), default=None
            For int8, rows on which the loss of accuracy is measured.

        Returns
        -------
        Loss or None
            As by ``to_c`` of the estimators.

        Raises
        ------
        ValueError, OSError
            As by ``to_c`` of the estimators.

        Examples
        --------
        >>> import os, tempfile
        >>> from fastmlp import MLPRegressor
        >>> model = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0).fit([[0.0], [1.0]], [0.0, 2.0])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.compile().to_c(os.path.join(folder, "model.c"))
        ...     sorted(os.listdir(folder))
        ['model.c', 'model.h']
        """
        from fastmlp.deploy.c import write

        return write(self._program, path, weights, X)

    def __reduce__(self):
        return _made, (self._program, self.out, self._weights, self._n_jobs)

    def __repr__(self) -> str:
        return f"<Predictor of {self.out}: {self.n_features} features, {self._n_columns} outputs, {self._weights}>"

    def _predict_one(self, x, out):
        if isinstance(x, Mapping):
            x = self._from_names(x)
        elif self._names is not None and hasattr(x, "index") and hasattr(x, "to_dict"):  # a row of a data frame
            x = self._from_names({name: value for name, value in x.to_dict().items() if name in self._names})
        row = self._array(x)
        if row.shape != (self.n_features,):
            raise ValueError(f"x has shape {row.shape}; the model takes one row of {self.n_features} features.")
        row = self._read(row)
        if out is None:
            raw = run(self._stages, row[np.newaxis])
            if self.out == "labels":
                return self._program.decision.apply(raw)[0]
            return self._finished(raw) if self._program.decision.sizes and self.out == "proba" else raw[0]
        self._check_out(out)
        self._write(run(self._stages, row[np.newaxis])[0], out)
        return out

    def _check_out(self, out):
        if self._decides:
            raise ValueError(f"out cannot be written to with out={self.out!r}; leave it out.")
        if not isinstance(out, np.ndarray) or out.dtype != self._program.dtype or not out.flags.writeable:
            given = getattr(out, "dtype", type(out).__name__)
            raise ValueError(f"out is {given}; pass a writeable array of {self._program.dtype}.")

    def _write(self, outputs, out, one_dimension=False):
        if out.shape != outputs.shape and not (one_dimension and out.shape == outputs.shape[:1]):
            raise ValueError(f"out has shape {out.shape}; pass one of shape {outputs.shape}.")
        out[...] = outputs.reshape(out.shape)

    def _outputs(self, x):
        if self._network is not None:
            return self._network(x)
        blocks = list(row_blocks(len(x), 8 * self._widest))
        if len(blocks) == 1:
            return run(self._stages, x)
        return np.concatenate([run(self._stages, x[rows]) for rows in blocks]) if blocks else run(self._stages, x)

    def _from_names(self, values):
        names = self._names
        if names is None:
            raise ValueError("The model was fitted without names of features; pass the values in order.")
        unknown = values.keys() - set(names)
        if unknown:
            raise ValueError(f"x has {sorted(map(str, unknown))[0]!r}, which is no feature of the model.")
        missing = [name for name in names if name not in values]
        if missing:
            raise ValueError(f"x has no {missing[0]!r}; pass a value, NaN if it is missing and the model imputes it.")
        return [math.nan if type(values[name]).__name__ == "NAType" else values[name] for name in names]

    def _rows(self, X: Any) -> np.ndarray:
        """Rows as an array: of objects where there may be words."""
        names = getattr(X, "column_names", getattr(X, "columns", None))  # pyarrow's; pandas' and polars'
        if names is not None and self._names is not None:
            missing = set(self._names).difference(names)
            if missing:
                raise ValueError(f"X has no column {min(missing)!r}, with which the model was fitted.")
            X = X.select(self._names) if hasattr(X, "column_names") else X[self._names]
            if self._takes_words:
                return self._read(_columns_of(X, self._names))
        if hasattr(X, "tocsr"):
            raise ValueError("X is sparse; pass X.toarray(), or use the estimator.")
        x = self._array(X)
        if x.ndim != 2 or x.shape[1] != self.n_features:
            raise ValueError(
                f"X has shape {x.shape}; pass rows of {self.n_features} features, or one row to predict_one."
            )
        return self._read(x)

    def _array(self, values):
        """An array; of objects from a list where there may be words, which numbers beside them would else become."""
        is_array = hasattr(values, "__array__")
        return np.asarray(values, dtype=object if self._takes_words and not is_array else None)

    def _read(self, x):
        """Floats, unless there may be words."""
        if x.dtype in (np.float32, np.float64):
            return x
        if x.dtype.kind in "cmM":
            raise ValueError(f"X is of {x.dtype}; pass real numbers.")
        if self._takes_words:
            return x.astype(object) if x.dtype.kind in "UT" else x
        try:
            return x.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"X holds what is no number: {error}.") from None

    def _finished(self, raw):
        if self.out == "proba":
            return split(raw, self._program.decision.sizes)
        return self._program.decision.apply(raw)


def load(
    path: str | os.PathLike[str], *, out: str = "auto", weights: str = "auto", n_jobs: int | None = None
) -> Predictor:
    """Read a model file.

    Nothing in it is executed. Its weights are mapped into memory, so that processes that load one file share them.

    Parameters
    ----------
    path : path-like
        Of a file that ``save`` has written.
    out, weights, n_jobs
        As for `Predictor`.

    Returns
    -------
    Predictor

    Raises
    ------
    ModelFileError
        If the file is no model file, is damaged, or a later version of fastmlp wrote it.
    OSError
        If it cannot be opened.
    ValueError
        As for `Predictor`.

    Examples
    --------
    >>> import os, tempfile
    >>> import fastmlp
    >>> model = fastmlp.MLPClassifier((), solver="lbfgs").fit([[0.0], [1.0]], ["a", "b"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(os.path.join(folder, "model.safetensors"))
    ...     predictor = fastmlp.load(os.path.join(folder, "model.safetensors"), out="labels")
    >>> predictor([[-3.0], [3.0]])
    array(['a', 'b'], dtype='<U1')
    """
    program = files.read(path)
    _chosen(program, out, weights, n_jobs)  # whose faults are not the file's
    try:
        return Predictor(program, out=out, weights=weights, n_jobs=n_jobs)
    except (ValueError, TypeError) as error:
        raise files.ModelFileError(f"{os.fspath(path)!r} is no model file that can be used: {error}") from None


def _made(program, out, weights, n_jobs):
    return Predictor(program, out=out, weights=weights, n_jobs=n_jobs)


def _chosen(program, out, weights, n_jobs):
    """What to predict, and the kind of weights, in place of "auto"."""
    if weights not in ("auto", *DTYPES_OF_WEIGHTS):
        raise ValueError(
            f"weights is {weights!r}; it has to be one of {', '.join(map(repr, ('auto', *DTYPES_OF_WEIGHTS)))}."
        )
    check_n_jobs(n_jobs)
    return _chosen_outputs(program, out), program.dtype if weights == "auto" else weights


def _chosen_outputs(program, out):
    if out not in OUTPUTS:
        raise ValueError(f"out is {out!r}; it has to be one of {', '.join(map(repr, OUTPUTS))}.")
    if out == "auto":
        return "proba" if program.head is not None else "raw" if program.decision.kind == "numbers" else "labels"
    if out == "proba" and program.head is None:
        raise ValueError("out is 'proba', but the model has no probabilities; use 'labels' or 'raw'.")
    if out == "labels" and program.decision.kind == "numbers":
        raise ValueError("out is 'labels', but the model is a regressor; use 'raw'.")
    return out


def _columns_of(frame, names):
    """A data frame as an array, of objects where its columns differ, so that each keeps what it is."""
    columns = [_values_of(frame[name]) for name in names]
    if len({column.dtype for column in columns}) == 1:
        return np.column_stack(columns)
    array = np.empty((len(columns[0]), len(columns)), dtype=object)
    for number, column in enumerate(columns):
        array[:, number] = column
    return array


def _values_of(column):
    if hasattr(column, "array") and hasattr(column.dtype, "na_value") and getattr(column.dtype, "kind", "O") in "biuf":
        return column.to_numpy(dtype=np.float64, na_value=np.nan)  # pandas' own types of numbers, which know NA
    return np.asarray(column)


def _widest(steps, width):
    """The most columns that there are at once."""
    widest = width
    for step in steps:
        if isinstance(step, Parallel):
            widest = max(widest, sum(_widest(branch, width) for branch in step.branches))
        width = step.n_outputs(width)
        widest = max(widest, width)
    return widest


def _takes_words(steps):
    """Whether there may be columns that hold no numbers, because they are encoded or left out."""
    return any(
        isinstance(step, Encode | Take | Parallel) or (isinstance(step, Impute) and step.values.dtype == object)
        for step in steps
    )
