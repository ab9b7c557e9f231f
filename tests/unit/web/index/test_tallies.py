"""What is kept of how many pictures there are is what a count of them all finds, whatever happens to them."""

import random
from dataclasses import replace

from classify import Score
from imagestore.record import Record, tombstone
from imagestore.web.index.index import Index
from imagestore.web.index.tallies import ALL, ALL_MORE, CONFIDENCES, HOURS, PARTS, REASONS
from unit.web.records import picture, rejected, take_in

AT = "2026-11-22T09:00:00.000Z"
COUNTED = (
    "SELECT label, status, reason, COUNT(*) FROM pictures WHERE status != 'deleted' GROUP BY label, status, reason"
)
COUNTED_MORE = (
    "SELECT more_labels.label, status, COUNT(*) FROM pictures JOIN more_labels USING (id) "
    "GROUP BY more_labels.label, status"
)

COUNTED_CONFIDENCES = (
    f"SELECT min(CAST(confidence * {PARTS} AS INTEGER), {PARTS - 1}) AS part, COUNT(*) FROM pictures "
    "WHERE status != 'deleted' AND confidence >= 0 GROUP BY part"
)
COUNTED_REASONS = (
    "SELECT status, reason, COUNT(*) FROM pictures WHERE status != 'deleted' AND reason IS NOT NULL "
    "GROUP BY status, reason"
)
COUNTED_HOURS = (
    "SELECT substr(at, 1, 13) AS hour, status, COUNT(*) FROM pictures WHERE status != 'deleted' GROUP BY hour, status"
)


def any_record(chance: random.Random) -> Record:
    name = f"{chance.randrange(12)}.jpg"
    made = picture(
        name,
        chance.choice(["rose", "lily"]),
        chance.choice([0.0, 1.0, chance.random()]),
        at=f"2026-11-2{chance.randrange(3)}T09:00:00.000Z",
    )
    assert made.prediction is not None
    labels = tuple(Score(one, 0.9) for one in ("rose", "vase", "table")[: chance.randrange(1, 4)])
    several = replace(made, prediction=replace(made.prediction, labels=labels)).finished(AT)
    return chance.choice([made, several, rejected(name), tombstone(name, AT)])


def test_they_agree_with_a_count_after_each_change(index: Index) -> None:
    chance = random.Random(3)
    for turn in range(150):
        one = any_record(chance)
        if chance.random() < 0.1:
            index.remove(one.id)
        else:
            take_in(index, [one], str(turn))
        assert set(index.query(ALL)) == set(index.query(COUNTED))
        assert set(index.query(ALL_MORE)) == set(index.query(COUNTED_MORE))
        assert set(index.query(CONFIDENCES)) == set(index.query(COUNTED_CONFIDENCES))
        assert set(index.query(REASONS)) == set(index.query(COUNTED_REASONS))
        assert set(index.query(HOURS, [""])) == set(index.query(COUNTED_HOURS))
        rows = index.query("SELECT row FROM pictures WHERE status != 'deleted' ORDER BY at, id")
        assert rows == sorted(rows), "rows stand in the order of time"
        assert sorted(index.query("SELECT rowid FROM words")) == rows
