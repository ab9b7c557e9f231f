"""From a picture's bytes to what a model takes. A library of its own: it needs Pillow and NumPy, and knows no Azure."""

from preprocess.limits import Limits
from preprocess.preprocess import preprocess
from preprocess.staged import open_staged, write_staged

__all__ = ["Limits", "open_staged", "preprocess", "write_staged"]
