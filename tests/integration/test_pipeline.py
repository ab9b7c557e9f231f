"""A picture goes in, and everything follows."""

import io
import json
import os
import re
import signal
import urllib.request
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import numpy as np
import onnxruntime as ort
import pytest
from PIL import Image

from imagestore.errors import NotFound
from imagestore.pipeline.costs.cost import OnePicture, indexed_terms
from imagestore.pipeline.names import result_name, staged_name
from imagestore.record import LONGEST_NAME, Status, record_id
from imagestore.settings import ROOT
from imagestore.store.connect import INDEXING
from imagestore.store.documents import from_json
from imagestore.store.tags import ETAG
from preprocess import open_staged
from unit.pictures import encoded, photo

from .conftest import Pipeline, eventually


def independent_answer(data: bytes) -> tuple[str, float]:
    """The label and confidence, computed with Pillow and onnxruntime alone."""
    session = ort.InferenceSession(ROOT / "model" / "default" / "model.onnx", providers=["CPUExecutionProvider"])
    said = session.get_modelmeta().custom_metadata_map
    labels, families = json.loads(said["labels"]), json.loads(said["families"])
    image = Image.open(io.BytesIO(data)).convert("L")
    half = min(image.size) * 0.875 / 2
    x, y = image.width / 2, image.height / 2
    gray = image.resize((224, 224), Image.Resampling.BICUBIC, box=(x - half, y - half, x + half, y + half))
    probabilities = session.run(None, {"image": np.asarray(gray)[None, :, :, None]})[0][0]
    if probabilities.max() >= float(said["threshold"]):
        return labels[int(probabilities.argmax())], float(probabilities.max())
    sums = {name: sum(probabilities[labels.index(label)] for label in family) for name, family in families.items()}
    own = json.loads(said["family_thresholds"])
    sure = [name for name in sums if sums[name] >= own.get(name, float(said["family_threshold"]))]
    family = min(sure, key=lambda name: (len(families[name]), -sums[name]))
    return family, float(sums[family])


def test_a_picture_becomes_record_result_staged_picture_and_tags(pipeline: Pipeline, coffee: bytes) -> None:
    etag = pipeline.drop("shop/cup.jpg", coffee)
    record = pipeline.record("shop/cup.jpg", etag)
    label, confidence = independent_answer(coffee)
    assert record.status is Status.CLASSIFIED
    assert record.prediction is not None
    assert (record.label, record.prediction.label) == (label, label)
    assert record.prediction.confidence == pytest.approx(confidence, abs=0.02)
    assert record.upload is not None
    assert record.upload.size_bytes == len(coffee)
    assert record.image is not None
    assert (record.image.format, record.image.width, record.image.height) == ("JPEG", 600, 400)
    result = pipeline.stores.results.get(result_name("shop/cup.jpg"))
    assert result.content_type == "application/json"
    assert from_json(result.data or b"") == record
    staged = pipeline.stores.staging.get(staged_name("shop/cup.jpg"))
    pixels, _ = open_staged(staged.data or b"")
    assert record.staged is not None
    assert (pixels.shape, staged.size_bytes) == ((224, 224, 1), record.staged.size_bytes)
    assert pipeline.tags("shop/cup.jpg", etag) == {"status": "classified", "label": label, ETAG: etag}


def test_an_overwrite_gives_the_new_result(pipeline: Pipeline, cat: bytes, coffee: bytes) -> None:
    first = pipeline.record("overwritten.jpg", pipeline.drop("overwritten.jpg", coffee))
    etag = pipeline.drop("overwritten.jpg", cat)
    second = pipeline.record("overwritten.jpg", etag)
    assert (first.label, second.label) == ("cup or mug", independent_answer(cat)[0])
    assert pipeline.tags("overwritten.jpg", etag)["label"] == second.label


@pytest.mark.parametrize(
    "name", ["Füße/猫 & co.jpg", "a/b/c/d.e.f", "100% #1?.jpg", "'\";--.png", "emoji 🐈.jpg", "a+b c.jpg"]
)
def test_names_are_data(pipeline: Pipeline, coffee: bytes, name: str) -> None:
    etag = pipeline.drop(name, coffee)
    record = pipeline.record(name, etag)
    assert (record.name, record.label) == (name, "cup or mug")
    assert pipeline.tags(name, etag)["status"] == "classified"


