"""What programs do with Microsoft's SDK beside its quickstart, on the project that the quickstart has made:
`python more.py ENDPOINT TRAINING_KEY PREDICTION_KEY FOLDER PROJECT ITERATION STORED`. Prints what it found, as JSON.
"""

import io
import json
import sys
import time
import urllib.request
import uuid
import zipfile
from pathlib import Path

from azure.cognitiveservices.vision.customvision.prediction import CustomVisionPredictionClient
from azure.cognitiveservices.vision.customvision.prediction.models import CustomVisionErrorException as NotPredicted
from azure.cognitiveservices.vision.customvision.training import CustomVisionTrainingClient
from azure.cognitiveservices.vision.customvision.training.models import (
    CustomVisionErrorException,
    ImageIdCreateBatch,
    ImageIdCreateEntry,
    ImageTagCreateEntry,
    PredictionQueryToken,
    SuggestedTagAndRegionQueryToken,
)
from msrest.authentication import ApiKeyCredentials

ENDPOINT, training_key, prediction_key, folder, project, iteration, stored = sys.argv[1:8]
trainer = CustomVisionTrainingClient(ENDPOINT, ApiKeyCredentials(in_headers={"Training-key": training_key}))
predictor = CustomVisionPredictionClient(ENDPOINT, ApiKeyCredentials(in_headers={"Prediction-key": prediction_key}))
data = Path(folder, "test.jpg").read_bytes()
found = {}

figures = [trainer.get_iteration_performance(project, iteration, threshold) for threshold in (0.0, 0.5, 1.0)]
found["recall"] = [one.recall for one in figures]
found["average_precision"] = figures[1].average_precision
found["tags_tested"] = sorted(one.name for one in figures[1].per_tag_performance)
performances = trainer.get_image_performances(project, iteration, take=256)
found["tested"] = [len(performances), trainer.get_image_performance_count(project, iteration)]
found["said_of_each"] = [len(one.predictions) for one in performances]
found["image_bytes"] = len(urllib.request.urlopen(performances[0].image_uri).read())

tested = trainer.quick_test_image(project, data, iteration_id=iteration)
found["quick_test"] = {one.tag_name: one.probability for one in tested.predictions}

exported = trainer.export_iteration(project, iteration, "ONNX")
while exported.status == "Exporting":
    time.sleep(1)
    (exported,) = trainer.get_exports(project, iteration)
with zipfile.ZipFile(io.BytesIO(urllib.request.urlopen(exported.download_uri).read())) as archive:
    found["export"] = sorted(archive.namelist())
    found["labels"] = archive.read("labels.txt").decode().split()

while not (queried := trainer.query_predictions(project, PredictionQueryToken(order_by="Newest"))).results:
    time.sleep(1)  # what is new is listed within seconds
found["stored"] = [one.id for one in queried.results]
at_once = predictor.classify_image(project, "classifyModel", data)
learned = trainer.create_images_from_predictions(
    project, ImageIdCreateBatch(images=[ImageIdCreateEntry(id=at_once.id)])
)
found["learned"] = [one.status for one in learned.images]
image = learned.images[0].image.id

suggested = trainer.suggest_tags_and_regions(project, iteration, image_ids=[image])
found["suggested"] = {one.tag_name: one.probability for one in suggested[0].predictions}
tags = {tag.name: tag.id for tag in trainer.get_tags(project)}
token = SuggestedTagAndRegionQueryToken(tag_ids=[tags["striped"]], threshold=0.5, max_count=10)
found["asked_by_tag"] = [one.id for one in trainer.query_suggested_images(project, iteration, token).results] == [image]
counted = trainer.query_suggested_image_count(project, iteration, tag_ids=list(tags.values()), threshold=0.5)
found["suggested_count"] = {name: counted[tags[name]] for name in tags}
entry = ImageTagCreateEntry(image_id=image, tag_id=tags["striped"])
trainer.create_image_tags(project, tags=[entry])
found["tagged"] = trainer.get_tagged_image_count(project, tag_ids=[tags["striped"]])
trainer.delete_image_tags(project, [image], [tags["striped"]])
trainer.delete_images(project, [image])
trainer.delete_prediction(project, [at_once.id])

found["errors"] = []
for wrong in (
    lambda: predictor.classify_image(project, "another", data),
    lambda: predictor.classify_image(project, "classifyModel", b"no picture"),
    lambda: predictor.classify_image(project, "classifyModel", bytes(4 * 2**20 + 1)),
    lambda: predictor.detect_image(project, "classifyModel", data),
    lambda: trainer.get_project(str(uuid.uuid4())),
    lambda: trainer.export_iteration(project, iteration, "CoreML"),
    lambda: trainer.train_project(project, selected_tags=[tags["plain"]]),
):
    try:
        wrong()
        found["errors"].append(None)
    except (NotPredicted, CustomVisionErrorException) as error:
        found["errors"].append(error.error.code if error.error else str(error))

name = trainer.get_project(project).name
trainer.unpublish_iteration(project, iteration)
trainer.delete_project(project)
found["begun_again"] = trainer.create_project(name).name == name
print(json.dumps(found))
