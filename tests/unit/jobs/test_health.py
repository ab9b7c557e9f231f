"""What a platform is told that asks whether a runner is well."""

import http.client
from http.client import HTTPResponse

import pytest

from imagestore.jobs.health import HUNG_S, answering


def asked(port: int, method: str = "GET", path: str = "/") -> tuple[HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


@pytest.mark.parametrize(("since", "status"), [(0.0, 200), (HUNG_S - 1, 200), (HUNG_S, 503)])
def test_a_runner_whose_turns_go_on_is_well(since: float, status: int) -> None:
    with answering("127.0.0.1", 0, lambda: since) as port:
        for path in ("/", "/robots933456.txt"):  # App Service's own first question
            assert asked(port, path=path)[0].status == status
        response, body = asked(port, "HEAD")
    assert (response.status, body) == (status, b"")


def test_it_tells_nothing_of_what_it_runs_on() -> None:
    with answering("127.0.0.1", 0, lambda: 0.0) as port:
        response, body = asked(port)
    assert (response.getheader("Server"), body) == ("imagestore", b"ok\n")


def test_the_port_is_free_afterwards_and_one_in_use_is_said() -> None:
    with (
        answering("127.0.0.1", 0, lambda: 0.0) as port,
        pytest.raises(OSError, match="in use"),
        answering("127.0.0.1", port, lambda: 0.0),
    ):
        pass
    with answering("127.0.0.1", port, lambda: 0.0) as again:
        assert again == port
