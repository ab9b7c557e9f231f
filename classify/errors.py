"""The error of a model file."""


class ModelError(Exception):
    """The model file cannot be used; the message says what is missing or wrong."""
