"""What the comparison of predictions leaves behind: tables, a CSV file and a picture."""

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np

import fastmlp

from .. import report
from .libraries import LIBRARIES
from .predicting import Prepared, Turn

# Lines of fastmlp; the others are its peers.
FLOAT32 = ("fastmlp", "fastmlp, out=")
COMPACT = ("fastmlp, bfloat16", "fastmlp, int8")
COLORS = {
    "fastmlp": "#1f6fb4",
    "fastmlp, out=": "#17becf",
    "fastmlp, bfloat16": "#6baed6",
    "fastmlp, int8": "#9ecae1",
    "scikit-learn": "#e08214",
    "NumPy": "#fdb863",
    "Numba": "#8c6d31",
    "ONNX Runtime": "#7b3294",
    "ONNX Runtime, bound": "#c2a5cf",
    "LiteRT": "#d6006c",
    "LiteRT, bound": "#f4a6c8",
    "OpenVINO": "#777777",
    "PyTorch": "#c0282d",
    "PyTorch, traced": "#e7969c",
    "JAX": "#5a9e6f",
    "mlpfile": "#111111",
}


class Measured(NamedTuple):
    """What one library did in one case."""

    prepared: Prepared
    turns: list[Turn]

    @property
    def median(self):
        return float(np.median([turn.mean for turn in self.turns]))

    def percentiles(self):
        """p50 and p99 of all calls that were timed one by one."""
        return np.percentile(np.concatenate([turn.single for turn in self.turns]), [50, 99])


class Row(NamedTuple):
    """One case in numbers: medians of rounds, and the best peer's to fastmlp's two lines."""

    medians: dict[str, float]
    best: str
    ratio: float
    ratio_out: float


def row(by_library):
    medians = {library: measured.median for library, measured in by_library.items()}
    peers = {library: time for library, time in medians.items() if library not in FLOAT32 + COMPACT}
    best = min(peers, key=peers.get)
    return Row(medians, best, *(_ratio(by_library, best, ours) for ours in FLOAT32))


def _ratio(by_library, peer, ours):
    """Rounds are pairs: the ratio of each, and then their median."""
    pairs = zip(by_library[peer].turns, by_library[ours].turns, strict=True)
    return float(np.median([theirs.mean / mine.mean for theirs, mine in pairs]))


def name(case):
    return f"{case[0]}, {case[1]:,} row{'s' * (case[1] > 1)}"


def line(case, by_library):
    """A case, to be read while the others are measured."""
    found = row(by_library)
    ours = ", ".join(
        f"{library} {found.medians[library]:.4g}" for library in FLOAT32 + COMPACT if library in by_library
    )
    return (
        f"{name(case):34} us: {ours}; best peer {found.best} {found.medians[found.best]:.4g}; "
        f"ratio {found.ratio:.2f}, with out= {found.ratio_out:.2f}"
    )


