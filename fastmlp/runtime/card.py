"""What is in a model file, as text for people."""

import os
from collections.abc import Iterator

import numpy as np

from fastmlp.runtime.files import read
from fastmlp.runtime.program import Program
from fastmlp.runtime.steps import Activate, Affine, Dense, Embed, Encode, Impute, Parallel, Step, Take

# More names, classes or steps than these are counted only.
MOST_SHOWN = 12
# Of the first column.
WIDTH = 18


def card(path: str | os.PathLike[str]) -> str:
    """What a model file holds: its inputs, steps, outputs, and what is known of the training.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    str
        Lines of text.

    Raises
    ------
    ModelFileError, OSError
        As for `fastmlp.load`.

    Examples
    --------
    >>> import os, tempfile
    >>> import fastmlp
    >>> from fastmlp.runtime.card import card
    >>> model = fastmlp.MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0).fit([[0.0], [1.0]], [0.0, 2.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(os.path.join(folder, "model.safetensors"))
    ...     print(card(os.path.join(folder, "model.safetensors")).splitlines()[1])
    inputs            1 feature, float64
    """
    program = read(path)
    lines = [
        f"{os.fspath(path)} ({os.stat(path).st_size:,} bytes)",
        f"{'inputs':<{WIDTH}}{_counted(program.n_features, 'feature')}, {program.dtype}{_names(program)}",
        *_steps(program.steps),
        *([] if program.head is None else ["head", *_steps(program.head)]),
        f"{'outputs':<{WIDTH}}{_outputs(program)}",
        *(f"{name.rstrip('_'):<{WIDTH}}{_value(value)}" for name, value in program.summary.items()),
    ]
    # A file from elsewhere may hold what a terminal would obey.
    return "\n".join(line if line.isprintable() else ascii(line)[1:-1] for line in lines)


def _counted(n, what):
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _shown(values):
    shown = ", ".join(str(value) for value in values[:MOST_SHOWN])
    return shown + (", ..." if len(values) > MOST_SHOWN else "")


def _names(program: Program) -> str:
    return "" if program.feature_names is None else f": {_shown(program.feature_names.tolist())}"


def _outputs(program: Program) -> str:
    decision = program.decision
    if decision.kind == "numbers":
        return "a number" if not decision.shape else f"numbers, {' x '.join(map(str, decision.shape))}"
    classes = "; ".join(_shown(labels.tolist()) for labels in decision.classes)
    what = {"labels": "labels", "targets": "classes of several targets"}.get(decision.kind, "classes")
    return f"{what} {classes}"


def _steps(steps: tuple[Step, ...], indent: int = 2) -> Iterator[str]:
    for step in steps:
        yield f"{' ' * indent}{type(step).__name__.lower():<{WIDTH - indent}}{_detail(step)}".rstrip()
        if isinstance(step, Parallel):
            for branch in step.branches[:MOST_SHOWN]:
                yield from _steps(branch, indent + 2)


def _detail(step):
    if isinstance(step, Dense):
        return f"{step.weights.shape[0]:,} x {step.weights.shape[1]:,}, {step.weights.dtype}"
    if isinstance(step, Activate):
        return step.kernel + (f" of groups of {', '.join(map(str, step.groups))}" if step.groups else "")
    if isinstance(step, Take):
        return f"columns {_shown(step.columns.tolist())}"
    if isinstance(step, Encode):
        kind = "one-hot, " if step.one_hot else ""
        return f"{kind}categories: {sum(map(len, step.categories)):,}"
    if isinstance(step, Affine | Impute):
        return _counted(len(step.scale if isinstance(step, Affine) else step.values), "column")
    if isinstance(step, Embed):
        return _counted(len(step.tables), "table")
    if isinstance(step, Parallel):
        return f"branches: {len(step.branches)}"
    return ""


def _value(value):
    if isinstance(value, float):
        return f"{value:.6g}"
    return _shown(list(value)) if isinstance(value, tuple | list | np.ndarray) else str(value)
