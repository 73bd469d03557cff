"""Writing model files; ``fastmlp.runtime.files`` says what is in them, and reads them."""

import os

from fastmlp._paths import written_file
from fastmlp.runtime.files import to_parts
from fastmlp.runtime.program import Program


def write(program: Program, path: str | os.PathLike[str]) -> None:
    """Write a model file, in place of the one that is there.

    Parameters
    ----------
    program : Program
    path : path-like

    Raises
    ------
    ModuleNotFoundError
        If the ``safetensors`` library is not installed.
    OSError, ValueError
        If there can be no such file, or the program has what no file can hold.
    """
    try:
        from safetensors.numpy import save
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Model files are written by the safetensors library, which is not installed; pip install "
            "'fastmlp[deploy]' brings it.",
            name=error.name,
        ) from None
    document, arrays = to_parts(program)
    content = save(arrays, metadata={"fastmlp": document})
    with written_file(path) as file:
        file.write(content)
