"""A program as the text of a C file and its header."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fastmlp._version import __version__
from fastmlp.deploy.c._products import SETTINGS
from fastmlp.deploy.c._steps import KERNELS, Body, Constants, Rows
from fastmlp.deploy.c._text import comment, named, number, string
from fastmlp.runtime._simplify import simplified
from fastmlp.runtime.program import Decision, Program
from fastmlp.runtime.steps import n_outputs_of

# Rows that are passed through the network together, and the most bytes that they may take on the stack.
MOST_ROWS = 32
MOST_BYTES = 65536


class Sources(NamedTuple):
    """Text of the two files."""

    source: str
    header: str


class Signature(NamedTuple):
    """A prediction, as a function of a row and one of many rows.

    Attributes
    ----------
    name : str
        Behind the model's.
    kind : {"float", "int"}
        Of its results.
    width : int
        Results of a row.
    calls : list of str
        Lines that make them.
    comment : str
    returns : bool
        Whether the function of a row returns its only result.
    """

    name: str
    kind: str
    width: int
    calls: list[str]
    comment: str
    returns: bool = False

    def row(self) -> str:
        """Of one row."""
        if self.returns:
            return f"{self.kind} @_{self.name}(const float *x)"
        return f"void @_{self.name}(const float *x, {self.kind} *out)"

    def rows(self) -> str:
        """Of many rows."""
        return f"void @_{self.name}_rows(const float *x, size_t n_rows, {self.kind} *out)"


def sources_of(program: Program, stem: str, weights: str, notes: Sequence[str] = ()) -> Sources:
    """A program in C.

    Parameters
    ----------
    program : Program
    stem : str
        Name of the files, with which all names in them begin.
    weights : {"float32", "int8"}
    notes : sequence of str
        Sentences for the header.

    Returns
    -------
    Sources

    Raises
    ------
    ValueError
        If there is a step that C cannot do.
    """
    model = _Model(program, weights)
    source, header = _source(model), _header(model, notes)
    return Sources(named(source, stem), named(header, stem))


class _Model:
    """What both files are written from."""

    def __init__(self, program, weights):
        names = program.feature_names
        self.program, self.weights, self.constants = program, weights, Constants(weights)
        steps, head = simplified(program.steps, "float32"), simplified(program.head or (), "float32")
        self.n_raw = n_outputs_of(steps, program.n_features)
        self.n_outputs = n_outputs_of(head, self.n_raw)
        table = Rows("x", program.n_features, writable=False, columns=tuple(range(program.n_features)))
        self.steps = Body(self.constants, str if names is None else lambda column: repr(names[column].item()))
        self.steps.chain(steps, table, Rows("out", self.n_raw))
        self.head = Body(self.constants)
        if head:
            self.head.chain(head, Rows("x", self.n_raw, writable=False), Rows("out", self.n_outputs))
        self.n_scratch = max(self.steps.n_scratch, self.head.n_scratch, 1)
        self.row_bytes = 4 * (self.n_scratch + self.n_raw)
        self.block = max(1, min(MOST_ROWS, MOST_BYTES // self.row_bytes))
        self.block -= self.block % 8 if self.block > 8 else 0
        self.signatures = _signatures(self, bool(head))


def _signatures(model, has_head):
    """All predictions of a model, and the lines that make them of `x`, with #N for the number of rows."""
    decision, n_raw = model.program.decision, model.n_raw
    direct, to_raw = ["@_steps(x, #N, scratch, out);"], "@_steps(x, #N, scratch, raw);"
    if decision.kind == "numbers":
        levels = f", {decision.shape[1]} for each of {decision.shape[0]} targets" if len(decision.shape) > 1 else ""
        return [Signature("predict", "float", n_raw, direct, f"The prediction{levels}")]
    made = [Signature("predict_raw", "float", n_raw, direct, _scores(decision))]
    if model.program.head is not None:
        lines = [to_raw, "@_head(raw, #N, scratch, out);"] if has_head else direct
        made.append(
            Signature("predict_proba", "float", model.n_outputs, lines, "Probabilities of the classes in order")
        )
    lines = [to_raw, *_decision(model.constants, decision, n_raw)]
    if decision.kind == "labels":
        return [*made, Signature("predict", "int", n_raw, lines, f"1 for each label that is predicted, else 0; {NAN}")]
    if decision.kind == "targets":
        text = f"The place of each target's class in its list; {NAN}"
        return [*made, Signature("predict", "int", len(decision.classes), lines, text)]
    return [*made, Signature("predict", "int", 1, lines, f"The place of the class in @_classes; {NAN}", returns=True)]


