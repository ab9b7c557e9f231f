"""Everything that can go wrong, as one tree.

    Exception
    ├── preprocess.PictureError    the picture's own fault: never retried, becomes a record with status "rejected"
    ├── preprocess.DecoderFailed   the decode child had a fault that is not the picture's: retried later
    ├── preprocess.NotStaged       a blob in the staging container that we did not make
    ├── classify.ModelError        a model file that cannot be used
    └── ImageStoreError
        ├── SettingsError          a setting that is missing or wrong
        ├── NotALabel              a text that cannot be a label
        ├── NotCorrections         a file or list of corrections that cannot be read, or a row of it
        ├── NotAModelName          a text that cannot be the name of a model
        ├── NotFetched             what an address leads to cannot be fetched, or may not be
        │   └── NoHost             there is no host of this name, or nobody says so just now
        ├── NotAProject            a text that cannot be the title of a project, or one project too many
        ├── NotARoute              a text that cannot be a route, or one route too many
        ├── NotAWebhook            an address or a choice of events that no webhook can have, or one webhook too many
        ├── BadPolicy              a file that is no policy of tiers
        ├── BadPrices              a file that holds no prices
        ├── NotARecord             JSON that is not a record
        ├── NotATask               a message that is not a task we would send
        ├── BadCursor              a value of `after` that this list did not give
        ├── BackupError            a backup that cannot be read, or that does not belong here
        │   └── WrongInstance      another instance's data is there
        ├── UnreadableFile         a file or folder that was named and cannot be read
        ├── TrainingError
        │   ├── BadTrainingData    labelled pictures that no model can be made of
        │   ├── BadSplit           the stored list of test pictures cannot be read
        │   ├── NoRoom             the disk has no room for what a training computes
        │   └── NotMigrated        labelled pictures lie there in the form of an earlier version
        ├── PromotionRefused       the gate does not let a model become the live one
        ├── LocalStackError        the local stack cannot start
        │   ├── MissingPrerequisite  a program or module that it needs is not installed
        │   ├── PortInUse          another program listens on a port that it needs
        │   └── NotStarted         one of its processes did not start
        ├── ServiceRefused         a service refused what `imagestore doctor` asked
        ├── NotSubmitted           Azure Machine Learning did not take a training
        ├── Busy                   more was asked at once than this process does at a time: ask again later
        ├── LeaseLost              a job that this process did was taken up by another, or has ended
        ├── Contended              others kept writing the same record: retried later
        ├── AccessError            what has to do with accounts, sessions and keys
        │   ├── SignInRefused      email and password, key, token or session are not right, or no longer
        │   ├── TooManyAttempts    somebody tried too often; `retry_after_s` says when to try again
        │   ├── LinkRefused        a one-time link was used, has expired, or never was
        │   ├── NotAccepted        an email address, a name or a password that an account cannot have
        │   ├── LastAdmin          the only administrator left can neither go nor become anything else
        │   ├── DeletionUnfinished  an account is closed, and not all of it could be deleted
        │   └── Overloaded         more passwords are being checked than this process can bear at once
        ├── RemoteError            a distant web app, which the client or the command line asks
        │   ├── NotReached         it did not answer, or its certificate is not trusted
        │   ├── NotGivenOut        it does not give out what it lists, however often it is asked
        │   └── RequestRefused     it answered that it does not do this; the message is its own sentence
        │       ├── KeyRefused     the key or token is missing, wrong, or no longer good
        │       ├── RoleNeeded     the key's role does not suffice; `needed` is the role that does
        │       └── NotThere       the picture, account or key is not there (a NotFound too)
        └── StoreError
            ├── NotFound           the blob, item, container or database is not there
            ├── Conflict           somebody else wrote first: read again and start over
            ├── Unavailable        the service did not answer, or answered that it cannot: retried later
            └── Protected          the account's owner forbids it for now; each kind is retried later, then recorded
                ├── BlobLeased     another program holds a lease on the blob
                ├── BlobArchived   the blob is in the archive tier, and cannot be read
                └── BlobImmutable  a legal hold or an immutability policy keeps the blob as it is

A `StoreError` of none of these kinds is a request that the service refuses however often it is made. Any other
exception that leaves a step is a fault of ours, and is retried like `Unavailable`. `ApiProblem` in web/problems.py is
no error of its own but an HTTP answer: what a client of the web app is told of one of these.
"""

from collections.abc import Collection
from enum import StrEnum


class ImageStoreError(Exception):
    """The root of the tree."""


class SettingsError(ImageStoreError):
    """A setting is missing or wrong; the message names it, its value and what is allowed."""


class BadPolicy(ImageStoreError):
    """This file is no policy of tiers."""


class BadPrices(ImageStoreError):
    """This file holds no prices, or not all."""


class NotALabel(ImageStoreError):
    """This text cannot be a label."""


class NotCorrections(ImageStoreError):
    """What says which picture shows what cannot be read, or a row of it."""


class NotAModelName(ImageStoreError):
    """No model can have this name."""


class NotFetched(ImageStoreError):
    """What an address leads to cannot be fetched, or may not be."""


class NoHost(NotFetched):
    """There is no host of this name, or nobody says so just now."""


class NotAProject(ImageStoreError):
    """This cannot be a project."""


class NotARoute(ImageStoreError):
    """This cannot be a route."""


class NotAWebhook(ImageStoreError):
    """This cannot be a webhook."""


