"""Docstrings as editors read them: from the source, without running it."""

import ast
import inspect
import re
from pathlib import Path

import pytest

import fastmlp
from fastmlp.activations import ACTIVATIONS
from fastmlp.training.optimizers import SOLVERS

ESTIMATORS = [fastmlp.MLPClassifier, fastmlp.MLPRegressor]
PACKAGE = Path(fastmlp.__file__).parent
# What an estimator's section "Parameters" or "Attributes" may have of its own.
OWN = {"loss", "label_smoothing", "class_weight", "classes_"}


def static_docstring(cls):
    """Of the class, as its source has it."""
    tree = ast.parse(Path(inspect.getsourcefile(cls)).read_text())
    (node,) = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == cls.__name__]
    return ast.get_docstring(node)


def entries(docstring, section):
    """Text of each entry of a section, by its names."""
    body = re.search(rf"^{section}\n-+\n(.*?)(?=^\w+\n-+\n|\Z)", docstring, re.MULTILINE | re.DOTALL)[1]
    parts = re.split(r"^(\w.*)\n", body, flags=re.MULTILINE)
    return {head: text.strip() for head, text in zip(parts[1::2], parts[2::2], strict=True)}


def names_of(head):
    return head.split(" : ")[0].split(", ")


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_every_parameter_is_in_the_source(cls):
    """Each once, with its default."""
    heads = entries(static_docstring(cls), "Parameters")
    documented = {name: head for head in heads for name in names_of(head)}
    signature = inspect.signature(cls).parameters
    assert sorted(name for head in heads for name in names_of(head)) == sorted(signature)
    for name, parameter in signature.items():
        defaults = re.search(r"default=(.*)$", documented[name])[1].split(" and ")
        place = names_of(documented[name]).index(name) if len(defaults) > 1 else 0
        assert ast.literal_eval(defaults[place]) == parameter.default


@pytest.mark.parametrize("section", ["Parameters", "Attributes"])
def test_what_estimators_share_is_described_alike(section):
    classifier, regressor = (
        {
            head: text
            for head, text in entries(static_docstring(cls), section).items()
            if not OWN.intersection(names_of(head))
        }
        for cls in ESTIMATORS
    )
    assert list(classifier.items()) == list(regressor.items())
    assert len(classifier) > 8


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_names_are_those_of_the_tables(cls):
    """Lists of names in the docstring are whole, and in the order of the tables."""
    heads = entries(static_docstring(cls), "Parameters")
    text = {name: f"{head}\n{text}" for head, text in heads.items() for name in names_of(head)}
    listed = re.search(r"Names are\s+([^.]*)\.", text["activation"])[1]
    assert re.split(r",\s+", listed) == [name for name, activation in ACTIVATIONS.items() if activation.trainable]
    assert re.search(r"{(.*)}", text["solver"])[1] == ", ".join(map(repr, [*SOLVERS, "lbfgs"]))
    for setting, marker in [("beta_1", "beta_1 in"), ("beta_2", "beta_2 in"), ("epsilon", r"\(S11\), in")]:
        listed = re.search(rf"{marker}\s+([^.;]*)", text[setting])[1]
        assert re.split(r",\s+", listed) == [name for name, kind in SOLVERS.items() if setting in kind.settings]


@pytest.mark.parametrize("name", fastmlp.__all__)
def test_docstrings_are_not_made_at_run_time(name):
    """What a public name says of itself is what its source says, so that editors show the same."""
    value = getattr(fastmlp, name)
    if not inspect.isclass(value) and not inspect.isfunction(value):
        return
    for one in [value, *(inspect.unwrap(part) for part in vars(value).values() if inspect.isfunction(part))]:
        if one.__doc__ is not None and PACKAGE in Path(inspect.getsourcefile(one)).parents:
            assert f'"""{one.__doc__}"""' in Path(inspect.getsourcefile(one)).read_text()
