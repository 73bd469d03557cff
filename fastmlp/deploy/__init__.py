"""A fitted model for other programs: predictors, model files, exports."""

from typing import TYPE_CHECKING

from fastmlp._lazy import imported_on_first_use

if TYPE_CHECKING:
    from fastmlp.deploy._compile import compile
    from fastmlp.deploy._errors import CannotFoldError

__all__ = ["CannotFoldError", "compile"]

# The estimators need this package, and it needs them.
if not TYPE_CHECKING:
    __getattr__, __dir__ = imported_on_first_use(__name__, names={"CannotFoldError": "_errors", "compile": "_compile"})
