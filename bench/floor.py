"""The least that a picture costs with these stores and SDKs: the same calls with no events, no host and no pipeline.

Each process uploads, fetches, stages, fetches, classifies, looks, and writes result, record and tags: 7 storage calls
with the upload itself and 2 of Cosmos, in containers and a database of its own.
"""

import contextlib
import hashlib
import io
import json
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from azure.core.exceptions import ResourceExistsError
from azure.cosmos import ContainerProxy, CosmosClient, PartitionKey
from azure.cosmos.exceptions import CosmosResourceNotFoundError
from azure.storage.blob import BlobServiceClient, ContainerClient
from PIL import Image

from classify.session import open_session

SIDE, CROP, TOP = 224, 0.875, 5
THREADS = 2


@dataclass(frozen=True)
class Floor:
    """What one run reached."""

    pictures_per_s: float
    cpu_ms_per_picture: float


@dataclass(frozen=True)
class _Stores:
    uploads: ContainerClient
    staging: ContainerClient
    results: ContainerClient
    records: ContainerProxy


def _connect(environment: Mapping[str, str]) -> _Stores:
    service = BlobServiceClient.from_connection_string(environment["IMAGES_STORAGE"])
    containers: list[ContainerClient] = []
    for name in ("floor-uploads", "floor-staging", "floor-results"):
        with contextlib.suppress(ResourceExistsError):
            service.create_container(name)
        containers.append(service.get_container_client(name))
    database = CosmosClient.from_connection_string(environment["COSMOS"]).create_database_if_not_exists("floor")
    uploads, staging, results = containers
    records = database.create_container_if_not_exists("images", PartitionKey("/id"))
    return _Stores(uploads, staging, results, records)


def _gray(photo: bytes) -> Image.Image:
    opened = Image.open(io.BytesIO(photo))
    opened.draft("L", (256, 256))
    image = opened.convert("L")
    half = min(image.size) * CROP / 2
    x, y = image.width / 2, image.height / 2
    return image.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=(x - half, y - half, x + half, y + half))


def _one(stores: _Stores, session: ort.InferenceSession, photo: bytes, name: str) -> None:
    etag = stores.uploads.get_blob_client(name).upload_blob(photo, overwrite=True)["etag"]
    png = io.BytesIO()
    _gray(bytes(stores.uploads.download_blob(name).readall())).save(png, "PNG", compress_level=1)
    stores.staging.upload_blob(name + ".png", png.getvalue(), overwrite=True)
    staged = np.asarray(Image.open(io.BytesIO(stores.staging.download_blob(name + ".png").readall())))
    answer = session.run(None, {session.get_inputs()[0].name: np.ascontiguousarray(staged[None, :, :, None])})[0][0]
    top = [{"label": int(k), "probability": float(answer[k])} for k in answer.argsort()[-TOP:][::-1]]
    id = hashlib.sha256(name.encode()).hexdigest()[:32]
    record: dict[str, Any] = {"id": id, "name": name, "status": "classified", "etag": etag, "top": top}
    with contextlib.suppress(CosmosResourceNotFoundError):
        stores.records.read_item(id, id)
    blob = stores.uploads.get_blob_client(name)
    if blob.get_blob_properties().etag.strip('"') != etag.strip('"'):
        raise RuntimeError("the upload changed")
    stores.results.upload_blob(name + ".json", json.dumps(record).encode(), overwrite=True)
    stores.records.upsert_item(record)
    blob.set_blob_tags({"status": "classified", "label": str(top[0]["label"])})


def _work(environment: Mapping[str, str], model: Path, photo: bytes, names: list[str], out: Any) -> None:
    session = open_session(model.read_bytes(), model.name)
    stores = _connect(environment)
    _one(stores, session, photo, names[0])
    started, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(lambda name: _one(stores, session, photo, name), names[1:]):
            pass
    out.put((len(names) - 1, time.perf_counter() - started, time.process_time() - cpu))


def run(environment: Mapping[str, str], model: Path, photo: bytes, count: int, processes: int) -> Floor:
    """Put `count` pictures through, in `processes` processes of two threads."""
    _connect(environment)
    context = get_context("spawn")
    names = [f"{time.time_ns()}-{k}.jpg" for k in range(count)]
    out = context.Queue()
    parameters = [(dict(environment), model, photo, names[k::processes], out) for k in range(processes)]
    workers = [context.Process(target=_work, args=args) for args in parameters]
    for worker in workers:
        worker.start()
    results = [out.get() for _ in workers]
    for worker in workers:
        worker.join()
    done = sum(result[0] for result in results)
    slowest_s, cpu_s = max(result[1] for result in results), sum(result[2] for result in results)
    return Floor(done / slowest_s, 1e3 * cpu_s / done)
