"""What the routes need, made once per process: the stores, the index and its reader, the renderer, the jobs."""

import logging
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from classify import ModelLabels
from imagestore.accounts import mail
from imagestore.accounts.mail import MailServer
from imagestore.accounts.openid import OpenId, OpenIdOptions
from imagestore.accounts.roles import Role
from imagestore.accounts.service import Accounts
from imagestore.accounts.sessions import Lengths
from imagestore.accounts.signing import Tokens, keys_in, keys_of_this_process
from imagestore.configure import open_stores, renderer_of, sealer_of, secrets_of
from imagestore.errors import SettingsError
from imagestore.fetch import is_public
from imagestore.jobs.board import JobBoard
from imagestore.jobs.sealed import Sealer
from imagestore.pipeline.changes.bulk import BulkChanges
from imagestore.pipeline.rendition import Renderer
from imagestore.pipeline.watch.watched import Verdicts
from imagestore.record import utc
from imagestore.settings import Auth, Settings, SignUp, account
from imagestore.settings.openid import Issuer
from imagestore.store import Stores
from imagestore.store.secrets import Secrets
from imagestore.web.clients import PublicAddress
from imagestore.web.index.change_feed import ChangeFeedReader
from imagestore.web.index.index import Index
from imagestore.web.index.likeness import Likeness
from imagestore.web.index.picture_lists import PictureLists
from imagestore.web.load.most import MostAtOnce, MostPerMinute, SlowestBody
from imagestore.web.models.classifier import Classifier
from imagestore.web.models.learned_files import LearnedFiles
from imagestore.web.models.live_model import LiveModel
from imagestore.webhooks.events import NO_SOURCE
from imagestore.webhooks.registry import Webhooks

log = logging.getLogger("imagestore.web")


class RecentUploads:
    """The names of the latest uploads through this process, to find those that have no record yet."""

    def __init__(self, most: int = 10_000) -> None:
        self._lock = threading.Lock()
        self._names: OrderedDict[str, str] = OrderedDict()
        self._most = most

    def add(self, id: str, name: str) -> None:
        """Remember a name, and forget the oldest if there are too many."""
        with self._lock:
            self._names[id] = name
            self._names.move_to_end(id)
            if len(self._names) > self._most:
                self._names.popitem(last=False)

    def get(self, id: str) -> str | None:
        """The name of the upload with this id, if it is remembered."""
        with self._lock:
            return self._names.get(id)


@dataclass(frozen=True)
class WebOptions:
    """What the settings say to the routes: the limits of an upload, how long a deletion can be undone, and who is let
    in."""

    max_bytes: int
    max_name_length: int
    undo_seconds: float
    auth: Auth = Auth.OFF
    public_url: str = ""
    trusted_proxies: int = 0
    sign_up: SignUp = SignUp.INVITATION
    allowed_origins: tuple[str, ...] = ()
    audit_days: int = 365
    undelete_days: int = 7
    most_per_minute: MostPerMinute = field(default_factory=MostPerMinute)
    most_at_once: MostAtOnce = field(default_factory=MostAtOnce)
    slowest_body: SlowestBody = field(default_factory=SlowestBody)


@dataclass(frozen=True)
class Services:
    """What the routes need."""

    options: WebOptions
    stores: Stores
    index: Index
    change_feed: ChangeFeedReader
    renderer: Renderer
    classifier: Classifier
    jobs: JobBoard
    likeness: Likeness
    live_model: LiveModel
    accounts: Accounts
    recent: RecentUploads = field(default_factory=RecentUploads)
    account: str = "local"
    picture_lists: PictureLists = field(default_factory=PictureLists)
    learned_files: LearnedFiles = field(default_factory=LearnedFiles)
    verdicts: Verdicts = field(default_factory=Verdicts)
    may_fetch: Callable[[str], bool] = is_public
    sealer: Sealer | None = None
    webhook_hosts: tuple[str, ...] = ()

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Services":
        """Make them from environment variables; no service is asked yet. Raises SettingsError."""
        settings = Settings.read(environ)
        stores = open_stores(environ, "web")
        unchecked = open_stores(environ)  # for what opens a client here: the checks at start wait for a request
        index = Index(_index_path(settings))
        renderer = renderer_of(settings, stores)
        return cls(
            options=options_of(settings),
            stores=stores,
            index=index,
            change_feed=ChangeFeedReader(unchecked, index, settings.feed_poll_seconds),
            renderer=renderer,
            classifier=Classifier(stores, renderer, settings.model_path, settings.model_cache_bytes),
            jobs=JobBoard(unchecked.jobs),
            likeness=Likeness(index),
            live_model=LiveModel(settings.model_path, stores, settings.model_poll_seconds),
            accounts=accounts_of(settings, unchecked, environ),
            account=account(),
            sealer=sealer_of(settings, environ),
            webhook_hosts=settings.hosts_of_webhooks,
        )

    @property
    def hidden_ids(self) -> tuple[str, ...]:
        """The ids of the pictures that are about to be deleted, and which lists leave out."""
        return self.index.hidden(utc())

    @property
    def bulk(self) -> BulkChanges:
        """Changes of many pictures, of which this process's index learns at once."""
        return BulkChanges(self.stores, self.change_feed.changed_here)

    @property
    def webhooks(self) -> Webhooks:
        """Where events are posted."""
        return Webhooks(self.stores, self.sealer, self.webhook_hosts, self.options.public_url or NO_SOURCE)

    @property
    def public(self) -> PublicAddress:
        """The address under which the app is known: where nobody signs in, this machine's own alone."""
        return PublicAddress(self.options.public_url if self.options.auth is Auth.REQUIRED else "")

    @property
    def model(self) -> ModelLabels | None:
        """What the live model says of itself; None if it cannot be read now."""
        return self.live_model.get()

    def close(self) -> None:
        """Stop the threads and child processes, and close the files."""
        self.change_feed.stop()
        self.classifier.close()
        self.likeness.close()
        self.renderer.close()
        self.index.close()


