"""The model in use."""

from dataclasses import dataclass
from pathlib import Path

from classify import Model, load_model


@dataclass(frozen=True)
class Live:
    """Loaded once per process."""

    model: Model

    @classmethod
    def load(cls, path: Path) -> "Live":
        """From a model file; ModelError where it cannot be used."""
        return cls(load_model(path))

    def current(self) -> Model:
        """The model that classifies now."""
        return self.model
