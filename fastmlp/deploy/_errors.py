"""What cannot be made a program, or exported."""


class CannotFoldError(ValueError):
    """A part of an estimator for which there is no step; the message names it.

    Examples
    --------
    >>> import fastmlp
    >>> from sklearn.linear_model import LinearRegression
    >>> fastmlp.compile(LinearRegression())  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    fastmlp.deploy._errors.CannotFoldError: LinearRegression has no program; compile fastmlp's ...
    """