def options_of(settings: Settings) -> WebOptions:
    """What these settings say to the routes. Raises SettingsError where people must sign in and there is no address."""
    if settings.auth is Auth.REQUIRED and not settings.public_url:
        raise SettingsError(
            "PUBLIC_URL is not set. Where people sign in (AUTH=required) it is the web app's address as they know it, "
            "such as https://pictures.example.org. See docs/settings.md."
        )
    return WebOptions(
        max_bytes=settings.max_bytes,
        max_name_length=settings.max_name_length,
        undo_seconds=settings.undo_seconds,
        undelete_days=settings.undelete_days,
        auth=settings.auth,
        public_url=settings.public_url.rstrip("/"),
        trusted_proxies=settings.trusted_proxies,
        sign_up=settings.sign_up,
        allowed_origins=settings.allowed_origins,
        audit_days=settings.audit_days,
        most_per_minute=MostPerMinute(
            settings.account_requests_per_minute,
            settings.key_requests_per_minute,
            settings.address_requests_per_minute,
        ),
        most_at_once=MostAtOnce(
            settings.uploads_at_once,
            settings.uploads_at_once_per_caller,
            settings.event_streams,
            settings.event_streams_per_caller,
        ),
    )


def accounts_of(settings: Settings, stores: Stores, environ: Mapping[str, str]) -> Accounts:
    """The accounts in these stores. Raises SettingsError."""
    kept = secrets_of(settings, environ)
    lengths = Lengths(timedelta(minutes=settings.session_idle_minutes), timedelta(hours=settings.session_hours))
    tokens = Tokens(keys_in(kept) if kept else keys_of_this_process(), settings.public_url.rstrip("/"))
    demanded = settings.second_factor_from
    return Accounts.over(
        stores.accounts,
        stores.audit,
        tokens,
        lengths,
        issuers=issuers_of(settings, kept),
        factor_from=Role(demanded) if demanded else None,
        mail_server=mail_server_of(settings, kept),
        public_url=settings.public_url.rstrip("/"),
    )


def mail_server_of(settings: Settings, kept: Secrets | None) -> MailServer | None:
    """The mail server that the settings name, None if they name none."""
    if not settings.mail_server:
        return None
    return MailServer(
        settings.mail_server,
        settings.mail_port,
        settings.mail_encryption,
        settings.mail_from,
        settings.mail_user,
        lambda: kept.get(mail.SECRET) if kept else None,
    )


def issuers_of(settings: Settings, kept: Secrets | None) -> list[OpenId]:
    """The OpenID issuers that the settings allow. Raises SettingsError."""
    return [_openid_of(one, kept) for one in settings.issuers]


def _openid_of(issuer: Issuer, kept: Secrets | None) -> OpenId:
    where = f"OIDC_MORE ({issuer.id})" if issuer.id else "OIDC_ROLES"
    default = issuer.default_role
    options = OpenIdOptions(
        id=issuer.id,
        issuer=issuer.issuer,
        client_id=issuer.client_id,
        name=issuer.name,
        audience=issuer.audience,
        scope=issuer.scope,
        roles_claim=issuer.roles_claim,
        roles={value: _role(where, f"{value}={role}", role) for value, role in issuer.roles.items()},
        default_role=_role("OIDC_DEFAULT_ROLE", default, default) if default else None,
    )
    return OpenId(options, lambda: kept.get(options.secret) if kept else None)


def _role(setting: str, text: str, role: str) -> Role:
    try:
        return Role(role)
    except ValueError:
        raise SettingsError(f"{setting} is '{text}': '{role}' is no role. There are {', '.join(Role)}.") from None


def _index_path(settings: Settings) -> Path:
    if settings.web_index:
        return Path(settings.web_index)
    return Path(tempfile.mkdtemp(prefix="imagestore-")) / "index.sqlite"
