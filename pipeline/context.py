"""What a step needs, made once per process from the settings."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.live import Live
from preprocess import Decoder, Limits
from settings import Settings
from store import Stores, open_stores


@dataclass(frozen=True)
class Context:
    """The stores, the live model and the limits; durations in seconds."""

    stores: Stores
    live: Live
    decoder: Decoder
    limits: Limits
    top: int
    retry_delays_s: tuple[float, ...]
    poison_delay_s: float
    sweep_min_age_s: float
    sweep_budget_s: float

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Context":
        """From environment variables. SettingsError or ModelError where something is wrong; no service is asked."""
        settings = Settings.read(environ)
        stores = open_stores(settings, environ)
        return cls(
            stores=stores,
            live=Live.load(settings.model_path, stores, settings.model_seconds),
            decoder=Decoder(),
            limits=limits_of(settings),
            top=settings.top,
            retry_delays_s=settings.delays,
            poison_delay_s=settings.poison_delay,
            sweep_min_age_s=settings.sweep_min_age,
            sweep_budget_s=settings.sweep_seconds,
        )


def limits_of(settings: Settings) -> Limits:
    """What a picture may cost, as the settings say."""
    return Limits(
        max_bytes=settings.max_bytes,
        max_pixels=settings.max_pixels,
        min_side=settings.min_side,
        max_name_length=settings.max_name_length,
        max_metadata_bytes=settings.max_metadata_bytes,
        keep_location=settings.keep_location,
        decode_seconds=settings.decode_seconds,
    )
