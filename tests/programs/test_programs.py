"""What type checkers see of fastmlp is what there is; `.ci/types` runs them over the programs in this folder."""

import ast
import inspect
from pathlib import Path

import pytest

import fastmlp
import fastmlp.training
from fastmlp.estimators._parameters import SharedParameters

from . import classifier, network, regressor


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("program", [classifier, network, regressor], ids=lambda program: program.__name__)
def test_programs_run(program, capsys):
    program.main()
    assert capsys.readouterr().out


@pytest.mark.parametrize("estimator", [fastmlp.MLPClassifier, fastmlp.MLPRegressor, fastmlp.Perceptron])
def test_parameters_have_the_constructors_types(estimator):
    given = {name: parameter.annotation for name, parameter in inspect.signature(estimator).parameters.items()}
    declared = {}
    for part in estimator.__mro__:
        declared.update(inspect.get_annotations(part))
    assert {name: declared.get(name) for name in given} == given
    if estimator is not fastmlp.Perceptron:
        assert set(inspect.get_annotations(SharedParameters)) <= set(given)


@pytest.mark.parametrize("package", [fastmlp, fastmlp.training], ids=lambda package: package.__name__)
def test_names_imported_on_first_use_are_declared(package):
    """What `__getattr__` finds is imported for type checkers, so that these need not trust in it."""
    tree = ast.parse(Path(package.__file__).read_text())
    declared = next(node for node in tree.body if isinstance(node, ast.If))
    names = {node.asname or node.name for node in ast.walk(declared) if isinstance(node, ast.alias)}
    call = next(node for node in ast.walk(tree) if isinstance(node, ast.Call))
    lazy = {keyword.arg: eval(ast.unparse(keyword.value)) for keyword in call.keywords}
    assert names == {*lazy.get("names", ()), *lazy["modules"]}