def test_a_user_s_own_tags_stay(pipeline: Pipeline, coffee: bytes) -> None:
    blob = pipeline.stores.blob_service.get_blob_client(pipeline.stores.names.uploads, "tagged.jpg")
    etag = blob.upload_blob(coffee, overwrite=True, tags={"customer": "42"})["etag"].strip('"')
    assert pipeline.tags("tagged.jpg", etag) == {
        "customer": "42",
        "status": "classified",
        "label": "cup or mug",
        ETAG: etag,
    }
    own = {"status": "paid", "label": "spring 2026"}
    etag = blob.upload_blob(coffee, overwrite=True, tags=own)["etag"].strip('"')
    expected = {**own, "imagestore_status": "classified", "imagestore_label": "cup or mug", ETAG: etag}
    assert pipeline.tags("tagged.jpg", etag) == expected


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"dear diary", "not_an_image"),
        (b"%PDF-1.4", "unsupported_format"),
        (encoded(photo())[:400], "truncated"),
        (encoded(Image.new("1", (20_000, 20_000))), "too_many_pixels"),
        (encoded(photo(4, 4)), "too_small"),
    ],
)
def test_a_bad_picture_is_rejected_with_its_reason(pipeline: Pipeline, data: bytes, reason: str) -> None:
    etag = pipeline.drop(f"bad/{reason}", data)
    record = pipeline.record(f"bad/{reason}", etag)
    assert record.status is Status.REJECTED
    assert record.problem is not None
    assert (record.problem.step, record.problem.reason) == ("preprocess", reason)
    assert pipeline.tags(f"bad/{reason}", etag) == {"status": "rejected", ETAG: etag}
    assert from_json(pipeline.stores.results.get(f"bad/{reason}.json").data or b"") == record


def test_a_name_too_long_is_rejected(pipeline: Pipeline, coffee: bytes) -> None:
    name = "n" * (LONGEST_NAME + 1)
    record = pipeline.record(name, pipeline.drop(name, coffee))
    assert record.problem is not None
    assert record.problem.reason == "name_too_long"
    other = record_id(name)
    another = pipeline.record(other, pipeline.drop(other, coffee))
    assert from_json(pipeline.stores.results.get(result_name(name)).data or b"") == record
    assert from_json(pipeline.stores.results.get(result_name(other)).data or b"") == another


def test_a_name_with_backslashes_is_that_under_which_storage_keeps_it(pipeline: Pipeline, coffee: bytes) -> None:
    etag = pipeline.drop("back\\slash\\cup.jpg", coffee)
    record = pipeline.record("back/slash/cup.jpg", etag)
    assert (record.name, record.label) == ("back/slash/cup.jpg", "cup or mug")
    assert "back/slash/cup.jpg" in {blob.name for page, _ in pipeline.stores.uploads.list() for blob in page}
    pipeline.stores.uploads.delete("back\\slash\\cup.jpg")

    def is_deleted() -> bool:
        stored = pipeline.stores.records.read(record.id)
        return stored is not None and stored.record.status is Status.DELETED

    eventually(is_deleted, "the tombstone")


def test_a_deleted_upload_takes_everything_with_it(pipeline: Pipeline, coffee: bytes) -> None:
    pipeline.record("gone.jpg", pipeline.drop("gone.jpg", coffee))
    pipeline.stores.uploads.delete("gone.jpg")

    def is_deleted() -> bool:
        stored = pipeline.stores.records.read(record_id("gone.jpg"))
        return stored is not None and stored.record.status is Status.DELETED

    eventually(is_deleted, "the tombstone")
    for blobs, name in ((pipeline.stores.results, result_name("gone.jpg")), (pipeline.stores.staging, "gone.jpg.png")):
        with pytest.raises(NotFound):
            blobs.get(name)
    again = pipeline.record("gone.jpg", pipeline.drop("gone.jpg", coffee))
    assert again.status is Status.CLASSIFIED


def test_a_forged_staged_blob_makes_no_record(pipeline: Pipeline, coffee: bytes, log_of: Callable[[str], Path]) -> None:
    pipeline.record("true.jpg", pipeline.drop("true.jpg", coffee))
    stolen = pipeline.stores.staging.get("true.jpg.png").data or b""
    pipeline.stores.staging.overwrite("forged.jpg.png", stolen, "image/png")
    pipeline.stores.staging.overwrite("junk.png", b"junk", "image/png")
    eventually(lambda: log_of("host").read_text().count("that is not ours") >= 2, "both to be looked at")
    assert pipeline.stores.records.read(record_id("forged.jpg")) is None
    assert pipeline.stores.records.read(record_id("junk")) is None


