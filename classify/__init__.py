"""Runs a model. A library of its own: it needs onnxruntime and NumPy, and knows no Azure."""

from classify.model import Model, load_model, read_model
from classify.predict import predict

__all__ = ["Model", "load_model", "predict", "read_model"]
