"""Runs a model. A library: it needs onnxruntime, NumPy and the data classes of preprocess/, and does not know Azure."""

from classify.errors import ModelError
from classify.families import Family
from classify.metadata import ModelLabels, read_labels
from classify.model import Answer, Model, ModelDescription, load_model, read_model
from classify.predict import predict
from classify.prediction import Earlier, ModelRef, Prediction, Score

__all__ = [
    "Answer",
    "Earlier",
    "Family",
    "Model",
    "ModelDescription",
    "ModelError",
    "ModelLabels",
    "ModelRef",
    "Prediction",
    "Score",
    "load_model",
    "predict",
    "read_labels",
    "read_model",
]
