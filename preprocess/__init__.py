"""From a picture's bytes to what a model takes. A library: it needs Pillow, pi-heif and NumPy, and knows no Azure."""

from preprocess.decoder import Decoder
from preprocess.limits import Limits
from preprocess.preprocess import preprocess
from preprocess.rendition import rendition
from preprocess.staged import open_staged, write_staged

__all__ = ["Decoder", "Limits", "open_staged", "preprocess", "rendition", "write_staged"]