def test_a_picture_costs_six_storage_calls_and_two_of_cosmos(
    pipeline: Pipeline, coffee: bytes, log_of: Callable[[str], Path]
) -> None:
    pipeline.record("warm.jpg", pipeline.drop("warm.jpg", coffee))
    count = 20
    before = {name: log_of(name).stat().st_size for name in ("azurite", "cosmos")}
    names = [f"budget/{i}.jpg" for i in range(count)]
    etags = {name: pipeline.drop(name, coffee) for name in names}

    def said(server: str) -> str:
        return log_of(server).read_bytes()[before[server] :].decode()

    tagged = r'"PUT /devstoreaccount1/uploads/budget\S+comp=tags\S* HTTP/1.1" 204'
    eventually(lambda: len(re.findall(tagged, said("azurite"))) == count, "all tags")
    storage = re.findall(r'"\w+ /devstoreaccount1/(?:uploads|staging|results)/budget', said("azurite"))
    # Reads of other documents are the web app's, and this test's own of the first picture, logged after its answer.
    ids = "|".join(record_id(name) for name in names)
    ours = rf"^(?:GET /dbs/imagedata/colls/images/docs/(?:{ids})|(?!GET )\w+ /dbs/imagedata/colls/images/docs)\S* \d+$"
    cosmos = re.findall(ours, said("cosmos"), re.MULTILINE)
    assert len(storage) == (1 + 6) * count
    assert len(cosmos) == 2 * count
    assert {pipeline.record(name, etag).status for name, etag in etags.items()} == {Status.CLASSIFIED}
    one = OnePicture()
    kinds = Counter(re.findall(r'"(\w+) /devstoreaccount1/(?:uploads|staging|results)/budget', said("azurite")))
    assert kinds == {
        "GET": one.reads * count, "HEAD": (one.others - 1) * count, "PUT": (1 + one.writes + 1) * count,
    }, "tags are put too, and count among the others, as looking does"  # fmt: skip


def test_a_record_weighs_and_is_indexed_as_costs_are_computed(pipeline: Pipeline, cat: bytes) -> None:
    name, one, stores = "weighed/cat.jpg", OnePicture(), pipeline.stores
    etag = pipeline.drop(name, cat)
    record = pipeline.record(name, etag)
    assert len(pipeline.tags(name, etag)) == one.tags
    stored = stores.record_items.read(record.id)
    assert stored is not None
    assert indexed_terms(stored.document, INDEXING) == one.terms
    sizes = {
        len(msgspec.json.encode(stored.document)): one.record_bytes,
        len(stores.results.get(f"{name}.json").data or b""): one.result_bytes,
        len(stores.staging.get(f"{name}.png").data or b""): one.staged_bytes,
    }
    for size, counted in sizes.items():
        assert size == pytest.approx(counted, rel=0.15)


def test_two_hundred_at_once(pipeline: Pipeline, cat: bytes, coffee: bytes) -> None:
    with ThreadPoolExecutor(16) as pool:
        dropped = dict(
            zip(
                names := [f"crowd/{i}.jpg" for i in range(200)],
                pool.map(lambda i: pipeline.drop(names[i], (cat, coffee)[i % 2]), range(200)),
                strict=True,
            )
        )
    labels = [pipeline.record(name, etag).label for name, etag in dropped.items()]
    assert labels == [independent_answer(cat)[0], "cup or mug"] * 100


@pytest.mark.parametrize("victim", ["relay", "cosmos", "host", "worker"])
def test_a_killed_process_comes_back_and_nothing_is_lost(pipeline: Pipeline, coffee: bytes, victim: str) -> None:
    names = [f"killed/{victim}/{i}.jpg" for i in range(30)]
    etags = {name: pipeline.drop(name, coffee) for name in names[:15]}
    process = pipeline.stack.processes["host" if victim == "worker" else victim]
    pid = process.pid
    assert pid is not None
    os.kill(child_of(pid) if victim == "worker" else pid, signal.SIGKILL)
    etags |= {name: pipeline.drop(name, coffee) for name in names[15:]}
    for name, etag in etags.items():
        assert pipeline.record(name, etag).label == "cup or mug"
        assert pipeline.tags(name, etag)["status"] == "classified"
    pipeline.idle()


def child_of(pid: int) -> int:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    if not children.exists():
        pytest.skip("this system does not tell a process's children")
    return int(children.read_text().split()[0])


def test_an_outage_of_cosmos_is_retried_until_it_is_over(
    pipeline: Pipeline, coffee: bytes, log_of: Callable[[str], Path]
) -> None:
    def inject(left: int) -> None:
        address = f"http://127.0.0.1:{pipeline.stack.options.ports.cosmos}/__fault"
        urllib.request.urlopen(address, json.dumps({"left": left, "status": 503, "ms": 1}).encode()).close()

    before = log_of("host").stat().st_size
    inject(1_000_000)
    etag = pipeline.drop("in outage.jpg", coffee)
    id = record_id("in outage.jpg")
    eventually(lambda: f"id={id} attempt=2, again" in log_of("host").read_text()[before:], "a second failure")
    inject(0)
    assert pipeline.record("in outage.jpg", etag).label == "cup or mug"
    pipeline.idle()
