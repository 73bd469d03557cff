"""Why gradients go backwards: a row vector times matrices is cheap from the vector's side (S18).

Back-propagation multiplies dC/dA_L, a row vector, by one Jacobian matrix after another. The product is the same in any
order, the work is not.
"""

import time

import numpy as np
from _pictures import BLUE, GREY, ORANGE, run, save
from matplotlib.figure import Figure

from fastmlp._core import _products

SIZES = (100, 200, 400)
ORDERS = ("from the output's side, (g B) C", "from the input's side, g (B C)")


def count_multiplications(n):
    """Of 1 x n, n x n and n x n matrices: from the row vector's side, and from the other."""
    vector_matrix, matrix_matrix = n * n, n * n * n
    return 2 * vector_matrix, matrix_matrix + vector_matrix


def best_time(function, repeats=50):
    """Seconds of the fastest of some calls: what others do on the machine only adds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def measure(n):
    """Seconds from the row vector's side and from the other, and the largest difference of the results."""
    rng = np.random.default_rng(0)
    g, B, C = rng.normal(size=(1, n)), rng.normal(size=(n, n)), rng.normal(size=(n, n))
    product = _products.product  # the kernel that a network's passes use

    def backwards():
        return product(product(g, B), C)

    def forwards():
        return product(g, product(B, C))

    return best_time(backwards), best_time(forwards), np.abs(backwards() - forwards()).max()


def call_time():
    """Seconds of two products of 1 x 1 matrices: what calling costs, with nothing to multiply."""
    one = np.ones((1, 1))
    return best_time(lambda: _products.product(_products.product(one, one), one), repeats=200)


def main(output):
    """Count, measure, print and draw."""
    calls = call_time()
    counts = np.array([count_multiplications(n) for n in SIZES])
    measured = [measure(n) for n in SIZES]
    seconds = np.array([times for *times, _ in measured])
    print("A row vector g (1 x n) times B times C (both n x n), in both orders:\n")
    print(f"{'n':>5}{'multiplications':>26}{'ratio':>9}{'microseconds':>22}{'ratio':>9}{'difference':>13}")
    for n, count, time_, (*_, difference) in zip(SIZES, counts, seconds, measured, strict=True):
        both_counts, both_times = "{:.3g} or {:.3g}".format(*count), "{:.1f} or {:.1f}".format(*time_ * 1e6)
        count_ratio, time_ratio = count[1] / count[0], time_[1] / time_[0]
        print(f"{n:5}{both_counts:>26}{count_ratio:9.1f}{both_times:>22}{time_ratio:9.1f}{difference:13.1e}")
    print()
    print(f"Times differ less than counts. Two calls alone take {calls * 1e6:.1f} us, most of the smallest time.")
    print("And each number of a matrix is used once by a vector, but many times by another matrix.")

    figure = Figure(figsize=(9, 3.8))
    positions = np.arange(len(SIZES))
    panels = (
        ("Multiplications", "count", counts),
        ("Time of the library's own products", "microseconds", seconds * 1e6),
    )
    for axes, (title, label, values) in zip(figure.subplots(1, 2), panels, strict=True):
        for column, (order, color) in enumerate(zip(ORDERS, (BLUE, ORANGE), strict=True)):
            bars = axes.bar(positions + 0.4 * (column - 0.5), values[:, column], 0.38, color=color, label=order)
            numbers = [f"{value:,.1f}" if value < 100 else f"{value:,.0f}" for value in values[:, column]]
            axes.bar_label(bars, numbers, fontsize=8, padding=2)
        axes.set(title=title, ylabel=label, yscale="log", xlabel="n")
        axes.set_xticks(positions, [str(n) for n in SIZES])
        axes.margins(y=0.15)
        axes.grid(axis="x", visible=False)
    axes.axhline(calls * 1e6, color=GREY, linestyle=":", label="two calls with nothing to multiply")
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    save(figure, output / "multiplication_order.png")
    differences = [difference for *_, difference in measured]
    return {"counts": dict(zip(SIZES, counts.tolist(), strict=True)), "seconds": seconds, "differences": differences}


if __name__ == "__main__":
    run(main)
