"""imagestore forget"""

import functools
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from imagestore.accounts.audit import Audit
from imagestore.backup.forget import forget as forget_picture
from imagestore.backup.vault import FolderVault, Vault
from imagestore.cli import stores
from imagestore.cli.output import console, safe
from imagestore.configure import backups_of
from imagestore.errors import StoreError
from imagestore.record import record_id, stored_name
from imagestore.settings import account
from imagestore.store import Stores
from imagestore.store.records import TOMBSTONE_TTL_S
from imagestore.store.retention import COSMOS_BACKUP_DAYS, QUEUE_DAYS, kept_after_deletion_days
from imagestore.webhooks.delivery import KEPT_DAYS, OPEN_DAYS
from imagestore.webhooks.registry import told_of_deletion

_say = functools.partial(console.print, markup=False, highlight=False, soft_wrap=True)


def forget(
    name: Annotated[str, typer.Argument(help="The picture's name.")],
    backups: Annotated[
        list[Path] | None,
        typer.Option(
            "--backup", help="A folder with backups, once for each; the account of BACKUPS is looked through too."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a picture for good: the upload, all that was made of it, copies to learn from, and our backups of it. Says
    what still holds it, and until when."""
    name, opened = stored_name(name), stores.opened()
    vaults: list[Vault] = [FolderVault(folder) for folder in backups or ()]
    if (elsewhere := backups_of(stores.environment())) is not None:
        vaults.append(elsewhere)
    where = ", ".join(["here", *(vault.where for vault in vaults)])
    if not yes and not typer.confirm(safe(f"Forget '{name}' ({where})? Nothing brings it back.")):
        _say("Nothing was deleted.")
        raise typer.Exit(1)
    audit = functools.partial(Audit(opened.audit).write, account(), "forget", target=record_id(name))
    try:
        done = forget_picture(opened, name, vaults)
    except Exception as error:
        audit(result=type(error).__name__)
        raise
    audit()
    _say("Deleted:" if done.deleted else "There was nothing left to delete.")
    for sentence in done.deleted:
        _say(f"- {safe(sentence)}")
    _say("Still there:")
    now = datetime.now(UTC)
    for sentence in [*done.stays, *_until(opened, now), *_told(opened, name, now), *_for_ever(bool(vaults))]:
        _say(f"- {safe(sentence)}")
    for other in done.others:
        _say(f"The same picture is also there as '{safe(other)}', which stays: imagestore forget it, too.")


def _day(now: datetime, days: float) -> str:
    return f"{now + timedelta(days=days + 1):%Y-%m-%d}"


def _told(opened: Stores, name: str, now: datetime) -> list[str]:
    """The deletion is an event itself, which webhooks are told."""
    told = [one.id for one in told_of_deletion(opened, name)]
    days = stores.settings().webhook_retry_hours / 24 + OPEN_DAYS + KEPT_DAYS
    sentence = (
        f"Until {_day(now, days)} at the latest, unless somebody has it sent again: the name, in the event that tells "
        f"webhooks of the deletion ({', '.join(told)}). It is kept for {KEPT_DAYS} days once their receivers have it."
    )
    return [sentence] if told else []


def _until(opened: Stores, now: datetime) -> list[str]:
    """What still holds something of it, each with the day from which that is gone."""
    day = functools.partial(_day, now)
    told = [
        f"Until {day(TOMBSTONE_TTL_S / 86_400)}: the name, in the record that says that the upload is gone.",
        f"Until {day(QUEUE_DAYS)}: the name, in messages that may wait on queues.",
    ]
    try:
        days = kept_after_deletion_days(opened)
    except StoreError as error:
        told.insert(0, f"How long soft delete keeps the files is not known here ({error}): see KEEP_DELETED_DAYS.")
    else:
        if days:
            told.insert(
                0, f"Until {day(days)}: the deleted files themselves, in the account's soft delete ({days} days)."
            )
    if "localhost" not in (there := opened.cosmos.address("accountEndpoint")) and "127.0.0.1" not in there:
        told.append(
            f"Until {day(COSMOS_BACKUP_DAYS)}: the record, in Cosmos DB's continuous backup ({COSMOS_BACKUP_DAYS} "
            "days, as infra/ sets it up)."
        )
    return told


def _for_ever(has_backups: bool) -> list[str]:
    told = [
        "In the audit log, ids that follow from the name: who knows the name can compare.",
        "What models have learned from it: train them anew, and promote that, where it was among the pictures.",
        "Copies that others have made: exported models' reports, downloads, results that a program has read.",
    ]
    if not has_backups:
        told.append("Backups that were not named: imagestore forget --backup FOLDER, as long as the name is known.")
    return told
