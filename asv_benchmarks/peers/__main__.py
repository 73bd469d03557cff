"""Time fastmlp and its peers side by side; run it as ``python -m peers`` in ``asv_benchmarks``."""

import argparse
from functools import partial
from pathlib import Path

from benchmarks.cases import ALL_CASES
from tqdm import tqdm

from . import report
from .libraries import LIBRARIES
from .training import Training
from .workers import Worker, blas_of, in_turn, versions

DOCS = Path(__file__).parents[2] / "docs"
PACKAGES = ["numpy", "scipy", "scikit-learn", "torch", "jax", "jaxlib", "optax"]


def measure(cases, libraries, n_rounds):
    """{case: {library: microseconds a step of each round}}, and the BLAS of each library's process.

    In every round each library has a turn.
    """
    results = {}
    workers = [Worker(name, partial(Training, name)) for name in libraries]
    with tqdm(total=len(cases) * n_rounds * len(libraries), unit="turn") as bar:
        for name, case in cases.items():
            for worker in workers:
                bar.set_description(f"{name}: {worker.name} prepares")
                worker.prepare(case)
            results[name] = {library: [] for library in libraries}
            for worker in in_turn(workers, n_rounds):
                bar.set_description(f"{name}: {worker.name}")
                time, _ = worker.turn()
                results[name][worker.name].append(time)
                bar.update()
            row = report.summary({name: results[name]})[0]
            tqdm.write(
                f"{name:36} {row['medians']['fastmlp']:10.4g} us; best peer {row['best']:14} "
                f"{row['medians'][row['best']]:10.4g} us, ratio {row['ratio']:.2f}; "
                f"to scikit-learn {row['to_sklearn']:.1f}"
            )
    blas = blas_of(workers)
    for worker in workers:
        worker.stop()
    return results, blas


def main():
    parser = argparse.ArgumentParser(prog="python -m peers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="alternating rounds (default: %(default)s)")
    parser.add_argument("--only", nargs="+", metavar="WORD", help="only cases whose name begins with one of these")
    parser.add_argument("--output", type=Path, default=DOCS, help="folder for peers.md, peers.csv and pictures/")
    arguments = parser.parse_args()
    cases = {
        name: case for name, case in ALL_CASES.items() if not arguments.only or name.startswith(tuple(arguments.only))
    }
    results, blas = measure(cases, list(LIBRARIES), arguments.rounds)
    (arguments.output / "pictures").mkdir(parents=True, exist_ok=True)
    page = report.markdown(results, versions(PACKAGES) | blas, arguments.rounds)
    (arguments.output / "peers.md").write_text(page)
    report.write_csv(results, arguments.output / "peers.csv")
    medians = {row["case"]: row["medians"] for row in report.summary(results)}
    report.draw(medians, report.COLORS, arguments.output / "pictures" / "peers.png")
    print(page)


if __name__ == "__main__":
    main()
