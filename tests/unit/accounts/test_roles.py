"""Roles are ordered: each may do what the one before may."""

from imagestore.accounts.roles import Role, lower


def test_a_role_covers_itself_and_those_before() -> None:
    for number, role in enumerate(Role):
        assert [role.covers(other) for other in Role] == [True] * (number + 1) + [False] * (3 - number)


def test_the_lower_of_two() -> None:
    assert lower(Role.ADMIN, Role.VIEWER) is Role.VIEWER
    assert lower(Role.CONTRIBUTOR, Role.TRAINER) is Role.CONTRIBUTOR
