"""What the client does with accounts and keys."""

from imagestore.accounts.keys import Key
from imagestore.accounts.roles import Role
from imagestore.client.answers import AccountInfo, Invitation, NewKey, OneTimeLink
from imagestore.client.http import Http
from imagestore.client.projects import part


class AccountMethods:
    """A part of the client."""

    _http: Http

    def accounts(self) -> list[AccountInfo]:
        """All accounts, by name. For administrators."""
        return self._http.get(list[AccountInfo], "/accounts")

    def invitations(self) -> list[Invitation]:
        """Invitations that nobody has accepted yet. For administrators."""
        return self._http.get(list[Invitation], "/invitations")

    def invite(self, email: str, role: Role = Role.VIEWER) -> OneTimeLink:
        """Make a link with which somebody makes an account. For administrators."""
        return self._http.ask(OneTimeLink, "POST", "/invitations", body={"email": email, "role": str(role)})

    def set_role(self, id: str, role: Role) -> AccountInfo:
        """Give an account another role. For administrators."""
        return self._http.ask(AccountInfo, "PUT", f"/accounts/{part(id)}/role", {"role": str(role)})

    def disable(self, id: str) -> AccountInfo:
        """Keep an account out, with its keys. For administrators."""
        return self._http.ask(AccountInfo, "PUT", f"/accounts/{part(id)}/disabled")

    def enable(self, id: str) -> AccountInfo:
        """Let an account in again. For administrators."""
        return self._http.ask(AccountInfo, "DELETE", f"/accounts/{part(id)}/disabled")

    def sign_out(self, id: str) -> None:
        """End all sessions of an account. For administrators."""
        self._http.send("DELETE", f"/accounts/{part(id)}/sessions")

    def remove_second_factor(self, id: str) -> None:
        """Take the second factor off of somebody who has lost it. For administrators."""
        self._http.send("DELETE", f"/accounts/{part(id)}/second-factor")

    def allow_reset(self, id: str) -> OneTimeLink:
        """Make a link with which somebody sets another password, once, within a day. For administrators."""
        return self._http.ask(OneTimeLink, "POST", f"/accounts/{part(id)}/reset")

    def delete_account(self, id: str) -> None:
        """Delete an account with its sessions and keys. For administrators."""
        self._http.send("DELETE", f"/accounts/{part(id)}")

    def api_keys(self, *, all: bool = False) -> list[Key]:
        """One's keys, or those of everybody, which administrators may see. Not the keys themselves."""
        return self._http.get(list[Key], "/keys", {"all": all or None})

    def create_key(
        self,
        name: str,
        role: Role | None = None,
        days: int | None = None,
        projects: tuple[str, ...] | None = None,
    ) -> NewKey:
        """Make a key, which is shown once, with `projects` for these alone. A web app with sign-in lets people do so,
        and no program that has a key."""
        body = {"name": name, "role": role and str(role), "days": days, "projects": projects and list(projects)}
        sent = {field: value for field, value in body.items() if value is not None}
        return self._http.ask(NewKey, "POST", "/keys", body=sent)

    def rotate_key(self, id: str, days: int | None = None) -> NewKey:
        """Make another key of the same name and role. The old one stays good until it is revoked or expires."""
        return self._http.ask(NewKey, "POST", f"/keys/{part(id)}/rotate", body={} if days is None else {"days": days})

    def revoke_key(self, id: str) -> None:
        """Make a key useless."""
        self._http.send("DELETE", f"/keys/{part(id)}")
