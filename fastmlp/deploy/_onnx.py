"""Programs as ONNX models."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastmlp._version import __version__
from fastmlp.deploy._errors import CannotFoldError
from fastmlp.runtime._simplify import FAR_CENTER
from fastmlp.runtime.program import Decision, Program
from fastmlp.runtime.steps import Affine, Encode, Impute, Parallel, Step, Take, category_key

try:
    import onnx
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "ONNX models are made by the onnx library, which is not installed; pip install 'fastmlp[deploy]' brings it.",
        name=error.name,
    ) from None

from fastmlp.deploy._onnx_graph import TEXT, Graph, Tensor
from fastmlp.deploy._onnx_steps import Blocks, add_steps

# ONNX Runtime reads them since 1.10, of 2021; nothing that a network needs came later.
OPSET, ML_OPSET, IR_VERSION = 15, 2, 8
ROWS = "n_samples"


def to_model(program: Program) -> onnx.ModelProto:
    """A program as an ONNX model.

    Parameters
    ----------
    program : Program

    Returns
    -------
    onnx.ModelProto
        Checked.

    Raises
    ------
    CannotFoldError
        If there is a part without an operator, labels that no tensor holds, or a column by the name of an output.
    """
    graph = Graph(program.dtype)
    blocks, inputs = _inputs(program)
    raw = graph.joined(add_steps(graph, program.steps, blocks))
    outputs = [_value(graph.named(*output), shape) for *output, shape in _outputs(graph, program, raw)]
    made = {name for node in graph.nodes for name in node.output} | {constant.name for constant in graph.constants}
    taken = made.intersection(tensor.name for tensor in inputs)
    if taken:
        raise CannotFoldError(
            f"A column is called {min(taken)!r}, as a result in the ONNX model is; rename it before the fit."
        )
    body = onnx.helper.make_graph(
        graph.nodes, "fastmlp", [_value(tensor, (tensor.width,)) for tensor in inputs], outputs, graph.constants
    )
    model = onnx.helper.make_model(
        body,
        producer_name="fastmlp",
        producer_version=__version__,
        opset_imports=[onnx.helper.make_opsetid("", OPSET), onnx.helper.make_opsetid("ai.onnx.ml", ML_OPSET)],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def _value(tensor, shape):
    return onnx.helper.make_tensor_value_info(
        tensor.name, onnx.helper.np_dtype_to_tensor_dtype(tensor.dtype), [ROWS, *shape]
    )


# What comes out.


def _outputs(graph, program, raw):
    """Results with their names and the shapes of a row."""
    decision = program.decision
    if decision.kind == "numbers":
        if len(decision.shape) < 2:
            return [(raw, "variable", (raw.width,))]
        return [(graph.node("Reshape", raw, np.array([0, *decision.shape])), "variable", decision.shape)]
    labels = add_labels(graph, decision, raw)
    row = (raw.width,) if decision.kind == "labels" else ()
    outputs = [(one, name, row) for one, name in zip(labels, _names("label", labels), strict=True)]
    if program.head is not None:
        shares = add_probabilities(graph, program, raw)
        names = _names("probabilities", shares)
        outputs += [(one, name, (one.width,)) for one, name in zip(shares, names, strict=True)]
    return [*outputs, (raw, "raw", (raw.width,))]


def _names(name, tensors):
    return [name] if len(tensors) == 1 else [f"{name}_{number}" for number in range(len(tensors))]


def add_probabilities(graph: Graph, program: Program, raw: Tensor) -> list[Tensor]:
    """Probabilities of raw outputs, of each target."""
    head = () if program.head is None else program.head
    return graph.split(graph.joined(add_steps(graph, head, (raw,))), program.decision.sizes)


def add_labels(graph: Graph, decision: Decision, raw: Tensor) -> list[Tensor]:
    """Labels of raw outputs, of each target.

    Parameters
    ----------
    graph : Graph
    decision : Decision
        Of any kind but "numbers".
    raw : Tensor

    Returns
    -------
    list of Tensor
        A label for each row; of several labels, a column of 0 and 1 for each.

    Raises
    ------
    CannotFoldError
        If the labels are neither words nor whole numbers.
    """
    if decision.kind in ("labels", "binary"):
        above = graph.cast(graph.node("Greater", raw, decision.threshold, dtype=bool), np.int64)
        if decision.kind == "labels":
            return [above]
        places = [graph.node("Reshape", above, np.array([-1]))]
    else:
        parts = graph.split(raw, decision.sizes)
        places = [graph.node("ArgMax", part, dtype=np.int64, width=1, axis=1, keepdims=0) for part in parts]
    tables = [graph.constant(as_labels(classes)) for classes in decision.classes]
    if decision.kind == "binary" and len(decision.classes[0]) == 1:
        places = [graph.node("Mul", places[0], np.array(0))]
    return [graph.node("Gather", table, place, width=1, axis=0) for table, place in zip(tables, places, strict=True)]


def as_labels(classes: np.ndarray) -> np.ndarray:
    """Words, or 64-bit integers, as converters of scikit-learn's classifiers have them.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    ndarray of shape (n_classes,)

    Raises
    ------
    CannotFoldError
        If they are neither words nor whole numbers.
    """
    if all(isinstance(label, str) for label in classes.tolist()):
        return classes
    if classes.dtype.kind in "biufO":
        try:
            whole = classes.astype(np.int64)
        except (TypeError, ValueError, OverflowError):
            whole = np.empty(0)
        if np.array_equal(whole, classes):
            return whole
    raise CannotFoldError(
        f"The labels are {classes[:3].tolist()} and the like, of which ONNX has no tensor; use words or whole numbers."
    )


# What goes in.


def _inputs(program: Program) -> tuple[Blocks, Blocks]:
    """The table as blocks, and what the model asks for: all of it, or the columns that it reads if some are words."""
    origins: list[int | None] = list(range(program.n_features))
    words: set[int | None] = set()
    read: set[int | None] = set()
    _trace(program.steps, origins, words, read)
    dtype = np.dtype("float64" if _needs_float64(program.steps) else program.dtype)
    if not words - {None}:
        table = (Tensor("X", dtype, program.n_features),)
        return table, table
    names = [f"x{number}" for number in origins] if program.feature_names is None else program.feature_names.tolist()
    columns = tuple(Tensor(name, TEXT if number in words else dtype, 1) for number, name in enumerate(names))
    return columns, tuple(column for number, column in enumerate(columns) if number in read)


def _trace(steps: Sequence[Step], origins: list[int | None], words: set[Any], read: set[Any]) -> list[int | None]:
    """Where columns behind the steps come from, None if they are computed; collects which are words, and are read."""
    for step in steps:
        if isinstance(step, Take):
            origins = [origins[column] for column in step.columns]
            continue
        if isinstance(step, Parallel):
            branches = [_trace(branch, origins, words, read) for branch in step.branches]
            origins = [None] * len(branches[0]) if step.weights else [one for branch in branches for one in branch]
            continue
        read.update(origins)
        if isinstance(step, Encode):
            words.update(one for one, labels in zip(origins, step.categories, strict=True) if _has_words(labels))
        if isinstance(step, Impute):
            words.update(one for one, value in zip(origins, step.values, strict=True) if isinstance(value, str))
        else:
            origins = [None] * step.n_outputs(len(origins))
    return origins


def _has_words(categories):
    return any(isinstance(category, str) for category in categories.tolist())


def _needs_float64(steps):
    """Whether float32 would lose what steps read: digits of a column far from 0, or what tells two categories apart."""
    for step in steps:
        if isinstance(step, Affine) and np.any(np.abs(step.shift - step.center * step.scale) > FAR_CENTER):
            return True
        if isinstance(step, Encode) and any(map(_are_one_in_float32, step.categories)):
            return True
        if isinstance(step, Parallel) and any(map(_needs_float64, step.branches)):
            return True
    return False


def _are_one_in_float32(categories):
    values = np.array([value for value in map(category_key, categories.tolist()) if isinstance(value, int | float)])
    return len(np.unique(values.astype(np.float32))) < len(values)
