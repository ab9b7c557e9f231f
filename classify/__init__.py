"""Runs a model. A library: it needs onnxruntime, NumPy and the data classes of preprocess/, and does not know Azure."""

from classify.errors import ModelError
from classify.families import Family
from classify.metadata import ModelLabels, read_labels
from classify.model import Answer, Model, ModelDescription, load_model, read_model
from classify.predict import predict, predict_with_vector
from classify.prediction import Earlier, ModelRef, Prediction, Score
from classify.vector import Vector

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
    "Vector",
    "load_model",
    "predict",
    "predict_with_vector",
    "read_labels",
    "read_model",
]
