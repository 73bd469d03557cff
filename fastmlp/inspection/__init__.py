"""What a fitted model has inside: hidden outputs, gradients by the inputs, memory, and what is wrong with it."""

from fastmlp.inspection._diagnose import Diagnosis, Finding, diagnose
from fastmlp.inspection._summary import Summary

__all__ = ["Diagnosis", "Finding", "Summary", "diagnose"]
