"""The steps of Microsoft's quickstart for image classification, with its own SDK and nothing changed but endpoint and
keys: `python quickstart.py ENDPOINT TRAINING_KEY PREDICTION_KEY FOLDER`.

FOLDER has a folder of pictures for each tag, and `test.jpg`. Prints what it found, as JSON.
"""

import json
import sys
import time
import uuid
from pathlib import Path

from azure.cognitiveservices.vision.customvision.prediction import CustomVisionPredictionClient
from azure.cognitiveservices.vision.customvision.training import CustomVisionTrainingClient
from azure.cognitiveservices.vision.customvision.training.models import ImageFileCreateBatch, ImageFileCreateEntry
from msrest.authentication import ApiKeyCredentials

ENDPOINT, training_key, prediction_key, folder = sys.argv[1:5]
prediction_resource_id = "/subscriptions/0/resourceGroups/0/providers/Microsoft.CognitiveServices/accounts/any"
publish_iteration_name = "classifyModel"

credentials = ApiKeyCredentials(in_headers={"Training-key": training_key})
trainer = CustomVisionTrainingClient(ENDPOINT, credentials)
prediction_credentials = ApiKeyCredentials(in_headers={"Prediction-key": prediction_key})
predictor = CustomVisionPredictionClient(ENDPOINT, prediction_credentials)

print("Creating project...", file=sys.stderr)
project = trainer.create_project(str(uuid.uuid4()), classification_type="Multiclass")

image_list = []
for place in sorted(path for path in Path(folder).iterdir() if path.is_dir()):
    tag = trainer.create_tag(project.id, place.name)
    image_list += [
        ImageFileCreateEntry(name=picture.name, contents=picture.read_bytes(), tag_ids=[tag.id])
        for picture in sorted(place.iterdir())
    ]

upload_result = trainer.create_images_from_files(project.id, ImageFileCreateBatch(images=image_list))
if not upload_result.is_batch_successful:
    for image in upload_result.images:
        print("Image status: ", image.status, file=sys.stderr)
    sys.exit(1)

print("Training...", file=sys.stderr)
iteration = trainer.train_project(project.id)
first_status = iteration.status
while iteration.status != "Completed":
    iteration = trainer.get_iteration(project.id, iteration.id)
    if iteration.status == "Failed":
        sys.exit(iteration.training_error_details)
    time.sleep(1)

published = trainer.publish_iteration(project.id, iteration.id, publish_iteration_name, prediction_resource_id)
data = Path(folder, "test.jpg").read_bytes()
results = predictor.classify_image(project.id, publish_iteration_name, data)
unstored = predictor.classify_image_with_no_store(project.id, publish_iteration_name, data)
tags = trainer.get_tags(project.id)
print(
    json.dumps(
        {
            "project": project.id,
            "iteration": iteration.id,
            "first_status": first_status,
            "published": published,
            "publish_name": trainer.get_iteration(project.id, iteration.id).publish_name,
            "predictions": {one.tag_name: one.probability for one in results.predictions},
            "unstored": {one.tag_name: one.probability for one in unstored.predictions},
            "answered_by": [results.project, results.iteration],
            "tags": {tag.name: tag.image_count for tag in tags},
            "tagged": len(trainer.get_tagged_images(project.id, take=256)),
            "untagged": trainer.get_untagged_image_count(project.id),
            "performance": trainer.get_iteration_performance(project.id, iteration.id, threshold=0.5).precision,
            "stored": results.id,
        }
    )
)
