"""The same training as a job of Azure Machine Learning."""