def _scores(decision):
    if decision.kind == "binary":
        return f"The score of the second class, which is predicted above {number(decision.threshold)}"
    return "Scores of the labels" if decision.kind == "labels" else "Scores of the classes, of which the largest wins"


NAN = "-1 where the outputs are NaN"


def _decision(constants, decision, n_raw):
    """Lines that write numbers of classes to `out`."""
    if decision.kind in ("binary", "labels"):
        constants.use("above")
        only_class = decision.kind == "binary" and len(decision.classes[0]) == 1
        return [f"@_above(raw, #N * {n_raw}, {number(np.inf if only_class else decision.threshold)}, out);"]
    constants.use("largest")
    lines, place, sizes = [], 0, decision.sizes or (n_raw,)
    for target, size in enumerate(sizes):
        lines.append(
            f"@_largest(raw + {place}, #N, {n_raw}, {size}, out + {target}, {len(sizes)});".replace(" + 0", "")
        )
        place += size
    return lines


# The header.


def _header(model, notes):
    program = model.program
    lines = [
        "/* @.h: predictions of a model that was trained in Python by fastmlp " + __version__ + ".",
        " *",
        *(f" * {comment(line)}" for line in (*_description(program, model.weights), *notes)),
        " *",
        " * Compile: cc -std=c99 -O3 -c @.c (-march=native if it runs where it is compiled); link with -lm.",
        " * Any number of threads may call the functions at once: they write to `out` and the stack only. For one row",
        " * they take @@_STACK_BYTES of the stack, for many @@_ROWS_STACK_BYTES; what they call takes up to 2000 more.",
        " */",
        "#ifndef @@_H",
        "#define @@_H",
        "",
        "#include <stddef.h>",
        "",
        "#ifdef __cplusplus",
        'extern "C" {',
        "#endif",
        "",
        f"#define @@_N_FEATURES {program.n_features} /* numbers in a row x */",
        f"#define @@_N_OUTPUTS {model.n_outputs} /* {_OUTPUTS[program.head is not None]} of a row */",
        f"#define @@_STACK_BYTES {model.row_bytes}",
        f"#define @@_ROWS_STACK_BYTES {model.block * model.row_bytes}",
        *_features(program.feature_names),
        *_declared_classes(program.decision),
    ]
    for signature in model.signatures:
        size = "" if signature.returns else f" In `out`: {signature.width} for each row."
        lines += ["", f"/* {signature.comment}.{size} */", f"{signature.row()};", f"{signature.rows()};"]
    return "\n".join([*lines, "", "#ifdef __cplusplus", "}", "#endif", "", "#endif", ""])


_OUTPUTS = {True: "probabilities", False: "numbers"}


def _description(program, weights):
    summary = program.summary
    lines = []
    if "estimator" in summary:
        lines.append(
            f"Model: {summary['estimator']}" + (f" of {summary['members']} members" if "members" in summary else "")
        )
    if "sizes" in summary:
        sizes = "-".join(map(str, summary["sizes"]))
        activations = ", ".join(dict.fromkeys(map(str, summary.get("activations", ()))))
        lines.append(f"Network: {sizes}, {activations}, and {summary.get('out_activation')} for the output.")
    lines.append("Steps: " + ", ".join(type(step).__name__ for step in (*program.steps, *(program.head or ()))) + ".")
    lines.append(f"Weights: {weights}; everything else is computed in float32.")
    return lines