def markdown(results, differences, versions, n_rounds):
    """The page of the comparison."""
    rows = {case: row(by_library) for case, by_library in results.items()}
    libraries = [library for library in LIBRARIES if any(library in by_library for by_library in results.values())]
    parts = [
        "# Predictions of fastmlp beside other libraries",
        _method(n_rounds),
        _table(rows, libraries),
        _losses(rows),
        "![Times as long as fastmlp takes](pictures/peers-inference.png)",
        _single(results, libraries),
        _compact(differences),
        "## What each library does",
        _libraries(),
        f"Machine: {report.machine()}. Versions: fastmlp {fastmlp.__version__}, "
        + ", ".join(f"{package} {version}" for package, version in versions.items())
        + ".",
        "The machine may be shared with others, so figures move by some percent. All rounds, with the threads that "
        "each library took, are in [peers-inference.csv](peers-inference.csv). `python -m peers.inference`, in "
        "`asv_benchmarks`, measures them again.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _method(n_rounds):
    return (
        f"Microseconds a call from Python, float32; medians of {n_rounds} alternating rounds in one run. Each library "
        "has a process of its own, and takes one thread or all CPUs, whichever is faster.\n\n"
        "All compute the same function, from the weights of one fastmlp model: ReLU layers, then softmax, or the "
        "number itself for the regressor 50-256-256-256-1. With two classes, fastmlp has one logistic output and gives "
        "two columns; the others have two outputs, the first of them 0, and softmax. Before it is timed, each library "
        "has to agree with fastmlp's `predict_proba` or `predict` to 1e-5, compact weights aside.\n\n"
        "A ratio is the best peer's time divided by fastmlp's, median over the rounds; above 1 fastmlp is faster. The "
        "first is of calls that return a new array, the second of calls with `out=`. The best peer is the same for "
        "both, with bound buffers or without."
    )


def _table(rows, libraries):
    lines = [
        f"| network, rows | {' | '.join(libraries)} | best peer | ratio | ratio with out= |",
        f"| --- |{' ---: |' * len(libraries)} --- | ---: | ---: |",
    ]
    for case, found in rows.items():
        times = " | ".join(_cell(found.medians, library, "{:.4g}".format) for library in libraries)
        lines.append(f"| {name(case)} | {times} | {found.best} | {found.ratio:.2f} | {found.ratio_out:.2f} |")
    return "\n".join(lines)


def _cell(values, library, text):
    return text(values[library]) if library in values else "-"


def _losses(rows):
    lost = [f"{name(case)} ({each.best}: {each.ratio:.2f})" for case, each in rows.items() if each.ratio < 1]
    lost_out = [
        f"{name(case)} ({each.best}: {each.ratio_out:.2f})" for case, each in rows.items() if each.ratio_out < 1
    ]
    if not lost and not lost_out:
        return "fastmlp is the fastest on every row."
    return (
        f"fastmlp loses {len(lost)} of {len(rows)} rows without `out=`: {'; '.join(lost) or 'none'}. "
        f"It loses {len(lost_out)} with `out=`: {'; '.join(lost_out) or 'none'}."
    )


def _single(results, libraries):
    """The calls of single rows, in percentiles."""
    single = {case: by_library for case, by_library in results.items() if case[1] == 1}
    if not single:
        return ""
    lines = [
        "## Single rows",
        "",
        "Microseconds, p50 / p99 of 100,000 calls, or of as many as fit into half a second a round. Each call is timed "
        "by itself, so the clock's own time, some 0.05 microseconds, is in it.",
        "",
        f"| network | {' | '.join(libraries)} |",
        f"| --- |{' ---: |' * len(libraries)}",
    ]
    for case, by_library in single.items():
        values = {library: measured.percentiles() for library, measured in by_library.items()}
        cells = (_cell(values, library, lambda pair: "{:.3g} / {:.3g}".format(*pair)) for library in libraries)
        lines.append(f"| {case[0]} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _compact(differences):
    if not differences:
        return ""
    found = "; ".join(f"{network}, {library}: {value:.1e}" for (network, library), value in differences.items())
    return (
        'With `weights="bfloat16"` and `"int8"`, single rows read rounded weights of layers that have 16,384 or more. '
        f"The largest differences of outputs from float32, over 1,000 random rows: {found}."
    )


def _libraries():
    return "\n".join(
        [
            "- fastmlp: `est.compile()`, `predict_one(x)` for a row and `p(X)` for several; `out=` writes into "
            "an array.",
            "- scikit-learn: `predict_proba` or `predict` of `est.to_sklearn()`.",
            "- NumPy and Numba: written by hand, into arrays that are there; Numba with loops or `np.dot`, whichever "
            "is faster.",
            "- ONNX Runtime: `session.run`; bound: `run_with_iobinding`, with input and output bound once.",
            "- LiteRT: `set_tensor`, `invoke`, `get_tensor`, with XNNPACK, model by TensorFlow's converter; bound: "
            "`invoke` alone, with the rows in its own memory, and a view of its outputs.",
            "- OpenVINO: the ONNX model in float32, latency hint, input and output bound once.",
            "- PyTorch: inference mode, from a tensor to a tensor; traced: `torch.jit.trace` and `freeze`.",
            "- JAX: a jitted function with the weights in it, from an array of its own to one.",
            "- mlpfile: `Model.forward`, one row only. It has no softmax and ends with logits, which is less work.",
            "",
            "Peers with bound buffers find the rows there; nothing copies them, as it would for rows that arrive.",
        ]
    )


def write_csv(results, path: Path):
    """Every round of every library."""
    columns = ["network", "rows", "library", "settings", "difference", "round", "microseconds", "p50", "p99"]
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for (network, n_rows), by_library in results.items():
            for library, (prepared, turns) in by_library.items():
                settings = " ".join(f"{key}={value}" for key, value in prepared.variant.items())
                start = [network, n_rows, library, settings, f"{prepared.difference:.1e}"]
                for number, turn in enumerate(turns, 1):
                    single = (
                        [f"{each:.5g}" for each in np.percentile(turn.single, [50, 99])] if turn.single.size else []
                    )
                    writer.writerow([*start, number, f"{turn.mean:.5g}", *single, *[""] * (2 - len(single))])


def draw(results, path: Path):
    """How many times as long as fastmlp each library takes."""
    report.draw({name(case): row(by_library).medians for case, by_library in results.items()}, COLORS, path)
