"""fastmlp beside other libraries: ``python -m peers``, from the folder above."""
