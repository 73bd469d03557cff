"""Command line: ``python -m fastmlp demo``, ``info`` and ``inspect``."""

import argparse
from pathlib import Path

from fastmlp.config import show_config
from fastmlp.runtime.card import card
from fastmlp.runtime.files import ModelFileError


def main() -> None:
    """Run a command."""
    parser = argparse.ArgumentParser(prog="python -m fastmlp", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="learn handwritten digits beside scikit-learn's MLPClassifier")
    demo.add_argument(
        "--output", type=Path, default=Path("fastmlp-demo"), help="folder for the pictures (default: %(default)s)"
    )
    commands.add_parser("info", help="print versions, instruction sets, BLAS and CPUs")
    inspect = commands.add_parser("inspect", help="print what a model file holds")
    inspect.add_argument("file", help="written by save")
    arguments = parser.parse_args()

    if arguments.command == "info":
        show_config()
        return
    if arguments.command == "inspect":
        try:
            print(card(arguments.file))
        except (OSError, ModelFileError) as error:
            parser.exit(1, f"{error}\n")
        return
    try:
        from fastmlp.demo import run
    except ModuleNotFoundError as error:
        parser.exit(1, f"The demo needs {error.name}, which is not installed; pip install 'fastmlp[demo]' brings it.\n")
    run(arguments.output)


if __name__ == "__main__":
    main()
