"""Counts, labels, the overview, health, and who may ask."""

import gzip
from collections.abc import Callable
from typing import Any

import pytest

from imagestore.store import Stores
from unit.web.conftest import Api, Drop, problem
from unit.web.records import picture, rejected


def eventually(look: Callable[[], Any]) -> Any:
    """What `look` finds once that is true; the reader of the change feed runs in a thread of its own."""
    while not (found := look()):
        pass
    return found


def test_counts_labels_and_overview(api: Api, drop: Drop, stores: Stores) -> None:
    drop("cat.jpg", made=picture("cat.jpg", "tabby", 0.8))
    drop("dog.jpg", made=picture("dog.jpg", "wolf", 0.1))
    drop("bad.jpg", made=rejected("bad.jpg", "empty"))
    stores.work.send("message")
    counts = api.get("/counts").json()
    assert (counts["total"], counts["reasons"]) == (3, {"empty": 1})
    assert counts["statuses"] == {"classified": 1, "unknown": 1, "rejected": 1}
    assert api.get("/counts", params={"q": "CAT"}).json()["total"] == 1
    assert api.get("/labels").json() == [{"label": "tabby", "count": 1}, {"label": "Rose", "count": 0}]
    overview = api.get("/overview").json()
    assert overview["causes"] == [{"status": "rejected", "reason": "empty", "count": 1}]
    assert overview["queues"] == {"work": 1, "work-poison": 0, "webjobs-blobtrigger-poison": 0}
    assert sum(overview["confidence"]) == 2
    assert len(overview["hours"]) == 24


def test_ready_says_what_does_not_answer(api: Api, stores: Stores) -> None:
    assert api.get("/health/live").json() == {"status": "ok", "checks": {}}
    ready = eventually(lambda: (answer := api.get("/health/ready")).status_code == 200 and answer)
    assert ready.json()["checks"] == dict.fromkeys(("Blob Storage", "queues", "Cosmos DB", "index"))
    vars(stores.records)["is_away"] = True
    unavailable = api.get("/health/ready")
    assert "Cosmos DB" in problem(unavailable, 503)["detail"]
    assert unavailable.json()["checks"]["Blob Storage"] is None
    assert unavailable.headers["retry-after"] == "5"


def test_while_cosmos_does_not_answer_the_index_does(api: Api, drop: Drop, stores: Stores) -> None:
    id = drop("cat.jpg").id
    vars(stores.records)["is_away"] = True
    assert api.get("/counts").json()["total"] == 1
    unavailable = api.get(f"/pictures/{id}")
    assert problem(unavailable, 503)["code"] == "unavailable"
    assert unavailable.headers["retry-after"]
    assert "Traceback" not in unavailable.text


def test_long_answers_are_compressed_for_who_asks_for_it(api: Api, drop: Drop) -> None:
    for number in range(20):
        drop(f"{number}.jpg")
    with api.stream("GET", "/api/v1/pictures", headers={"accept-encoding": "gzip"}) as answer:
        raw = b"".join(answer.iter_raw())
        assert answer.headers["content-encoding"] == "gzip"
    plain = api.get("/pictures", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(raw) == plain.content
    assert len(raw) < len(plain.content) / 3
    assert plain.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("headers", [{"host": "rebound.example"}, {"host": "localhost@evil.example"}])
def test_another_host_name_is_refused(api: Api, headers: dict[str, str]) -> None:
    problem(api.get("/counts", headers=headers), 421)


def test_another_sites_page_may_change_nothing(api: Api, stores: Stores) -> None:
    hostile = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    problem(api.post("/pictures", params={"name": "x.jpg"}, content=b"x", headers=hostile), 403)
    assert stores.uploads.stat("x.jpg") is None
    assert "access-control-allow-origin" not in api.get("/counts", headers=hostile).headers


def test_what_nobody_foresaw_is_told_by_number_only(
    api: Api, stores: Stores, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(stores.models, "active", broken)
    told = problem(api.get("/models"), 500)
    assert "secret" not in told["detail"]
    assert told["detail"].split()[-1].rstrip(".") in caplog.text


def test_the_description_of_the_api_takes_no_parameters(api: Api) -> None:
    assert api.get("/openapi.json").json()["openapi"].startswith("3.1")
    assert problem(api.get("/openapi.json", params={"foo": "1"}), 422)["code"] == "unknown_parameter"
