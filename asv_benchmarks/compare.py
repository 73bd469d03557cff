"""Print the README's table of speed: python asv_benchmarks/compare.py."""

from benchmarks.cases import CASES, microseconds_a_step

import fastmlp


def main():
    fastmlp.show_config()
    print("\nMicroseconds a step, float32, Adam, medians of 7 alternating epochs by partial_fit:\n")
    print("| network, batch | scikit-learn | fastmlp | times faster |")
    print("| --- | ---: | ---: | ---: |")
    for name, case in CASES.items():
        times = microseconds_a_step(case)
        theirs, ours = times["scikit-learn"], times["fastmlp"]
        print(f"| {name} | {theirs:.1f} | {ours:.2f} | {theirs / ours:.1f} |", flush=True)


if __name__ == "__main__":
    main()
