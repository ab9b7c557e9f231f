"""The four roles. Each may do what the one before may, and more."""

from enum import StrEnum


class Role(StrEnum):
    """Viewers look; contributors upload, correct, try again and delete; trainers train, promote and reprocess;
    administrators say who may do what, and read the audit log."""

    VIEWER = "viewer"
    CONTRIBUTOR = "contributor"
    TRAINER = "trainer"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """Higher than that of every role that may do less."""
        return list(Role).index(self)

    def covers(self, needed: "Role") -> bool:
        """Whether who has this role may do what the other role may."""
        return self.rank >= needed.rank


def lower(one: Role, other: Role) -> Role:
    """The role that may do less."""
    return min(one, other, key=lambda role: role.rank)
