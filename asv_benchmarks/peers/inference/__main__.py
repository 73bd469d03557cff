"""Time predictions of fastmlp and its peers side by side; run it as ``python -m peers.inference``."""

import argparse
from functools import partial
from pathlib import Path

from tqdm import tqdm

from ..workers import Worker, blas_of, in_turn, versions
from . import report
from .libraries import LIBRARIES
from .predicting import Predicting
from .problems import NETWORKS, ROWS, largest_difference, problem_of

DOCS = Path(__file__).parents[3] / "docs"
SINGLE_CALLS = 100_000
PACKAGES = [
    "numpy",
    "scikit-learn",
    "numba",
    "onnxruntime",
    "ai-edge-litert",
    "tensorflow-cpu",
    "openvino",
    "torch",
    "jax",
    "mlpfile",
]


def measure(cases, n_rounds):
    """{case: {library: Measured}}, and the BLAS of each library's process; cases are (network, number of rows)."""
    results = {}
    workers = [Worker(name, partial(Predicting, name)) for name in LIBRARIES]
    with tqdm(total=len(cases), unit="case") as bar:
        for case in cases:
            bar.set_description("{}, {:,} rows".format(*case))
            results[case] = _measured(workers, case, n_rounds)
            tqdm.write(report.line(case, results[case]))
            bar.update()
    blas = blas_of(workers)
    for worker in workers:
        worker.stop()
    return results, blas


def _measured(workers, case, n_rounds):
    problem = problem_of(*case)
    n_single_calls = -(-SINGLE_CALLS // n_rounds) if case[1] == 1 else 0
    workers = [worker for worker in workers if LIBRARIES[worker.name].takes(problem)]
    results = {worker.name: report.Measured(worker.prepare(problem, n_single_calls), []) for worker in workers}
    for worker in in_turn(workers, n_rounds):
        results[worker.name].turns.append(worker.turn())
    return results


def main():
    parser = argparse.ArgumentParser(prog="python -m peers.inference", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="alternating rounds (default: %(default)s)")
    parser.add_argument("--only", nargs="+", metavar="WORD", help="only networks whose name begins with one of these")
    parser.add_argument("--rows", nargs="+", type=int, default=ROWS, help="numbers of rows (default: all)")
    parser.add_argument(
        "--output", type=Path, default=DOCS, help="folder for peers-inference.md, peers-inference.csv and pictures/"
    )
    arguments = parser.parse_args()
    networks = [name for name in NETWORKS if not arguments.only or name.startswith(tuple(arguments.only))]
    cases = [(network, n_rows) for network in networks for n_rows in arguments.rows]
    results, blas = measure(cases, arguments.rounds)
    differences = {
        (case[0], library): largest_difference(case[0], LIBRARIES[library].weights)
        for case, by_library in results.items()
        for library in report.COMPACT
        if library in by_library
    }
    (arguments.output / "pictures").mkdir(parents=True, exist_ok=True)
    page = report.markdown(results, differences, versions(PACKAGES) | blas, arguments.rounds)
    (arguments.output / "peers-inference.md").write_text(page)
    report.write_csv(results, arguments.output / "peers-inference.csv")
    report.draw(results, arguments.output / "pictures" / "peers-inference.png")
    print(page)


if __name__ == "__main__":
    main()
