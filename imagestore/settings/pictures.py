"""Settings of what is stored, and of what happens to a picture on its way to a record."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from imagestore.errors import SettingsError
from imagestore.record import LONGEST_NAME
from imagestore.settings.kinds import ROOT, Container, NameLength, Positive, Seconds, setting


@dataclass(frozen=True)
class PictureSettings:
    """The containers and the database, the model, the limits of a picture, attempts, and the sweep."""

    uploads_container: Container = setting("uploads", "Where pictures are dropped. May exist already, with pictures.")
    staging_container: Container = setting("staging", "Preprocessed pictures, one PNG per upload.")
    results_container: Container = setting("results", "One JSON result per upload.")
    thumbnails_container: Container = setting("thumbnails", "Small pictures for the web page, made when first seen.")
    models_container: Container = setting("models", "Versions of your own models, and which of them are live for what.")
    training_container: Container = setting("training", "Labelled pictures to learn from, and which of them test.")
    deadletter_container: Container = setting("deadletter", "Where Event Grid puts events that it could not deliver.")
    keep_results: bool = setting(False, "Whether results outlive the deletion of their uploads.")
    cosmos_database: str = setting("imagedata", "The Cosmos DB database with the records.")
    model: str = setting(
        "model/default/model.onnx", "The model file while none is promoted, relative to the app's folder or absolute."
    )
    model_poll_seconds: Annotated[float, msgspec.Meta(gt=0, le=60)] = setting(
        2.0,
        "How old what a worker knows of live models may be when it writes a record. A promotion, a rollback and a "
        "change of routes take so long. Must be the same wherever the same stores are used.",
    )
    model_cache_bytes: Positive = setting(
        120_000_000,
        "How much memory the models of several projects may take in a worker (each takes twice the size of its file). "
        "The least recently used go first, and the one in use stays.",
    )
    top_classes: Positive = setting(5, "How many classes with their probabilities a record keeps.")
    instance_memory_mb: Annotated[int, msgspec.Meta(ge=0)] = setting(
        0,
        "Memory of the function instance, 2048 or 4096, from which follows how many pictures are decoded at once and "
        "how large they may be (docs/azure.md). infra/ sets it. 0: not counted, for a machine of your own.",
    )
    max_bytes: Positive = setting(100_000_000, "Largest upload in bytes; a larger one is rejected unread.")
    max_pixels: Positive = setting(100_000_000, "Most pixels (width × height) of a picture that is decoded.")
    max_pixels_by_format: str = setting(
        "JPEG2000=50000000,WEBP=50000000", "Lower limits for formats whose decoders need more memory for a pixel."
    )
    min_side_pixels: Positive = setting(8, "Shortest side in pixels that is still classified.")
    max_name_length: NameLength = setting(LONGEST_NAME, "Longest blob name in characters; a longer one is rejected.")
    max_metadata_bytes: Positive = setting(65_536, "How much metadata a record keeps, in bytes of JSON.")
    keep_location: bool = setting(False, "Whether records keep the place where a picture was taken.")
    decode_seconds: Seconds = setting(30.0, "How long one picture may take to decode.")
    retry_delays_seconds: str = setting("10,30,120,600,1800", "The pauses between the attempts when a service fails.")
    poison_delay_seconds: Seconds = setting(
        600.0, "How long a message from the host's poison queue waits until it is tried again."
    )
    sweep_schedule: str = setting("0 */15 * * * *", "When lost uploads are looked for (NCRONTAB, seconds first).")
    undelete_days: Annotated[int, msgspec.Meta(ge=0, le=14)] = setting(
        7,
        "An upload that was deleted and is restored within so many days is found by the sweep: Azure raises no event.",
    )
    deadletter_schedule: str = setting(
        "0 */2 * * * *", "When events that could not be delivered are read (NCRONTAB, seconds first)."
    )
    sweep_min_age_seconds: float = setting(3600.0, "The sweep leaves uploads younger than this to their events.")
    sweep_budget_seconds: Seconds = setting(
        60.0, "How long one run of the sweep may take; the next goes on from there."
    )

    @property
    def retry_delays_s(self) -> tuple[float, ...]:
        """RETRY_DELAYS_SECONDS as numbers."""
        try:
            return tuple(float(part) for part in self.retry_delays_seconds.split(","))
        except ValueError:
            raise SettingsError(
                f"RETRY_DELAYS_SECONDS is '{self.retry_delays_seconds}': it takes numbers, separated by commas, such "
                "as 10,30,120."
            ) from None

    @property
    def pixel_limits(self) -> dict[str, int]:
        """MAX_PIXELS_BY_FORMAT by format."""
        limits: dict[str, int] = {}
        for part in filter(None, (part.strip() for part in self.max_pixels_by_format.split(","))):
            format, _, count = part.partition("=")
            if not format or not count.isdecimal() or int(count) == 0:
                raise SettingsError(
                    f"MAX_PIXELS_BY_FORMAT is '{self.max_pixels_by_format}': '{part}' is not a format and its most "
                    "pixels, such as JPEG2000=50000000,WEBP=50000000. docs/formats.md lists the formats."
                )
            limits[format] = int(count)
        return limits

    @property
    def model_path(self) -> Path:
        """MODEL as a path; a relative one starts at the app's folder."""
        return ROOT / self.model
