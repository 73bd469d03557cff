"""Values as text of C, which is also C++."""

from collections.abc import Iterable

import numpy as np

LINE_LENGTH = 120


def number(value: float) -> str:
    """A float32 literal with all digits that it has."""
    return _literal(str(np.float32(value)))


def table(kind: str, name: str, values: np.ndarray, attribute: str = "") -> str:
    """A constant array of float, int or signed char, with a 0 in it if it has no values, which C does not allow."""
    values = values if values.size else np.zeros(1)
    texts = values.ravel().astype(np.float32 if kind == "float" else np.int64).astype(str).tolist()
    literals = map(_literal, texts) if kind == "float" else texts
    return f"static const {kind} {name}[{values.size}]{attribute} = {{\n{_lines(literals)}}};\n"


def string(text: str) -> str:
    """A string literal of its UTF-8 bytes."""
    return '"' + "".join(map(_escaped, text.encode("utf-8", "surrogatepass"))) + '"'


def comment(text: str) -> str:
    """Text that stays within a comment of one line: printable, and without an end of it; `named` brings its @ back."""
    plain = "".join(character if character.isprintable() else " " for character in text)
    return plain.replace("*/", "* /").replace("/*", "/ *").replace("??", "? ?").replace("\\", "/").replace("@", _AT)


def named(text: str, stem: str) -> str:
    """Text with the model's name in place of @, and in capitals in place of @@."""
    return text.replace("@@", stem.upper()).replace("@", stem).replace(_AT, "@")


_AT = "\0"  # which no text of ours has


def _literal(text):
    special = {"nan": "NAN", "inf": "INFINITY", "-inf": "-INFINITY"}
    return special.get(text) or f"{text}f"


def _escaped(byte):
    character = chr(byte)
    return (
        character if character.isascii() and (character.isalnum() or character in " _-+.,:;()<>=/") else f"\\{byte:03o}"
    )


def _lines(literals: Iterable[str]) -> str:
    lines, line = [], " "
    for literal in literals:
        if len(line) + len(literal) + 2 > LINE_LENGTH:
            lines.append(line)
            line = " "
        line += f" {literal},"
    return "\n".join([*lines, line]) + "\n"
