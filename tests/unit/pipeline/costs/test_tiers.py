"""Which uploads move to which tier, what that saves, and what stays because somebody still needs it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from classify import ModelRef, Prediction, Score
from imagestore.errors import BadPolicy, Conflict
from imagestore.pipeline.costs.prices import Prices, Tier
from imagestore.pipeline.costs.tiers import Kept, Move, Rule, bring_back, carry_out, plan, read_policy, tier_of
from imagestore.record import RANDOM_BELOW, Correction, Record, Status, Upload, record_id
from imagestore.settings import ROOT
from imagestore.store import Listed
from imagestore.store.tags import tags_for

NOW = datetime(2026, 11, 29, tzinfo=UTC)
LIVE = ModelRef("default", "2", "ab" * 32)
PRICES = Prices.read()
COOL, COLD, ARCHIVE = Rule(30, "cool"), Rule(180, "cold"), Rule(365, "archive")
NAME = next(name for name in (f"{number}.jpg" for number in range(99)) if record_id(name) >= RANDOM_BELOW)
DRAWN = next(name for name in (f"{number}.jpg" for number in range(99)) if record_id(name) < RANDOM_BELOW)


def listed(name: str = NAME, days: float = 400, tier: str | None = "Hot", **more: Any) -> Listed:
    written = NOW - timedelta(days=days)
    tags = more.pop("tags", tags_for("1", "classified", "tabby"))
    return Listed(name, "1", 2_000_000_000, written, None, tags, tier=tier, **more)


PREDICTION = Prediction("tabby", 0.9, 0.8, 0.35, (Score("tabby", 0.9),), LIVE)


def record(name: str = NAME, **more: Any) -> Record:
    upload = Upload("1", 2_000_000_000)
    return replace(Record(record_id(name), name, Status.CLASSIFIED, "tabby", upload, prediction=PREDICTION), **more)


class Account:
    """As much of the stores as is asked: pages of uploads, their records, and the live model."""

    def __init__(self, *pages: list[Listed], records: tuple[Record, ...] = ()) -> None:
        self.moved: list[tuple[str, str, str | None]] = []
        known = {one.id: SimpleNamespace(record=one) for one in records}
        self.read: list[str] = []

        def read(id: str) -> Any:
            self.read.append(id)
            return known.get(id)

        def list_(marker: str | None = None, **_: Any) -> Any:
            first = 0 if marker is None else int(marker)
            for number, page in list(enumerate(pages))[first:]:
                yield page, str(number + 1) if number + 1 < len(pages) else None

        def set_tier(name: str, tier: str, etag: str | None = None) -> None:
            if etag == "old":
                raise Conflict("another version")
            self.moved.append((name, tier, etag))

        self.records = SimpleNamespace(read=read)
        self.uploads = SimpleNamespace(list=list_, set_tier=set_tier)


def models(spec: Any = None) -> Any:
    model = SimpleNamespace(ref=LIVE, spec=spec)
    return SimpleNamespace(current=lambda name: SimpleNamespace(model=model))


def moves(*blobs: Listed, rules: tuple[Rule, ...] = (COOL, COLD, ARCHIVE), records: tuple[Record, ...] = ()) -> Any:
    account: Any = Account(list(blobs), records=records)
    return [move for page in plan(account, models(), rules, PRICES, NOW) for move in page.moves]


@pytest.mark.parametrize(
    ("days", "target"), [(29.9, None), (30, None), (31, Tier.COOL), (181, Tier.COLD), (366, Tier.ARCHIVE)]
)
def test_the_cheapest_tier_whose_days_have_passed_counts(days: float, target: Tier | None) -> None:
    found = moves(listed(days=days), records=(record(),))
    assert [(one.source, one.target, one.kept) for one in found] == ([(Tier.HOT, target, None)] if target else [])


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        (Rule(30, "cool", label="tabby"), True),
        (Rule(30, "cool", label="espresso"), False),
        (Rule(30, "cool", status="classified"), True),
        (Rule(30, "cool", status="rejected"), False),
        (Rule(30, "cool", label="tabby", status="rejected"), False),
    ],
)
def test_a_rule_is_for_those_that_have_all_its_tags(rule: Rule, fits: bool) -> None:
    assert bool(moves(listed(), rules=(rule,))) is fits


@pytest.mark.parametrize(
    ("tier", "target"), [("Cool", Tier.COLD), ("Cold", None), ("Archive", None), (None, Tier.COLD)]
)
def test_nothing_is_moved_up_or_to_where_it_is(tier: str | None, target: Tier | None) -> None:
    found = moves(listed(days=200, tier=tier))
    assert [one.target for one in found] == ([target] if target else [])


def test_a_blob_of_which_azure_says_no_tier_that_we_know_counts_as_hot() -> None:
    assert tier_of(listed(tier="Smart")) is Tier.HOT


@pytest.mark.parametrize(
    ("blob", "records", "kept"),
    [
        (listed(days=40, tags={}), (), Kept.UNFINISHED),
        (listed(days=40, tags=tags_for("0", "classified", "tabby")), (), Kept.UNFINISHED),
        (listed(days=200, tier="Cool", tier_changed=NOW - timedelta(days=29)), (), Kept.EARLY),
        (listed(days=200, tier="Cool", tier_changed=NOW - timedelta(days=31)), (), None),
        (listed(), (), Kept.UNFINISHED),
        (listed(), (record(upload=Upload("0", 1)),), Kept.UNFINISHED),
        (listed(), (record(status=Status.FAILED),), Kept.UNFINISHED),
        (
            listed(),
            (record(prediction=replace(PREDICTION, model=ModelRef("default", "1", "c"))),),
            Kept.OUTDATED,
        ),
        (listed(), (record(status=Status.UNKNOWN),), Kept.REVIEW),
        (listed(DRAWN), (record(DRAWN),), Kept.REVIEW),
        (listed(), (record(correction=Correction("lynx", "me", "2026-01-01T00:00:00.000Z")),), Kept.TRAINING),
        (listed(), (record(),), None),
    ],
)
def test_what_is_still_needed_stays_readable(blob: Listed, records: tuple[Record, ...], kept: Kept | None) -> None:
    (move,) = moves(blob, records=records)
    assert move.kept is kept


def test_a_record_is_read_only_of_what_is_to_be_archived() -> None:
    account: Any = Account([listed(days=40), listed(days=200)])
    assert len(list(plan(account, models(), (COOL, COLD, ARCHIVE), PRICES, NOW))) == 1
    assert account.read == []


def test_it_goes_on_from_a_marker() -> None:
    account: Any = Account([listed("a.jpg", days=40)], [listed("b.jpg", days=40)])
    first, second = plan(account, models(), (COOL,), PRICES, NOW)
    assert (first.marker, second.marker) == ("1", None)
    (again,) = plan(account, models(), (COOL,), PRICES, NOW, first.marker)
    assert [move.name for move in again.moves] == ["b.jpg"]


def test_a_move_is_of_the_version_that_was_planned_for() -> None:
    account: Any = Account()
    move = Move("a.jpg", "1", 5, Tier.HOT, Tier.COLD)
    assert carry_out(account, move)
    assert not carry_out(account, replace(move, etag="old")), "it was overwritten meanwhile"
    assert account.moved == [("a.jpg", "Cold", "1")]


def test_archived_pictures_are_brought_back_once() -> None:
    account: Any = Account(
        [listed("a", tier="Archive"), listed("b", tier="Archive", is_rehydrating=True), listed("c", tier="Cold")]
    )
    assert list(bring_back(account, "")) == ["a"]
    assert account.moved == [("a", "Hot", None)]


def test_what_a_move_saves() -> None:
    move = Move("a", "1", 2_000_000_000, Tier.HOT, Tier.COLD)
    assert move.saves(PRICES) == pytest.approx(2 * (0.0208 - 0.0045))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "no policy"),
        ('{"rules": [{"afterDays": 0, "tier": "cool"}]}', ">= 1"),
        ('{"rules": [{"afterDays": 9, "tier": "hot"}]}', "Invalid enum value 'hot'"),
        ('{"rules": [{"afterDays": 9, "tier": "cool", "lable": "x"}]}', "unknown field `lable`"),
        ('{"rules": 3}', "Expected `array`"),
    ],
)
def test_a_wrong_file_is_said_in_one_sentence(text: str, said: str) -> None:
    with pytest.raises(BadPolicy, match=r"mine\.json is no policy of tiers") as refused:
        read_policy(text, "mine.json")
    assert said in str(refused.value)


def test_the_file_of_infra_and_the_example_of_the_docs_are_read() -> None:
    assert read_policy((ROOT / "infra" / "tiers.json").read_bytes(), "infra/tiers.json") == ()
    example = (ROOT / "docs" / "tiers.md").read_text("utf-8").split("```json\n")[1].split("```")[0]
    assert read_policy(example, "the example") == (
        Rule(30, "cool"), Rule(180, "cold", status="rejected"), Rule(365, "archive", label="espresso"),
    )  # fmt: skip


def test_each_reason_to_stay_is_in_the_docs() -> None:
    page = (ROOT / "docs" / "tiers.md").read_text("utf-8")
    assert [kept for kept in Kept if f"| {kept} |" not in page] == []
