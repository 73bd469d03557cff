"""Where the documentation of the estimators is."""

from importlib.metadata import PackageNotFoundError, metadata


def documentation_address() -> str:
    """``Documentation`` of ``[project.urls]`` in the project's metadata; "" if they have none."""
    try:
        urls = metadata("fastmlp").get_all("Project-URL") or []
    except PackageNotFoundError:  # a source tree that is not installed
        urls = []
    return dict(url.split(", ", 1) for url in urls).get("Documentation", "")


class DocumentationLinkMixin:
    """Links of the HTML representation, which for scikit-learn's own estimators lead to its pages."""

    _doc_link_module = "fastmlp"

    @property
    def _doc_link_template(self):
        return documentation_address()
