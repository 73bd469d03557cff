"""The .pyi files say what the compiled modules have."""

import ast
import inspect
from importlib import import_module
from pathlib import Path

import pytest

import fastmlp._core

STUBS = sorted(Path(fastmlp._core.__file__).parent.glob("*.pyi"))


def parameters(stub):
    """[(name, whether it has a default)] of a function in a stub."""
    arguments = stub.args.posonlyargs + stub.args.args
    n_required = len(arguments) - len(stub.args.defaults)
    return [(argument.arg, place >= n_required) for place, argument in enumerate(arguments)]


def check_function(function, stub):
    signature = inspect.signature(function)
    assert [
        (name, parameter.default is not parameter.empty) for name, parameter in signature.parameters.items()
    ] == parameters(stub)


def check_class(compiled, stub):
    listed = set()
    for node in stub.body:
        if isinstance(node, ast.AnnAssign):
            listed.add(node.target.id)
            assert inspect.isgetsetdescriptor(getattr(compiled, node.target.id)) or inspect.ismemberdescriptor(
                getattr(compiled, node.target.id)
            )
        elif isinstance(node, ast.FunctionDef):
            listed.add(node.name)
            if node.decorator_list:
                assert inspect.isgetsetdescriptor(getattr(compiled, node.name))
            elif not node.name.startswith("__"):  # whose signatures are hidden
                check_function(getattr(compiled, node.name), node)
    public = {name for name in vars(compiled) if not name.startswith("_")}
    assert public <= listed


@pytest.mark.parametrize("path", STUBS, ids=lambda path: path.stem)
def test_stubs(path):
    module = import_module(f"fastmlp._core.{path.stem}")
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            check_function(getattr(module, node.name), node)
        elif isinstance(node, ast.ClassDef):
            check_class(getattr(module, node.name), node)
        elif isinstance(node, ast.AnnAssign):
            assert hasattr(module, node.target.id)


def test_every_name_that_python_imports_has_a_stub():
    root = Path(fastmlp.__file__).parent
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fastmlp._core."):
                text = (root / "_core" / f"{node.module.rsplit('.', 1)[1]}.pyi").read_text()
                stubbed = {getattr(part, "name", None) for part in ast.parse(text).body}
                assert {alias.name for alias in node.names} <= stubbed, path
