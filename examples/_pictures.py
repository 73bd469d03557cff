"""What the examples share: one look, one command line, one way to save a picture."""

import argparse
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from PIL import Image

# Okabe and Ito's colours, which colour-blind readers can tell apart, and in print.
BLUE, ORANGE, GREEN, RED, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"
GREY = "#666666"
SEQUENTIAL, DIVERGING = "Blues", "PuOr_r"

STYLE = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "figure.constrained_layout.use": True,
    "figure.titlesize": 11,
    "font.size": 9,
    "grid.alpha": 0.25,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "savefig.dpi": 100,
}


def run(main, arguments=None):
    """Read the command line, and call ``main(output)`` in the examples' style.

    Parameters
    ----------
    main : callable
        Takes the folder for pictures, a Path; returns the example's numbers.
    arguments : list of str, default=None
        Those of the command line by default.

    Returns
    -------
    object
        What `main` returns.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).parent / "output", help="folder for the picture (%(default)s)"
    )
    output = parser.parse_args(arguments).output
    output.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context(STYLE):
        return main(output)


def save(figure: Figure, path: Path) -> None:
    """Write a picture, without a display, and say where it is."""
    figure.savefig(path)
    # With a palette, half the size: those of the documentation are stored with the code.
    Image.open(path).convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"\nPicture: {path}")


def show_image(axes, image, title="", color="black", **imshow) -> None:
    """An image without ticks or grid, its title in a colour."""
    axes.imshow(image, **imshow)
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    axes.set_title(title, fontsize=8, color=color)
    for spine in axes.spines.values():
        spine.set(visible=True, color="#cccccc", linewidth=0.5)
