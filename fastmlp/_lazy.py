"""Packages whose parts are imported when they are first used."""

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module


def imported_on_first_use(
    package: str, *, names: Mapping[str, str] | None = None, modules: Iterable[str] = ()
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Make the ``__getattr__`` and ``__dir__`` of a package.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    names : dict from str to str, optional
        The module below the package that each name comes from.
    modules : iterable of str
        Modules below the package.

    Returns
    -------
    getattr, dir : functions
    """
    names, modules = dict(names or {}), frozenset(modules)

    def get(name):
        if name in names:
            value = getattr(import_module(f"{package}.{names[name]}"), name)
        elif name in modules:
            value = import_module(f"{package}.{name}")
        else:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        setattr(sys.modules[package], name, value)
        return value

    def list_names():
        return sorted({*vars(sys.modules[package]), *names, *modules})

    return get, list_names