def _features(names):
    if names is None:
        return []
    return [
        "",
        "/* Features of a row:",
        *(f" * x[{place}]: {comment(name)}" for place, name in enumerate(names)),
        " */",
    ]


def _declared_classes(decision):
    lists = [
        f"extern const char *const @_{name}[{len(labels)}]; /* {comment(', '.join(map(str, labels)))} */"
        for name, labels in _class_lists(decision)
    ]
    return ["", "/* Names of the classes, in UTF-8. */", *lists] if lists else []


def _class_lists(decision: Decision) -> list[tuple[str, np.ndarray]]:
    if decision.kind == "targets":
        return [(f"classes_{target}", labels) for target, labels in enumerate(decision.classes)]
    return [("classes", labels) for labels in decision.classes]


# The C file.


def _source(model):
    parts = [
        "/* @.c: @.h says what it is and how to compile it. fastmlp has written it; change the model instead. */",
        '#include "@.h"\n\n#include <math.h>\n#include <string.h>\n',
        LANGUAGE,
        *([SETTINGS] if any("_TILE" in text or "_VECTORS" in text for text in _used(model)) else []),
        *model.constants.texts,
        *_defined_classes(model.program.decision),
        *_used(model),
        _function("steps", "All rows of x to raw outputs.", model.steps),
    ]
    if model.head.lines:
        parts.append(_function("head", "Raw outputs, x here, to probabilities.", model.head))
    for signature in model.signatures:
        parts += _public(model, signature)
    return "\n".join(parts)


LANGUAGE = """#ifdef __FAST_MATH__
#error "Compile without -ffast-math, which takes away NaN and the order of sums that exp needs."
#endif
#if defined(__GNUC__) || defined(_MSC_VER)
#define @@_RESTRICT __restrict
#elif defined(__cplusplus)
#define @@_RESTRICT
#else
#define @@_RESTRICT restrict
#endif
#if defined(__GNUC__)
#define @@_ALIGNED __attribute__((aligned(64)))
#else
#define @@_ALIGNED
#endif
"""


def _used(model):
    return [KERNELS[name].text for name in model.constants.used]


def _defined_classes(decision):
    return [
        f"const char *const @_{name}[{len(labels)}] = {{{', '.join(string(str(label)) for label in labels)}}};\n"
        for name, labels in _class_lists(decision)
    ]


def _function(name, text, body):
    lines = "\n".join(f"  {line}" for line in body.text())
    return f"/* {text} */\nstatic void @_{name}(const float *x, int n, float *scratch, float *out) {{\n{lines}\n}}\n"


def _public(model, signature):
    """The functions of a row and of many rows."""
    n, block = model.n_scratch, model.block
    raw = any("raw" in line for line in signature.calls)
    sizes = [f"scratch[{n}]" + (f", raw[{model.n_raw}]" if raw else "")]
    sizes.append(f"scratch[{block * n}]" + (f", raw[{block * model.n_raw}]" if raw else ""))
    of_row = [line.replace("#N", "1") for line in signature.calls]
    if signature.returns:
        of_row = ["int result;", *(line.replace("out", "&result") for line in of_row), "return result;"]
    of_rows = [
        "while (n_rows > 0) {",
        f"  const int n = n_rows < {block} ? (int)n_rows : {block};",
        *("  " + line.replace("#N", "n") for line in signature.calls),
        f"  x += n * {model.program.n_features};",
        f"  out += n * {signature.width};",
        "  n_rows -= (size_t)n;",
        "}",
    ]
    return [
        f"{head} {{\n" + "".join(f"  {line}\n" for line in (f"float {size};", *lines)) + "}\n"
        for head, size, lines in zip((signature.row(), signature.rows()), sizes, (of_row, of_rows), strict=True)
    ]
