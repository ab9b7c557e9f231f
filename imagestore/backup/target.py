"""Whether a backup may be restored into an account: into an empty one, or into the instance that it is of."""

from dataclasses import dataclass

from imagestore.backup.format import FileLine, Manifest, PictureLine
from imagestore.backup.snapshots import PICTURES, lines_of
from imagestore.backup.vault import Vault
from imagestore.errors import WrongInstance
from imagestore.store import Listed, Stores
from imagestore.store.instance import instance_id


@dataclass(frozen=True)
class There:
    """What a listing shows of an account: uploads, staged pictures, results, labelled pictures and models, by name."""

    uploads: dict[str, Listed]
    staging: dict[str, Listed]
    results: dict[str, Listed]
    training: dict[str, Listed]
    models: dict[str, Listed]

    @classmethod
    def listed(cls, stores: Stores) -> "There":
        """The account of these stores. Raises Unavailable."""
        return cls(
            {blob.name: blob for page, _ in stores.uploads.list(tags=True, metadata=True) for blob in page},
            {blob.name: blob for page, _ in stores.staging.list() for blob in page},
            {blob.name: blob for page, _ in stores.results.list(metadata=True) for blob in page},
            {blob.name: blob for page, _ in stores.training.list(metadata=True) for blob in page},
            {blob.name: blob for page, _ in stores.model_files.list(metadata=True) for blob in page},
        )


def demand_same_instance(stores: Stores, vault: Vault, manifest: Manifest, there: There) -> None:
    """Raises WrongInstance if what is there is another instance's, BackupError, Unavailable.

    An instance has a name since its first backup, which stands in the container `models`. Where that file is lost, one
    upload, labelled picture or version that the backup has too shows that it is the same.
    """
    id = instance_id(stores.model_files)
    if id == manifest.instance:
        return
    if id is not None:
        raise WrongInstance(
            f"The data that is there is of another instance ({id}) than the backup in {vault.where} "
            f"({manifest.instance}). Nothing was changed. Restore into empty containers and an empty database."
        )
    models = {name: blob for name, blob in there.models.items() if "/" in name}
    if not there.uploads and not there.training and not models and next(stores.records.each(limit=1), None) is None:
        return
    if not _has_in_common(vault, manifest, there):
        raise WrongInstance(
            f"There is data here ({len(there.uploads):,} uploads, {len(there.training):,} files of labelled pictures, "
            f"{len(models):,} of models) and nothing of it is in the backup in {vault.where}: it is another "
            "instance's. Nothing was changed. Restore into empty containers and an empty database."
        )


def is_content(line: FileLine, blob: Listed) -> bool:
    """Whether this blob has the content that is in the backup, as far as a listing shows it."""
    is_same_md5 = blob.md5 is not None and line.content.md5 == blob.md5.hex()
    return line.content.size_bytes == blob.size_bytes and (is_same_md5 or line.etag == blob.etag)


def _has_in_common(vault: Vault, manifest: Manifest, there: There) -> bool:
    def is_there(line: FileLine, blobs: dict[str, Listed]) -> bool:
        return line.name in blobs and line.content.size_bytes > 0 and is_content(line, blobs[line.name])

    pictures = lines_of(vault, manifest, PICTURES, PictureLine)
    return (
        any(is_there(picture.upload, there.uploads) for picture in pictures)
        or any(is_there(line, there.training) for line in lines_of(vault, manifest, "training", FileLine))
        or any(is_there(line, there.models) for line in lines_of(vault, manifest, "models", FileLine))
    )
