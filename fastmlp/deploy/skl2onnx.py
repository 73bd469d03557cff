"""Importing this module tells ``skl2onnx`` of fastmlp's estimators.

Pipelines, searches and ensembles with them are then converted as any of scikit-learn's. As with scikit-learn's own
``MLPClassifier``, the options are ``zipmap``, ``output_class_labels`` and ``nocl``; a classifier without probabilities
has its decision values in their place, of both classes where there are two.

>>> import numpy as np
>>> import skl2onnx
>>> import fastmlp.deploy.skl2onnx
>>> from fastmlp import MLPClassifier
>>> from sklearn.pipeline import make_pipeline
>>> from sklearn.preprocessing import StandardScaler
>>> X = np.linspace(-1, 1, 40, dtype=np.float32).reshape(20, 2)
>>> pipeline = make_pipeline(StandardScaler(), MLPClassifier((), solver="lbfgs")).fit(X, X[:, 0] > 0)
>>> model = skl2onnx.to_onnx(pipeline, X[:1], options={"zipmap": False})
>>> [output.name for output in model.graph.output]
['label', 'probabilities']
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

try:
    from onnx import helper, numpy_helper
    from skl2onnx import update_registered_converter
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, Int64TensorType, StringTensorType
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "fastmlp.deploy.skl2onnx is for the skl2onnx library, which is not installed; pip install skl2onnx brings it.",
        name=error.name,
    ) from None

from fastmlp.deploy._errors import CannotFoldError
from fastmlp.deploy._onnx import add_labels, add_probabilities, as_labels
from fastmlp.deploy._onnx_graph import Graph, Tensor
from fastmlp.deploy._onnx_steps import add_steps
from fastmlp.deploy._programs import program_of
from fastmlp.estimators.classifier import MLPClassifier
from fastmlp.estimators.regressor import MLPRegressor
from fastmlp.runtime.program import Program
from fastmlp.runtime.steps import n_outputs_of

__all__: list[str] = []

LEAST_OPSET = 13  # operators of earlier ones take what are inputs here as attributes
OPTIONS = {"zipmap": [True, False, "columns"], "output_class_labels": [False, True], "nocl": [True, False]}


def _program(operator):
    """The model's program, in the dtype of its rows."""
    double = isinstance(operator.inputs[0].type, DoubleTensorType)
    program = replace(program_of(operator.raw_operator), dtype="float64" if double else "float32")
    if program.decision.kind == "targets":
        raise CannotFoldError(
            "The classifier has several targets with classes of their own, for which skl2onnx has no outputs; use "
            "to_onnx() of fastmlp."
        )
    if operator.scope_inst.get_options(operator.raw_operator, {"nocl": False}, fail=False)["nocl"]:
        (classes,) = program.decision.classes
        program = replace(program, decision=replace(program.decision, classes=(np.arange(len(classes)),)))
    return program


def _numbers_type(program, shape):
    return (DoubleTensorType if program.dtype == "float64" else FloatTensorType)(shape)


def _classifier_shapes(operator: Any) -> None:
    program = _program(operator)
    n_rows, (classes,) = operator.inputs[0].get_first_dimension(), program.decision.classes
    row = [len(classes)] if program.decision.kind == "labels" else []
    is_text = np.asarray(as_labels(classes)).dtype.kind != "i"
    operator.outputs[0].set_type((StringTensorType if is_text else Int64TensorType)([n_rows, *row]))
    operator.outputs[1].set_type(_numbers_type(program, [n_rows, len(classes)]))


def _regressor_shapes(operator: Any) -> None:
    program = _program(operator)
    n_outputs = n_outputs_of(program.steps, program.n_features)
    operator.outputs[0].set_type(_numbers_type(program, [operator.inputs[0].get_first_dimension(), n_outputs]))


def _convert_classifier(scope: Any, operator: Any, container: Any) -> None:
    program = _program(operator)
    graph, raw = _network(scope, operator, container, program)
    (label,) = add_labels(graph, program.decision, raw)
    shares = add_probabilities(graph, program, raw)[0] if program.head is not None else _scores(graph, program, raw)
    _finish(graph, container, [label, shares], operator.outputs)


def _convert_regressor(scope: Any, operator: Any, container: Any) -> None:
    graph, raw = _network(scope, operator, container, _program(operator))
    _finish(graph, container, [raw], operator.outputs)


def _network(scope, operator, container, program: Program):
    """Raw outputs, and the graph that makes them of the rows."""
    opset = container.target_opset_any_domain("")
    if opset < LEAST_OPSET:
        raise CannotFoldError(f"target_opset is {opset}; pass {LEAST_OPSET} or later.")
    graph = Graph(program.dtype, scope.get_unique_variable_name)
    kinds = ((DoubleTensorType, np.float64), (FloatTensorType, np.float32))
    dtype = next((dtype for kind, dtype in kinds if isinstance(operator.inputs[0].type, kind)), np.int64)
    rows = Tensor(operator.inputs[0].full_name, np.dtype(dtype), program.n_features)
    return graph, graph.joined(add_steps(graph, program.steps, (graph.cast(rows, program.dtype),)))


def _scores(graph, program, raw):
    """Decision values, as linear models have them: of both classes where there are two."""
    scores = graph.node("Sub", raw, program.decision.threshold)
    return scores if raw.width > 1 else graph.joined([graph.node("Neg", scores), scores])


def _finish(graph: Graph, container: Any, results: Sequence[Tensor], outputs: Sequence[Any]) -> None:
    """Give the results their names, and the nodes to the container."""
    for result, output in zip(results, outputs, strict=True):
        graph.named(result, output.full_name)
    for constant in graph.constants:
        values = numpy_helper.to_array(constant)
        container.add_initializer(constant.name, constant.data_type, values.shape, values.ravel())
    for node in graph.nodes:
        attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        container.add_node(
            node.op_type, list(node.input), list(node.output), op_domain=node.domain, name=node.name, **attributes
        )


update_registered_converter(
    MLPClassifier, "FastmlpMLPClassifier", _classifier_shapes, _convert_classifier, options=OPTIONS
)
update_registered_converter(MLPRegressor, "FastmlpMLPRegressor", _regressor_shapes, _convert_regressor)
