"""Predictions of fastmlp beside other libraries: ``python -m peers.inference``, from the folder above."""
