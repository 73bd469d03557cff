"""What a comparison leaves behind: a table, a CSV file and a picture."""

import csv
import os
import platform
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

import fastmlp
from fastmlp._core import _config

COLORS = {
    "fastmlp": "#1f6fb4",
    "scikit-learn": "#e08214",
    "PyTorch eager": "#c0282d",
    "torch.compile": "#e7969c",
    "JAX": "#5a9e6f",
}


def machine():
    """CPU, kernels and CPUs, in a line."""
    with open("/proc/cpuinfo") as lines:
        cpu = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return f"{cpu}, {len(os.sched_getaffinity(0))} CPUs, fastmlp's {_config.chosen_isa()} kernels"


def summary(results):
    """One dict a case: medians, the best peer, and fastmlp's ratios to it and to scikit-learn."""
    rows = []
    for case, by_library in results.items():
        medians = {library: float(np.median(times)) for library, times in by_library.items()}
        peers = {library: time for library, time in medians.items() if library != "fastmlp"}
        best = min(peers, key=peers.get)
        # Rounds are pairs: the ratio of each, and then their median.
        ratios = np.array(by_library[best]) / np.array(by_library["fastmlp"])
        rows.append(
            {
                "case": case,
                "medians": medians,
                "best": best,
                "ratio": float(np.median(ratios)),
                "range": (float(ratios.min()), float(ratios.max())),
                "to_sklearn": float(np.median(np.array(by_library["scikit-learn"]) / by_library["fastmlp"])),
            }
        )
    return rows


def markdown(results, versions, n_rounds):
    """The page of the comparison."""
    libraries = list(next(iter(results.values())))
    rows = summary(results)
    lost = [row for row in rows if row["ratio"] < 1]
    lines = [
        "# fastmlp beside other libraries",
        "",
        "Microseconds a training step, whole epochs with shuffling, float32, Adam unless named otherwise; medians of "
        f"{n_rounds} alternating rounds in one run, each library in a process of its own. Ratios are medians over the "
        "rounds of the best peer's time divided by fastmlp's; above 1 fastmlp is faster.",
        "",
        f"| network | {' | '.join(libraries)} | best peer | ratio to it | from, to | ratio to scikit-learn |",
        f"| --- |{' ---: |' * len(libraries)} --- | ---: | ---: | ---: |",
    ]
    for row in rows:
        times = " | ".join(f"{row['medians'][library]:.4g}" for library in libraries)
        low, high = row["range"]
        lines.append(
            f"| {row['case']} | {times} | {row['best']} | {row['ratio']:.2f} | {low:.2f}, {high:.2f} | "
            f"{row['to_sklearn']:.1f} |"
        )
    losses = ", ".join(f"{row['case']} ({row['best']} takes {row['ratio']:.2f} of its time)" for row in lost)
    lines += [
        "",
        f"fastmlp loses: {losses}." if lost else "fastmlp is the fastest on every row.",
        "",
        "![Times faster than each library](pictures/peers.png)",
        "",
        f"Machine: {machine()}. Versions: fastmlp {fastmlp.__version__}, "
        + ", ".join(f"{name} {version}" for name, version in versions.items())
        + ".",
        "",
        "PyTorch runs with one thread or with all, whichever was faster, and its fused optimizers; JAX runs a whole "
        "epoch as one jitted scan; a sparse X is an embedding bag for PyTorch and a gather for JAX. The machine is "
        "shared with others, so figures move by some percent. All times are in [peers.csv](peers.csv); "
        "`python -m peers`, in `asv_benchmarks`, measures them again.",
    ]
    return "\n".join(lines) + "\n"


def write_csv(results, path: Path):
    """Every time of every round."""
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["case", "library", "round", "microseconds_a_step"])
        for case, by_library in results.items():
            for library, times in by_library.items():
                writer.writerows([case, library, number, f"{time:.5g}"] for number, time in enumerate(times, 1))


def draw(medians, colors, path: Path):
    """How many times as long as fastmlp each library takes in each case, on a logarithmic axis.

    `medians` are times, {case: {library: time}}, and `colors` those of all libraries.
    """
    figure = Figure(figsize=(9, 0.55 * len(medians) + 1.4), layout="constrained")
    axes = figure.subplots()
    others = [library for library in colors if library != "fastmlp"]
    for number, by_library in enumerate(medians.values()):
        ratios = {library: by_library[library] / by_library["fastmlp"] for library in others if library in by_library}
        axes.plot([min(ratios.values()), max(ratios.values())], [number] * 2, color="#cccccc", zorder=1)
        for library, ratio in ratios.items():
            axes.scatter(ratio, number, s=60, color=colors[library], zorder=2)
    axes.axvline(1, color=colors["fastmlp"], linewidth=2)
    axes.text(1, -0.75, "fastmlp", color=colors["fastmlp"], ha="center", va="bottom")
    axes.set(
        xscale="log",
        xlabel="times as long as fastmlp takes (to the right of the line fastmlp is faster)",
        yticks=range(len(medians)),
        yticklabels=list(medians),
        ylim=(len(medians) - 0.5, -0.8),
    )
    axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right", "left"]].set_visible(False)
    marks = [axes.scatter([], [], s=60, color=colors[library], label=library) for library in others]
    figure.legend(handles=marks, loc="outside upper center", ncols=min(5, len(others)), frameon=False)
    with matplotlib.rc_context({"savefig.dpi": 130}):
        figure.savefig(path)
