"""The pages' own files: as they are now, and without a thread of those that admitted work needs."""

from pathlib import Path

import anyio.to_thread
import pytest
from starlette.testclient import TestClient

from imagestore.web.pages.static_files import KeptFiles


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    (tmp_path / "page.js").write_text("one")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "style.css").write_text("two")

    async def no_thread(*_: object, **__: object) -> None:
        raise AssertionError("a thread was asked for")

    monkeypatch.setattr(anyio.to_thread, "run_sync", no_thread)
    return TestClient(KeptFiles(tmp_path))


def test_files_are_sent_as_they_are_now(client: TestClient, tmp_path: Path) -> None:
    first = client.get("/page.js")
    assert (first.status_code, first.text) == (200, "one")
    assert first.headers["content-type"].startswith("text/javascript")
    assert client.get("/deep/style.css").text == "two"
    assert client.get("/page.js", headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    (tmp_path / "page.js").write_text("changed")
    again = client.get("/page.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.text) == (200, "changed")
    assert client.head("/page.js").headers["content-length"] == "7"


@pytest.mark.parametrize("path", ["/none.js", "/", "/deep", "/..%2fpage.js", "/%00"])
def test_nothing_else_is_there(client: TestClient, path: str) -> None:
    with pytest.raises(Exception, match="404"):
        client.get(path)


def test_files_are_not_written(client: TestClient) -> None:
    with pytest.raises(Exception, match="405"):
        client.post("/page.js")
