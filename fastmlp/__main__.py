"""Command line: ``python -m fastmlp demo`` and ``python -m fastmlp info``."""

import argparse
from pathlib import Path

from fastmlp.config import show_config


def main() -> None:
    """Run a command."""
    parser = argparse.ArgumentParser(prog="python -m fastmlp", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="learn handwritten digits beside scikit-learn's MLPClassifier")
    demo.add_argument(
        "--output", type=Path, default=Path("fastmlp-demo"), help="folder for the pictures (default: %(default)s)"
    )
    commands.add_parser("info", help="print versions, instruction sets, BLAS and CPUs")
    arguments = parser.parse_args()

    if arguments.command == "info":
        show_config()
        return
    try:
        from fastmlp.demo import run
    except ModuleNotFoundError as error:
        parser.exit(1, f"The demo needs {error.name}, which is not installed; pip install 'fastmlp[demo]' brings it.\n")
    run(arguments.output)


if __name__ == "__main__":
    main()
