"""imagestore backup, imagestore restore: what an instance keeps, in a folder or another storage account, and back."""

import contextlib
import functools
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from imagestore.accounts.audit import Audit
from imagestore.backup import snapshots
from imagestore.backup.documents import Came
from imagestore.backup.format import Manifest
from imagestore.backup.make import back_up
from imagestore.backup.restore import Restored, Wanted
from imagestore.backup.restore import restore as restore_snapshot
from imagestore.backup.restore_pictures import Outcome
from imagestore.backup.snapshots import DOCUMENTS, FILES, PICTURES
from imagestore.backup.vault import FolderVault, Vault
from imagestore.cli import stores
from imagestore.cli.output import console, safe
from imagestore.cli.stages import stages
from imagestore.configure import backups_of, limits_of
from imagestore.errors import NotFound, SettingsError
from imagestore.settings import account
from imagestore.store import Stores, create
from imagestore.store.instance import end_restore, open_restore
from preprocess import Decoder

app = typer.Typer(invoke_without_command=True, help="Back up to a folder or another account; look after backups.")
In = Annotated[
    Path | None,
    typer.Option(
        "--in",
        "--to",
        "--from",
        help="The folder with the backups; without it, the account of BACKUPS.",
        show_default=False,
    ),
]
Snapshot = Annotated[str | None, typer.Option(help="Which snapshot; without it, the latest.")]
_MOST_SHOWN = 20
_say = functools.partial(console.print, markup=False, highlight=False, soft_wrap=True)


def vault_of(folder: Path | None) -> Vault:
    """The folder, or the container that BACKUPS names. Raises SettingsError if there is neither."""
    if folder is not None:
        return FolderVault(folder)
    found = backups_of(stores.environment())
    if found is None:
        raise SettingsError(
            "Where to? Name a folder, as in imagestore backup --to FOLDER, or set BACKUPS to another storage account "
            "(docs/years.md)."
        )
    return found


@app.callback()
def backup(
    context: typer.Context,
    to: In = None,
    without_uploads: Annotated[
        bool, typer.Option("--without-uploads", help="Leave out the pictures' files, if they are kept elsewhere.")
    ] = False,
) -> None:
    """Take a snapshot, if no other command is given. What an earlier one has is not read again; broken off, it is given
    again."""
    if context.invoked_subcommand is not None:
        return
    opened, vault = stores.opened(), vault_of(to)
    with stages() as begin:
        manifest = back_up(opened, vault, with_uploads=not without_uploads, begin=begin)
    Audit(opened.audit).write(account(), "backup", target=manifest.id)
    _say(f"Snapshot {manifest.id} in {vault.where}: {_counts(manifest)}. {_size(manifest.new_bytes)} are new.")
    _name_left_out(manifest)


@app.command("list")
def list_snapshots(folder: In = None) -> None:
    """List the snapshots, the latest last."""
    vault = vault_of(folder)
    table = Table("Snapshot", "Begun", "Pictures", "Uploads", "Left out", "New", box=None, pad_edge=False)
    for id in snapshots.finished_ids(vault):
        one = snapshots.manifest_of(vault, id)
        uploads = "yes" if one.with_uploads else "no"
        left_out = f"{len(one.left_out):,}" if one.left_out else ""
        table.add_row(id, one.begun_at, f"{one.count(PICTURES):,}", uploads, left_out, _size(one.new_bytes))
    if table.row_count:
        console.print(table)
    else:
        _say(f"There is no finished snapshot in {vault.where}.")
    if broken := snapshots.unfinished(vault):
        _say(f"{len(broken)} broke off: imagestore backup goes on from there.")


@app.command()
def check(folder: In = None, snapshot: Snapshot = None) -> None:
    """Read a snapshot with all that it needs, and compare everything with its checksum."""
    vault = vault_of(folder)
    manifest = snapshots.manifest_of(vault, snapshot)
    with stages() as begin:
        found = snapshots.check(vault, manifest, begin("Checking contents", 0))
    _tell_all(found.wrong)
    if found.wrong:
        raise typer.Exit(1)
    _say(f"Snapshot {manifest.id} is whole: {found.contents:,} contents of {_size(found.bytes)}. {_counts(manifest)}.")
    _name_left_out(manifest)


