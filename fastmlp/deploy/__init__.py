"""A fitted model for other programs."""
