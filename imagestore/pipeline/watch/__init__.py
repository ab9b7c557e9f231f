"""Whether pictures drift away from the live models."""