@app.command()
def prune(
    keep: Annotated[int, typer.Option(min=1, help="How many snapshots to keep.")],
    folder: In = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete all snapshots but the latest, and contents that no snapshot needs any more."""
    vault = vault_of(folder)
    if not (ids := snapshots.finished_ids(vault)):
        raise NotFound(f"There is no finished snapshot in {vault.where}.")
    if len(ids) > keep and not yes and not typer.confirm(f"Delete {len(ids) - keep} of {len(ids)} snapshots?"):
        raise typer.Exit(1)
    gone, freed = snapshots.prune(vault, keep)
    _say(f"{len(gone)} snapshots deleted, {_size(freed)} freed; {min(keep, len(ids))} are left.")


def restore(
    folder: In = None,
    snapshot: Snapshot = None,
    without_uploads: Annotated[
        bool, typer.Option("--without-uploads", help="Restore all else, for the uploads that are there.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Put back what differs from the backup, too, not only what is missing.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    give_up: Annotated[bool, typer.Option("--give-up", help="Give up a restore that is not finished.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Restore a backup into an empty account, or what is missing into the instance that it is of. Nothing is classified
    again. Broken off, it is given again."""
    opened = stores.opened()
    if give_up:
        return _give_up(opened)
    vault = vault_of(folder)
    manifest = snapshots.manifest_of(vault, snapshot)
    limits = limits_of(stores.settings())
    wanted = Wanted(not without_uploads, overwrite, dry_run, account())
    what = "; what differs is overwritten" if overwrite else ""
    question = (
        f"Restore snapshot {manifest.id} ({_counts(manifest)}) into {opened.storage.address('blobServiceUri')}{what}?"
    )
    if not dry_run:
        if not yes and not typer.confirm(safe(question)):
            raise typer.Exit(1)
        create(opened)
    with stages() as begin, contextlib.closing(Decoder(2)) as decoder:
        done = restore_snapshot(opened, vault, manifest, wanted, decoder, limits, begin)
    if not dry_run:
        Audit(opened.audit).write(
            account(), "restore", target=manifest.id, result="failed" if done.pictures[Outcome.PROBLEM] else "done"
        )
    _tell(done, dry_run)
    if done.problems:
        raise typer.Exit(1)


def _give_up(opened: Stores) -> None:
    going = open_restore(opened.model_files)
    if going is None:
        raise NotFound("No restore is under way.")
    end_restore(opened.model_files)
    _say(f"The restore of snapshot {going.snapshot} is given up. What it has not done is classified by the next sweep.")


def _tell(done: Restored, dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    rows = [(f"pictures {outcome}", count) for outcome, count in done.pictures.items()]
    for what in (*FILES, *DOCUMENTS):
        rows += [
            (f"{what} {'that differ' if came is Came.DIFFERS else came}", count)
            for (of, came), count in done.files.items()
            if of == what and came is not Came.SAME
        ]
    for text, count in sorted(rows):
        _say(f"{count:,} {text}")
    if not rows:
        _say("There was nothing to do.")
    if done.differing:
        _say(f"{done.differing:,} differ from the backup and {would}left as they are; --overwrite puts them back, too.")
    _tell_all(done.problems)
    if done.pictures[Outcome.PROBLEM]:
        _say("The restore is not finished. Give it again, or end it: imagestore restore --give-up.")
    elif not dry_run:
        _say(
            "Accounts and keys are as they were when the snapshot was taken: revoke again what was revoked since. Look "
            "at all: imagestore verify."
        )


def _tell_all(sentences: Iterable[str]) -> None:
    every = list(sentences)
    for sentence in every[:_MOST_SHOWN]:
        _say(safe(sentence))
    if len(every) > _MOST_SHOWN:
        _say(f"… and {len(every) - _MOST_SHOWN:,} more.")


def _name_left_out(manifest: Manifest) -> None:
    _tell_all(f"Not in the snapshot: {one.container}/{one.name}: {one.why}" for one in manifest.left_out)
    if manifest.left_out:
        raise typer.Exit(1)


def _counts(manifest: Manifest) -> str:
    counts = {what: manifest.count(what) for what in (PICTURES, *FILES, *DOCUMENTS)}
    pictures = f"{counts.pop(PICTURES):,} pictures{'' if manifest.with_uploads else ' without their files'}"
    return ", ".join([pictures, *(f"{count:,} of {what}" for what, count in counts.items() if count)])


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f} MB"
