"""A model of one's own, end to end on a running stack: train, promote under load, reprocess, correct, roll back."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
from playwright.sync_api import Page, expect

import commands
from classify import load_model
from imagestore.errors import Conflict, GateOverride
from imagestore.local.ports import Ports
from imagestore.local.supervisor import Options, Stack
from imagestore.pipeline import tasks
from imagestore.pipeline.labelling.correct import correct
from imagestore.pipeline.models import live
from imagestore.pipeline.models.live import rollback
from imagestore.pipeline.models.loaded_models import LoadedModels
from imagestore.pipeline.upkeep.reprocess import reprocess
from imagestore.record import Record, Status, utc
from imagestore.settings import ROOT, Settings
from imagestore.store.models import METRICS_FILE, MODEL_FILE, PromotionEntry
from imagestore.store.projects import FIRST
from imagestore.store.training import MINE, Part, PictureFacts, TrainingPictures
from model.promote import promote
from model.training.recipe import Held
from model.training.train import TrainingOptions
from model.versions import gather, train_version
from preprocess import Fit, Limits
from unit.model.labelled_pictures import quiet, scene
from unit.pictures import encoded

from .browser import barriers, needs_browser
from .conftest import Pipeline, Site, eventually

LABELS = ("plain", "half", "striped")
GRAY = Held(colour=False, fit=Fit.CROP, level=False, middle=False, backbone="lite0", views=0)
PLAIN = ("--gray", "--fit", "crop", "--no-level", "--no-middle-layers", "--backbone", "lite0", "--views", "0")
"""The same on the command line: nothing is left to be chosen, so a training takes seconds."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """A stack of its own, since another model would change every other test."""
    folder = tmp_path_factory.mktemp("lab")
    values = {"MODEL_POLL_SECONDS": "0.5", "RETRY_DELAYS_SECONDS": "1,1,2"}
    options = Options(ports=Ports.from_base(24100), folder=folder, workers=2, with_web=True, values=values)
    with Stack(options) as stack:
        stack.start(lambda what: None)
        yield Pipeline(stack)


@pytest.fixture
def site(lab: Pipeline) -> Iterator[Site]:
    """The web app of that stack."""
    with Site(f"http://localhost:{lab.stack.options.ports.web}") as asked:
        yield asked


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labelled")
    for number, label in enumerate(LABELS):
        (folder / label).mkdir()
        for n in range(16):
            (folder / label / f"{n}.png").write_bytes(encoded(scene(100 * number + n, number)))
    return folder


def imagestore(lab: Pipeline, *arguments: object, code: int = 0) -> str:
    done = commands.run(*arguments, environment=lab.stack.environment)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return " ".join((done.stdout + done.stderr).split())


def trained(lab: Pipeline, labelled: Path, name: str, held: Held = GRAY) -> None:
    """Version 1 of a model, trained as the command does unless a test before did."""
    if (name, "1") not in lab.stores.models.versions():
        gathered = gather(lab.stores, FIRST, [labelled], Limits(), quiet)
        train_version(lab.stores, gathered, name, lambda version: TrainingOptions(name, version, held), Limits(), quiet)


def make_live(lab: Pipeline, name: str) -> None:
    """Promote version 1, which the gate is not asked about."""
    sha256 = hashlib.sha256(lab.stores.models.read(name, "1")).hexdigest()
    shipped = load_model(Settings().model_path).ref
    before = PromotionEntry(shipped.name, shipped.version, shipped.sha256, utc(), "the test")
    entry = PromotionEntry(name, "1", sha256, utc(), "the test")
    live.make_live(lab.stores, entry, lab.stores.routes.read(), (before,))


def do_again(lab: Pipeline) -> None:
    """Reprocess everything with the live model."""
    models = LoadedModels(Settings().model_path, lab.stores, 0)
    assert reprocess(lab.stores, models, lambda progress: None).is_settled


def all_records(lab: Pipeline) -> list[Record]:
    return lab.stores.records.find(limit=1000)


def versions(lab: Pipeline) -> set[str]:
    return {
        f"{record.prediction.model.name} {record.prediction.model.version}"
        for record in all_records(lab)
        if record.prediction is not None
    }


def test_the_whole_way(lab: Pipeline, site: Site, labelled: Path, tmp_path: Path) -> None:
    said = imagestore(lab, "train", labelled, *PLAIN)
    assert "48 labelled pictures, 48 of them new" in said
    assert "Right on " in said
    assert "Next: imagestore promote 1" in said

    for n in range(30):
        lab.drop(f"before/{n}.png", encoded(scene(1000 + n, n % 3)))
    eventually(lambda: len(all_records(lab)) == 30, "what was dropped before")
    assert versions(lab) == {"default 2"}

    stopping, dropped = threading.Event(), list[tuple[str, str]]()

    def keep_dropping() -> None:
        while not stopping.is_set():
            name = f"during/{len(dropped)}.png"
            dropped.append((name, lab.drop(name, encoded(scene(2000 + len(dropped), len(dropped) % 3)))))
            lab.record(*dropped[-1])  # one at a time: however long a promotion takes, there are not too many
            stopping.wait(0.5)

    thread = threading.Thread(target=keep_dropping)
    thread.start()
    try:
        assert "mine 1 is live" in imagestore(lab, "promote", "1")
        eventually(lambda: "mine 1" in versions(lab), "workers to change to the new model")
    finally:
        stopping.set()
        thread.join()
    for name, etag in dropped:
        record = lab.record(name, etag)
        assert record.prediction is not None
        known = set(LABELS) if record.prediction.model.name == "mine" else None
        assert known is None or {score.label for score in record.prediction.top} <= known, "one that mixes two models"

    corrected = correct(lab.stores, "before/0.png", "half", "tester").record
    again = imagestore(lab, "reprocess")
    assert "all of them with mine 1 now" in again
    assert versions(lab) == {"mine 1"}
    kept = next(record for record in all_records(lab) if record.name == "before/0.png")
    assert (kept.label, kept.correction) == ("half", corrected.correction)
    truth = [(record, LABELS[int(record.name.split("/")[1].split(".")[0]) % 3]) for record in all_records(lab)]
    right = sum(record.prediction is not None and record.prediction.label == label for record, label in truth)
    assert right >= 0.8 * len(truth), "it has learned what the default model does not know"
    assert imagestore(lab, "reprocess", "--dry-run").startswith("0 would be done again")

    second = imagestore(lab, "train", *PLAIN)
    assert "promote 2" in second
    assert "already" in imagestore(lab, "promote", "1", "--force", code=1)
    refused = imagestore(lab, "promote", "2", code=1)
    assert "--accept-equal" in refused, "nearly the same pictures cannot tell"
    assert "mine 2 is live" in imagestore(lab, "promote", "2", "--accept-equal")
    assert {label["label"] for label in site.get("/labels").json()} >= set(LABELS)
    assert "mine 1 is live again" in imagestore(lab, "rollback")
    assert "default 2 is live again" in imagestore(lab, "rollback")
    assert "no earlier model" in imagestore(lab, "rollback", code=1)
    imagestore(lab, "reprocess")
    assert versions(lab) == {"default 2"}
    assert len(all_records(lab)) == 30 + len(dropped)
    assert not [record for record in all_records(lab) if record.status is Status.FAILED]

    listed = imagestore(lab, "models")
    assert listed == imagestore(lab, "models", "list")
    assert "mine 1" in listed
    assert "mine 2" in listed
    shown = imagestore(lab, "models", "show", "2")
    assert "striped" in shown
    assert "fingerprint" in shown
    imagestore(lab, "models", "export", "2", tmp_path / "out")
    report = tmp_path / "evaluated.html"
    evaluated = imagestore(lab, "evaluate", tmp_path / "out" / "model.onnx", labelled, "--html", report)
    assert "Right on " in evaluated
    assert report.read_text().startswith("<!doctype html>")


def test_a_reprocess_that_is_killed_goes_on(lab: Pipeline, labelled: Path) -> None:
    """Every picture's record is the new model's in the end; the run that was killed left no gap."""
    trained(lab, labelled, "mine")
    for n in range(40):
        lab.drop(f"many/{n:03d}.png", encoded(scene(3000 + n % 7, n % 3)))
    eventually(lambda: sum(record.name.startswith("many/") for record in all_records(lab)) == 40, "all of them")
    make_live(lab, "mine")
    first = subprocess.Popen(
        [sys.executable, "-m", "imagestore.cli.main", "reprocess"],
        env=os.environ | lab.stack.environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    eventually(lambda: "mine 1" in versions(lab) or first.poll() is not None, "the first to be done")
    first.send_signal(signal.SIGKILL)
    first.wait()
    imagestore(lab, "reprocess")
    assert versions(lab) == {"mine 1"}
    rollback(lab.stores, "the test")


@needs_browser
def test_promote_reprocess_insist_and_go_back_on_the_page(
    page: Page, lab: Pipeline, site: Site, labelled: Path
) -> None:
    trained(lab, labelled, "mine")
    good = lab.stores.models.read("mine", "1")
    figures = lab.stores.models.read("mine", "1", METRICS_FILE)
    bad, wrong = lab.stores.models.claim("bad"), sorted(LABELS)
    lab.stores.models.keep("bad", bad, {MODEL_FILE: with_labels(good, [*wrong[1:], wrong[0]]), METRICS_FILE: figures})
    other = lab.stores.models.claim("other")
    renamed = with_labels(good, ["half", "plain", "zebra"])
    lab.stores.models.keep("other", other, {MODEL_FILE: renamed, METRICS_FILE: figures})
    for n in range(12):
        etag = lab.drop(f"page/{n}.png", encoded(scene(4000 + n, n % 3)))
        lab.record(f"page/{n}.png", etag)
    page.goto("/models")
    expect(page.locator(".lead")).to_contain_text("default")
    page.get_by_role("button", name="Promote mine 1", exact=True).click()
    expect(page.locator(".lead")).to_contain_text("mine 1")
    expect(page.locator("#job")).to_contain_text("mine 1 is live")
    expect(page.locator("#toasts")).to_contain_text("mine 1 is live")
    expect(page.locator("#job")).to_be_focused()
    page.get_by_role("button", name=re.compile(r"Classify \d+ pictures again")).click()
    expect(page.locator("#job")).to_contain_text("all of them with mine 1 now")
    expect(page.get_by_role("button", name=re.compile("^Classify"))).to_have_count(0)
    assert {r.prediction.model.name for r in all_records(lab) if r.prediction} == {"mine"}

    page.get_by_role("button", name=f"Promote bad {bad}", exact=True).click()
    expect(page.locator("#job")).to_contain_text("It is not promoted.")
    expect(page.locator("#job")).to_contain_text("The recall of")
    expect(page.locator(".lead")).to_contain_text("mine 1")
    assert barriers(page) == []
    page.get_by_role("button", name="Promote it though it is worse").click()
    expect(page.locator(".lead")).to_contain_text(f"bad {bad}")
    active = lab.stores.routes.read().default
    assert active is not None
    assert active.live.note.startswith("forced: Worse")
    page.get_by_role("button", name="Go back to mine 1").click()
    expect(page.locator(".lead")).to_contain_text("mine 1")
    assert site.get("/models").json()["live"]["note"] == f"rolled back from bad {bad}"
    assert site.get("/job").json()["say"] == "mine 1 is live again."

    page.get_by_role("button", name=f"Promote other {other}", exact=True).click()
    expect(page.locator("#job")).to_contain_text(f"other {other} does not know the label striped, which mine 1 knows")
    page.get_by_role("button", name="Promote it without striped").click()
    expect(page.locator("#job")).to_contain_text("too close to call")
    assert site.get("/job").json()["drop"] == ["striped"]
    page.get_by_role("button", name="Promote it all the same").click()
    expect(page.locator(".lead")).to_contain_text(f"other {other}")
    page.get_by_role("button", name="Go back to mine 1").click()
    expect(page.locator(".lead")).to_contain_text("mine 1")
    assert site.post("/models/mine/999/promote").status_code == 404

    page.locator("section", has_text="mine 1").get_by_role("link", name="Whole report").first.click()
    expect(page.get_by_role("heading", name="mine 1")).to_be_visible()
    rollback(lab.stores, "the test")


def with_labels(model: bytes, labels: list[str]) -> bytes:
    """The same model with other labels."""
    changed = onnx.load_from_string(model)
    (entry,) = [entry for entry in changed.metadata_props if entry.key == "labels"]
    entry.value = json.dumps(labels)
    return bytes(changed.SerializeToString())


def test_a_promotion_that_is_overtaken_is_refused(lab: Pipeline, labelled: Path) -> None:
    """What was compared is no longer what is live: the figures say nothing of it."""
    routes, default = lab.stores.routes, Settings().model_path
    trained(lab, labelled, "mine")
    if routes.read().default is None:
        make_live(lab, "mine")
        rollback(lab.stores, "the test")

    def overtaking(stage: str, steps: int) -> Callable[[], None]:
        found = routes.read()
        if stage == "Live model" and found.default is not None:
            live.make_live(lab.stores, replace(found.default.live, note="overtaken"), found)
        return lambda: None

    with pytest.raises(Conflict):
        promote(
            lab.stores, default, "mine", "1", by="me", override=GateOverride.FORCE, limits=Limits(), progress=overtaking
        )
    after = routes.read().default
    assert after is not None
    assert after.live.note == "overtaken"
    rollback(lab.stores, "the test")


def test_a_reprocess_does_not_wait_for_what_is_to_be_done_much_later(lab: Pipeline) -> None:
    receipt = tasks.send(lab.stores.work, tasks.Task(tasks.PREPROCESS, "later.jpg"), delay_s=3600)
    assert lab.stores.work.length() >= 1
    assert lab.stores.work.due() == 0
    assert "looked at" in imagestore(lab, "reprocess")
    lab.stores.work.take_back(receipt)


def test_trainings_at_once_get_versions_of_their_own(lab: Pipeline) -> None:
    with ThreadPoolExecutor(8) as pool:
        versions = list(pool.map(lambda _: lab.stores.models.claim("raced"), range(8)))
    assert sorted(versions) == [str(number) for number in range(1, 9)]
    assert lab.stores.models.versions("raced") == [], "none is whole yet"
    lab.stores.models.keep("raced", "3", {MODEL_FILE: b"model", METRICS_FILE: b"{}"})
    assert lab.stores.models.versions("raced") == [("raced", "3")]
    assert lab.stores.models.claim("raced") == "9"
    assert "raced 3" in imagestore(lab, "models"), "one whose figures cannot be read is listed all the same"
    lab.stores.blob_service.get_container_client(lab.stores.names.models).delete_blob(f"raced/3/{MODEL_FILE}")


def test_a_colour_model_has_pictures_staged_in_colour(lab: Pipeline, labelled: Path) -> None:
    """They were staged in gray, so a reprocess begins with the upload; where they fit it begins with what is staged."""

    def staged() -> set[tuple[str, str, str | None]]:
        return {
            (r.prediction.model.name, f"{r.staged.channels} {r.staged.fit}", r.staged_at)
            for r in mine()
            if r.prediction and r.staged
        }

    def mine() -> list[Record]:
        return [record for record in all_records(lab) if record.name.startswith("tint/")]

    etags = {f"tint/{n}.png": lab.drop(f"tint/{n}.png", encoded(scene(5000 + n, n % 3))) for n in range(3)}
    for name, etag in etags.items():
        lab.record(name, etag)
    gray = staged()
    trained(lab, labelled, "tinted", replace(GRAY, colour=True, fit=Fit.PAD))
    make_live(lab, "tinted")
    do_again(lab)
    assert {(name, form) for name, form, _ in staged()} == {("tinted", "3 pad")}
    rollback(lab.stores, "the test")
    do_again(lab)
    again = staged()
    assert {(name, form) for name, form, _ in again} == {("default", "1 crop")}
    assert again != gray, "they were staged anew"
    trained(lab, labelled, "mine")
    make_live(lab, "mine")
    do_again(lab)
    assert {(name, at) for name, _, at in staged()} == {("mine", at) for _, _, at in again}, "they fit as they were"
    rollback(lab.stores, "the test")


def test_what_cannot_be_done_is_said_in_a_line(lab: Pipeline, tmp_path: Path) -> None:
    assert "is not a folder" in imagestore(lab, "train", tmp_path / "missing", code=1)
    for seed, label in enumerate(("one", "two")):
        (tmp_path / "few" / label).mkdir(parents=True)
        (tmp_path / "few" / label / "a.png").write_bytes(encoded(scene(7000 + seed)))
    assert "'one' has 1" in imagestore(lab, "train", tmp_path / "few", code=1)
    assert "in these folders more than once" in imagestore(lab, "train", tmp_path / "few", tmp_path / "few", code=1)
    kept = {one.source for one in TrainingPictures(lab.stores.training, MINE).list()}
    assert not kept & {"one/a.png", "two/a.png"}, "what cannot be learned from is not kept"
    assert "There is no project 'größe'" in imagestore(lab, "train", "--name", "größe", code=1)
    assert "no version 999 of the model 'mine'" in imagestore(lab, "promote", "999", code=1)
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    assert "not an ONNX file" in imagestore(lab, "evaluate", broken, code=1)


def test_pictures_in_the_form_of_an_earlier_version_are_moved_by_a_command(lab: Pipeline) -> None:
    """What Azurite lists, by folder and with metadata, is what this rests on."""
    pictures = TrainingPictures(lab.stores.training, MINE)
    before = {one.sha256: (one.labels, one.part) for one in pictures.list()}
    for n in range(3):
        data = encoded(scene(8000 + n))
        lab.stores.training.overwrite(f"grüne ' Wiese/{n} ü.png", data, "image/png")
    assert "imagestore migrate" in imagestore(lab, "train", *PLAIN, code=1)
    assert "imagestore migrate" in imagestore(lab, "training", code=1)
    assert "3 labelled pictures moved" in imagestore(lab, "migrate")
    assert "Everything is in today's form" in imagestore(lab, "migrate")
    after = {one.sha256: (one.labels, one.part) for one in pictures.list()}
    assert before.items() <= after.items()
    new = [one for one in pictures.list() if one.sha256 not in before]
    assert {(one.labels, one.source, one.part, one.is_there) for one in new} == {
        (("grüne ' Wiese",), f"grüne ' Wiese/{n} ü.png", None, True) for n in range(3)
    }
    assert "grüne ' Wiese 0 0 0 3" in imagestore(lab, "training")
    with pytest.raises(Conflict):
        pictures.put_facts(new[0].sha256, PictureFacts(part=Part.TEST), "0x123")
    assert "1 deleted" in imagestore(lab, "training", "remove", "grüne ' Wiese/0 ü.png", "--yes")
    assert "2 deleted" in imagestore(lab, "training", "remove", "--label", "grüne ' Wiese", "--yes")
    assert "no such pictures" in imagestore(lab, "training", "remove", "--label", "grüne ' Wiese", "--yes", code=1)
