"""What is sent is signed after Standard Webhooks, and the receiver that the docs show takes nothing else."""

import base64
import email.message
import io
import re
import time
from typing import Any

import pytest

from imagestore.settings import ROOT
from imagestore.webhooks.signing import new_secret, signed


def test_the_signature_is_that_of_the_standards_own_example() -> None:
    """The values of the test of its reference libraries."""
    headers = signed(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_a_secret_is_new_each_time_and_has_32_bytes() -> None:
    secrets = {new_secret() for _ in range(10)}
    assert len(secrets) == 10
    assert {len(base64.b64decode(one.removeprefix("whsec_"), validate=True)) for one in secrets} == {32}


@pytest.fixture
def receiver() -> dict[str, Any]:
    """What the example in docs/webhooks.md defines."""
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "webhooks.md").read_text("utf-8"), re.DOTALL)
    defined: dict[str, Any] = {}
    exec(compile(example, "docs/webhooks.md", "exec"), defined)
    return defined


def test_the_receiver_in_the_docs_takes_what_is_genuine_once_and_nothing_else(
    receiver: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    secret = receiver["SECRET"] = new_secret()
    body = b'{"id": "1", "type": "imagestore.picture.classified", "data": {"name": "cat.jpg", "label": "tabby"}}'
    now = int(time.time())

    def status(body: bytes, headers: dict[str, str]) -> int:
        made = receiver["Receiver"].__new__(receiver["Receiver"])
        made.headers = email.message.Message()
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            made.headers[name] = value
        made.rfile, said = io.BytesIO(body), list[int]()
        made.send_response, made.end_headers = said.append, lambda: None
        made.do_POST()
        (only,) = said
        return only

    good = signed(secret, "1", now, body)
    assert [status(body, good), status(body, good)] == [204, 204]
    assert capsys.readouterr().out == "imagestore.picture.classified cat.jpg tabby\n"
    assert status(body + b" ", good) == 401
    assert status(body, signed(new_secret(), "1", now, body)) == 401
    assert status(body, signed(secret, "1", now - 301, body)) == 401
    assert status(body, {**good, "webhook-id": "2"}) == 401
    both = {**good, "webhook-signature": f"v1,AAAA {good['webhook-signature']}"}
    assert status(body, both) == 204, "a receiver knows one of two secrets"
