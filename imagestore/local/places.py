"""Where this installation finds its parts and keeps its data, in a checkout or installed by pip."""

import os
from pathlib import Path

from imagestore.settings import ROOT

IS_CHECKOUT = (ROOT / "pyproject.toml").exists()
"""Whether this code runs from its repository, not from where pip installed it."""
_PACKAGE = Path(__file__).resolve().parents[1]
LOCAL = Path(__file__).resolve().parent
"""The programs in JavaScript, and the list of the Node modules that they need."""
APP = ROOT if IS_CHECKOUT else _PACKAGE / "app"
"""The folder of the function app: function_app.py and host.json."""
SAMPLES = ROOT / "samples" if IS_CHECKOUT else _PACKAGE / "samples"
"""The six sample pictures."""
LOCAL_SETTINGS = (ROOT if IS_CHECKOUT else Path.cwd()) / "local.settings.json"
"""The user's own settings, if there are any: in the checkout, or in the current folder."""


def data_home(environ: os._Environ[str] = os.environ) -> Path:
    """The user's folder for programs' data, by the XDG convention."""
    return Path(environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "imagestore"


def state_home(environ: os._Environ[str] = os.environ) -> Path:
    """The user's folder for programs' state, by the XDG convention."""
    return Path(environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "imagestore"


def default_data() -> Path:
    """The folder in which a local stack keeps data and logs, unless another is chosen."""
    return ROOT / ".local" if IS_CHECKOUT else data_home() / "data"


def node_folder() -> Path:
    """The folder whose `node_modules` holds Azurite and the Cosmos DB engine."""
    return LOCAL if IS_CHECKOUT else data_home() / "node"
