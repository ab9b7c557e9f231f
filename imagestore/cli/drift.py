"""imagestore watch: whether pictures drift away from the live models, and how right those are."""

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from classify import ModelError, ModelLabels, read_labels
from imagestore.cli import instance, servers, stores
from imagestore.cli.output import console, print_whole, safe
from imagestore.pipeline.watch.drift import BASELINE, FAR_SHARE
from imagestore.pipeline.watch.watched import Strangeness, Watch, WatchedModel, of_records
from imagestore.proportion import percent


def watch(
    days: Annotated[int, typer.Option("--days", min=1, max=60, help="How many of the last days are listed.")] = 14,
) -> None:
    """Say whether pictures of the last days are unlike those that came when a model was new, and how right it is."""
    found = _found()
    for model in found.models:
        for line in _told(model):
            console.print(line, markup=False, highlight=False)
        if model.days:
            print_whole(_table(model, days))
    for one in found.reviewed:
        sure = "" if one.confidence is None else f", and {percent(one.confidence)} sure of them"
        low, high = one.accuracy.low, one.accuracy.high
        interval = "" if low is None or high is None else f" ({percent(low)} to {percent(high)})"
        said = f"was right on {one.accuracy.right} of {one.accuracy.of} drawn at random{interval}{sure}."
        console.print(f"{safe(one.project)} {one.version} {said}", markup=False, highlight=False)


def _found() -> Watch:
    if (server := servers.given()) is not None:
        return instance.client_of(server).watch()
    opened = stores.opened()
    live = opened.routes.read()
    shipped = _shipped() if live.default is None else None
    return of_records(opened.records.each(), live, shipped.ref if shipped else None)


def _shipped() -> ModelLabels | None:
    path = stores.settings().model_path
    try:
        return read_labels(path.read_bytes(), f"MODEL '{path}'")
    except (OSError, ModelError):
        return None


def _told(model: WatchedModel) -> Iterator[str]:
    called, base = f"{safe(model.project)} {model.version}", model.baseline
    if base.limit is None:
        of = f"{base.observations} different ones among " if base.pictures >= BASELINE else ""
        yield f"{called}: no baseline yet ({of}{base.pictures} of {BASELINE} pictures since it is live)."
    elif (day := model.latest_drift) is not None and day.far_share is not None and day.p is not None:
        yield (
            f"{called}: pictures of {day.day} have drifted away: {percent(day.far_share)} are far, where "
            f"{percent(FAR_SHARE)} were to be expected (p {day.p:.2g})."
        )
    else:
        yield f"{called}: no day was unlike the baseline."
    if model.strangeness is Strangeness.CONFIDENCE:
        yield "  It tells no distance to what it learned from; what its confidence lacks to 100 % stands in."
    if base.limit is not None and not base.has_vectors:
        yield f"  What pictures look like is not compared: {base.vectors} of the baseline's have a vector."


def _table(model: WatchedModel, most: int) -> Table:
    columns = ("Day (UTC)", "Pictures", "Unknown", "Without look-alikes", "Far", "p", "")
    table = Table(*columns, box=None, pad_edge=False)
    for day in model.days[-most:]:
        far = "" if day.far_share is None else percent(day.far_share, 1)
        p = "" if day.p is None else f"{day.p:.2g}"
        counted = str(day.pictures), percent(day.unknown / day.pictures), str(day.observations)
        table.add_row(day.day, *counted, far, p, Text("drifted" if day.has_drifted else ""))
    return table
