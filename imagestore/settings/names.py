"""The names of settings: those of before, which are still understood, and what a misspelled one was meant to be."""

import difflib
import functools
from collections.abc import Iterable, Mapping

from imagestore.settings.connections import CONNECTION_KEYS, CONNECTIONS
from imagestore.settings.kinds import ROOT
from imagestore.settings.pictures import PictureSettings

FORMER_NAMES = {
    "LIVE_SECONDS": "FEED_POLL_SECONDS",
    "MIN_SIDE": "MIN_SIDE_PIXELS",
    "MODEL_SECONDS": "MODEL_POLL_SECONDS",
    "POISON_DELAY": "POISON_DELAY_SECONDS",
    "RETRY_DELAYS": "RETRY_DELAYS_SECONDS",
    "SWEEP_MIN_AGE": "SWEEP_MIN_AGE_SECONDS",
    "SWEEP_SECONDS": "SWEEP_BUDGET_SECONDS",
    "TOP": "TOP_CLASSES",
}
"""The names of settings in version 0.1. They are understood until version 0.3."""
FORMER_MODEL = "model/default.onnx"
"""The path of the shipped model in version 0.1, as its example of local.settings.json has it."""
_ALIKE = 0.86
"""A name that is this similar to a setting's (ratio of difflib) is taken for a misspelling."""


@functools.cache  # a process reads its settings more than once, and each look costs 0.1 ms
def nearly(name: str, settings: tuple[str, ...]) -> str | None:
    """The setting or connection that this name nearly is; None if there is none, or if the name is one of azd's."""
    # such as AZURE_DEADLETTER_CONTAINER, which infra/ puts out for the hooks, and AZUREML_WORKSPACE_ID of its jobs
    if name.startswith(("AZURE_", "AZUREML_")):
        return None
    connection, underscores, key = name.partition("__")
    if underscores:
        known = _alike(connection, CONNECTION_KEYS)
        meant = known and f"{known}__{_alike(key, CONNECTION_KEYS[known]) or key}"
    else:
        known = _alike(name, [*settings, *CONNECTIONS, *FORMER_NAMES])
        meant = name if known == name else FORMER_NAMES.get(known or "", known)
    return meant if meant != name else None


def understood(environ: Mapping[str, str], settings: tuple[str, ...]) -> tuple[dict[str, str], list[str]]:
    """The values of settings by their current names, and the warnings about those that are not in order."""
    values = {name: environ[name] for name in settings if environ.get(name)}
    warnings = []
    for former, name in FORMER_NAMES.items():
        if environ.get(former):
            warnings.append(f"{former} is called {name} now, and will not be understood in version 0.3. Rename it.")
            values.setdefault(name, environ[former])
    if values.get("MODEL") == FORMER_MODEL and not (ROOT / FORMER_MODEL).exists():
        del values["MODEL"]
        warnings.append(
            f"MODEL is '{FORMER_MODEL}', which is {PictureSettings.model} now and will not be understood in version "
            "0.3. Remove the setting, or change it."
        )
    alike = [(name, meant) for name in environ if name not in values and (meant := nearly(name, settings))]
    warnings += [f"{name} is no setting, and does nothing. Is {it} meant? See docs/settings.md." for name, it in alike]
    return values, warnings


def _alike(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like this one, if one is."""
    by_capitals = {each.upper(): each for each in known}
    found = difflib.get_close_matches(name.upper(), by_capitals, 1, _ALIKE)
    return by_capitals[found[0]] if found else None
