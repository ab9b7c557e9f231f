"""Makes what the other modules need from environment variables: the stores, the limits, the context of the steps.

No service is called here. Every function raises SettingsError if a setting is missing or wrong.
"""

import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from imagestore import telemetry
from imagestore.errors import SettingsError
from imagestore.pipeline.checks import check_at_start
from imagestore.pipeline.context import Context
from imagestore.pipeline.models.loaded_models import LoadedModels
from imagestore.pipeline.models.memory import Memory, shared_out
from imagestore.pipeline.rendition import Renderer
from imagestore.settings import CONNECTIONS, Settings
from imagestore.store import Connection, Names, Stores, stores_of
from imagestore.store.connect import blobs_of
from imagestore.store.roles import Who
from imagestore.store.secrets import FileSecrets, Secrets, VaultSecrets
from imagestore.telemetry import signals
from preprocess import Decoder, Limits
from preprocess.formats import FORMATS

if TYPE_CHECKING:
    from imagestore.backup.vault import Vault
    from imagestore.jobs.sealed import Sealer
    from imagestore.webhooks.registry import Webhooks


def context_of(environ: Mapping[str, str]) -> Context:
    """What the steps need. No model is loaded yet."""
    settings = Settings.read(environ)
    stores = open_stores(environ, "function")
    memory = memory_of(settings)
    return Context(
        stores=stores,
        models=models_of(settings, stores),
        decoder=Decoder(memory.decoders, count_death),
        uploads_at_once=threading.Semaphore(memory.uploads),
        limits=memory.limits,
        top_classes=settings.top_classes,
        retry_delays_s=settings.retry_delays_s,
        poison_delay_s=settings.poison_delay_seconds,
        sweep_min_age_s=settings.sweep_min_age_seconds,
        sweep_budget_s=settings.sweep_budget_seconds,
        undelete_days=settings.undelete_days,
    )


def models_of(settings: Settings, stores: Stores) -> LoadedModels:
    """The live models, of which none is loaded yet."""
    return LoadedModels(settings.model_path, stores, settings.model_poll_seconds, settings.model_cache_bytes)


def open_stores(environ: Mapping[str, str], who: Who | None = None) -> Stores:
    """The stores that the settings and connections name.

    If `who` is given, what that process needs is checked when it first uses the stores: see pipeline/checks.py.
    """
    storage, cosmos = connection("IMAGES_STORAGE", environ), connection("COSMOS", environ)
    first_use = None if who is None else lambda stores: check_at_start(stores, who)
    direct = environ if who == "function" else None  # it alone pays for calls by the picture
    return stores_of(names_of(Settings.read(environ)), storage, cosmos, first_use, direct)


def names_of(settings: Settings) -> Names:
    """The names of containers and database that the settings define."""
    return Names(
        uploads=settings.uploads_container,
        staging=settings.staging_container,
        results=settings.results_container,
        thumbnails=settings.thumbnails_container,
        models=settings.models_container,
        training=settings.training_container,
        dead_letters=settings.deadletter_container,
        database=settings.cosmos_database,
        keep_results=settings.keep_results,
        audit_days=settings.audit_days,
        model_poll_seconds=settings.model_poll_seconds,
    )


def backups_of(environ: Mapping[str, str]) -> "Vault | None":
    """The container that takes backups, in an account of its own; None if the connection BACKUPS is not set."""
    from imagestore.backup.vault import ContainerVault  # the function app takes no backups

    if not any(name.partition("__")[0] == "BACKUPS" for name in environ):
        return None
    account = connection("BACKUPS", environ)
    return ContainerVault(
        blobs_of(account, Settings.read(environ).backups_container), account.address("blobServiceUri")
    )


def secrets_of(settings: Settings, environ: Mapping[str, str]) -> Secrets | None:
    """Where secrets are kept: Key Vault, or a file; None if neither is named."""
    if any(name.startswith("KEY_VAULT__") for name in environ):
        return VaultSecrets(connection("KEY_VAULT", environ))
    return FileSecrets(Path(settings.secrets_file)) if settings.secrets_file else None


def sealer_of(settings: Settings, environ: Mapping[str, str]) -> "Sealer | None":
    """What seals the secrets of jobs; None where no secrets are kept."""
    from imagestore.jobs.sealed import Sealer  # the function app puts in no jobs, and comes without this

    kept = secrets_of(settings, environ)
    return Sealer(kept) if kept else None


def webhooks_of(settings: Settings, stores: Stores, environ: Mapping[str, str]) -> "Webhooks":
    """The webhooks in these stores. Their events come from the web app's address, if it is set."""
    from imagestore.webhooks.events import NO_SOURCE  # the function app tells no webhooks, and comes without this
    from imagestore.webhooks.registry import Webhooks

    source = settings.public_url.rstrip("/") or NO_SOURCE
    return Webhooks(stores, sealer_of(settings, environ), settings.hosts_of_webhooks, source)


def limits_of(settings: Settings) -> Limits:
    """The limits on one picture that the settings define. Raises SettingsError as `memory_of`."""
    return memory_of(settings).limits


def renderer_of(settings: Settings, stores: Stores) -> Renderer:
    """What makes small pictures to look at: with a decode child for each core, or as many as the instance's memory
    has room for where INSTANCE_MEMORY_MB states it.
    """
    memory = memory_of(settings)
    children = memory.decoders if settings.instance_memory_mb else len(os.sched_getaffinity(0))
    return Renderer(stores, Decoder(children, count_death), memory.limits, children)


def count_death(how: str) -> None:
    """Tell of a decode child that ended so."""
    telemetry.measure(signals.DECODER_DEATHS, how=how)


def memory_of(settings: Settings) -> Memory:
    """What may be held in memory at once. Without INSTANCE_MEMORY_MB one picture is decoded at once, and uploads are
    held as they come.

    Raises SettingsError if a limit names a format we do not read, or does not fit the instance.
    """
    limits = _limits(settings)
    if settings.instance_memory_mb == 0:
        return Memory(limits, decoders=1, uploads=sys.maxsize)
    is_stated = settings.max_pixels_by_format != Settings.max_pixels_by_format
    stated = settings.pixel_limits if is_stated else ()
    return shared_out(settings.instance_memory_mb, limits, stated, settings.model_cache_bytes)


def _limits(settings: Settings) -> Limits:
    formats = {row.name for row in FORMATS}
    if strange := sorted(settings.pixel_limits.keys() - formats):
        raise SettingsError(
            f"MAX_PIXELS_BY_FORMAT names '{strange[0]}', which is no format. They are: {', '.join(sorted(formats))}."
        )
    return Limits(
        max_bytes=settings.max_bytes,
        max_pixels=settings.max_pixels,
        max_pixels_by_format=settings.pixel_limits,
        min_side=settings.min_side_pixels,
        max_name_length=settings.max_name_length,
        max_metadata_bytes=settings.max_metadata_bytes,
        keep_location=settings.keep_location,
        decode_seconds=settings.decode_seconds,
    )


def connection(name: str, environ: Mapping[str, str]) -> Connection:
    """The connection of this name: a string, or addresses where it is followed by two underscores."""
    if string := environ.get(name):
        return Connection(name, string, purpose=CONNECTIONS[name])
    prefix = name + "__"
    addresses = {key[len(prefix) :]: value for key, value in environ.items() if key.startswith(prefix) and value}
    if not addresses:
        raise SettingsError(f"{name} is not set. {CONNECTIONS[name]} See docs/settings.md.")
    return Connection(name, None, addresses, CONNECTIONS[name])