class NotARecord(ImageStoreError, ValueError):
    """This JSON is not a record."""


class NotATask(ImageStoreError, ValueError):
    """This message is not a task that we would send."""


class AccessError(ImageStoreError):
    """Something about an account, a session or a key."""


class SignInRefused(AccessError):
    """The email and password, the key, the token or the session are not right, or no longer."""


class TooManyAttempts(AccessError):
    """Somebody tried too often."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class LinkRefused(AccessError):
    """A one-time link was used, has expired, or never was."""


class NotAccepted(AccessError):
    """An account cannot have this email address, name or password."""


class LastAdmin(AccessError):
    """The only administrator left can neither go nor become anything else."""


class DeletionUnfinished(AccessError):
    """An account was closed, or may be, and not all that belongs to it was deleted: once more does the rest."""


class Overloaded(AccessError):
    """More passwords are being checked than this process can bear at once."""


class BadCursor(ImageStoreError):
    """This value of `after` does not belong to this list."""


class BackupError(ImageStoreError):
    """A backup is damaged, of another format, or cannot be restored here."""


class WrongInstance(BackupError):
    """The backup is of one instance, and the data that is there of another."""


class UnreadableFile(ImageStoreError):
    """A file or folder that the user named cannot be read."""


class TrainingError(ImageStoreError):
    """No model can be trained, or none evaluated."""


class BadTrainingData(TrainingError):
    """The labelled pictures cannot be learned from; the message says what is missing."""


class BadSplit(TrainingError):
    """The file that holds the split cannot be read."""


class NoRoom(TrainingError):
    """The disk has no room for what a training computes of its pictures; the message names the folder and the size."""


class NotMigrated(TrainingError):
    """Labelled pictures lie there in the form of an earlier version; the message says which command moves them."""


class GateOverride(StrEnum):
    """How much of the gate's verdict a person overrides: nothing, only "too close to call", or any verdict."""

    NOTHING = "nothing"
    ACCEPT_EQUAL = "accept_equal"
    FORCE = "force"


class PromotionRefused(ImageStoreError):
    """The gate does not let this model through. The message says why and `details` say more, one fact each.

    It would pass with `override`, if every label in `drop` is dropped.
    """

    def __init__(
        self, message: str, override: GateOverride, details: Collection[str] = (), drop: Collection[str] = ()
    ) -> None:
        super().__init__(message)
        self.override = override
        self.details = list(details)
        self.drop = list(drop)


class LocalStackError(ImageStoreError):
    """The local stack cannot start."""


class MissingPrerequisite(LocalStackError):
    """A program or package that the local stack needs is not on this machine."""


class PortInUse(LocalStackError):
    """A port that the stack needs is taken."""


class NotStarted(LocalStackError):
    """A process ended, or did not answer, while it started. The message holds the end of its log."""


class Refusal(StrEnum):
    """Why a service refused a request."""

    NOT_THERE = "not there"
    FORBIDDEN = "forbidden"
    NOT_SIGNED_IN = "not signed in"
    NO_TAGS = "no tags"
    UNREACHABLE = "unreachable"


class ServiceRefused(ImageStoreError):
    """A service refused a request of the checks; `detail` is its message, in one line."""

    def __init__(self, refusal: Refusal, detail: str) -> None:
        super().__init__(detail)
        self.refusal = refusal
        self.detail = detail


class NotSubmitted(ImageStoreError):
    """Azure Machine Learning did not take a training; the message is its own."""


class StoreError(ImageStoreError):
    """A store did not do what it was asked to do."""


class NotFound(StoreError):
    """The blob, item, container or database is not there."""


class Conflict(StoreError):
    """Somebody else changed it after it was read."""


class Unavailable(StoreError):
    """The service did not answer, or answered that it cannot at the moment."""


class Protected(StoreError):
    """The blob is there, but its owner keeps it from being read or changed."""


class BlobLeased(Protected):
    """Another program holds a lease on the blob."""


class BlobArchived(Protected):
    """The blob is in the archive tier: it must be brought back before it can be read."""


class BlobImmutable(Protected):
    """A legal hold or an immutability policy keeps the blob from being changed or deleted."""


class RemoteError(ImageStoreError):
    """A distant web app did not do what it was asked to do."""


class NotReached(RemoteError):
    """The web app did not answer, or its certificate is not trusted."""


class NotGivenOut(RemoteError):
    """What was asked for is not to be had, however often it is asked for: of a picture, others may be."""


class RequestRefused(RemoteError):
    """The web app answered that it does not do this. `code` is a word for programs, such as name_taken."""

    def __init__(self, message: str, status: int, code: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class KeyRefused(RequestRefused):
    """The key or token is missing, wrong, or no longer good."""


class RoleNeeded(RequestRefused):
    """The role of the key does not suffice; `needed` is the one that does."""

    def __init__(self, message: str, status: int, code: str, needed: str) -> None:
        super().__init__(message, status, code)
        self.needed = needed


class NotThere(RequestRefused, NotFound):
    """The web app has no such picture, account or key."""


class Busy(ImageStoreError):
    """More was asked at once than this process does at a time: asking again later helps."""


class LeaseLost(ImageStoreError):
    """The job that this process does was taken up by another, or has ended: nothing that it makes counts."""


class Contended(ImageStoreError):
    """Others kept writing the same record; doing it all again later helps."""
