"""What Custom Vision's API answers with, field for field as its clients read it."""

from typing import Any

import msgspec


class Camel(msgspec.Struct, rename="camel", kw_only=True):
    """Fields are written as `camelCase`."""


class Prediction(Camel):
    """A tag and its probability."""

    probability: float
    tag_id: str
    tag_name: str
    bounding_box: None = None
    tag_type: str = "Regular"


class ImagePrediction(Camel):
    """What an iteration says of a picture."""

    id: str
    project: str
    iteration: str
    created: str
    predictions: list[Prediction]


class Settings(Camel):
    """A project's settings."""

    domain_id: str
    classification_type: str
    target_export_platforms: list[str]
    use_negative_set: bool
    detection_parameters: None = None
    image_processing_settings: dict[str, Any] = msgspec.field(default_factory=lambda: {"augmentationMethods": {}})
    export_model_container_uri: None = None
    notification_queue_uri: None = None


class Project(Camel):
    """A project."""

    id: str
    name: str
    description: str
    settings: Settings
    created: str
    last_modified: str
    thumbnail_uri: str | None = None
    dr_mode_enabled: bool = False
    status: str = "Succeeded"


class Tag(Camel):
    """A tag, and how many pictures have it."""

    id: str
    name: str
    description: str | None
    type: str
    image_count: int


class ImageTag(Camel):
    """A tag of a picture."""

    tag_id: str
    tag_name: str
    created: str


class Image(Camel):
    """A picture that is learned from. The addresses need no key, and are good for an hour."""

    id: str
    created: str
    width: int
    height: int
    resized_image_uri: str
    thumbnail_uri: str
    original_image_uri: str
    tags: list[ImageTag]
    regions: list[dict[str, Any]]
    metadata: dict[str, str]


class ImageCreateResult(Camel):
    """How the taking in of one picture went."""

    source_url: str
    status: str
    image: Image | None = None


class ImageCreateSummary(Camel):
    """How the taking in of pictures went."""

    is_batch_successful: bool
    images: list[ImageCreateResult]


class Iteration(Camel):
    """A training, and the version that it made."""

    id: str
    name: str
    status: str
    created: str
    last_modified: str
    trained_at: str | None
    project_id: str
    exportable: bool
    exportable_to: list[str]
    domain_id: str | None
    classification_type: str
    training_type: str = "Regular"
    reserved_budget_in_hours: int = 0
    training_time_in_minutes: int = 0
    publish_name: str | None = None
    original_publish_resource_id: str | None = None
    custom_base_model_info: None = None
    training_error_details: str | None = None


class TagPerformance(Camel):
    """How well one tag is told from the others, on pictures that were held out."""

    id: str
    name: str
    precision: float
    recall: float
    average_precision: float
    precision_std_deviation: float = 0.0
    recall_std_deviation: float = 0.0


class Performance(Camel):
    """How good an iteration is, on pictures that were held out."""

    per_tag_performance: list[TagPerformance]
    precision: float
    recall: float
    average_precision: float
    precision_std_deviation: float = 0.0
    recall_std_deviation: float = 0.0


class ImagePerformance(Camel):
    """What an iteration said of a picture that was held out from its training, and the picture's tags."""

    predictions: list[Prediction]
    id: str
    created: str
    width: int
    height: int
    image_uri: str
    thumbnail_uri: str
    tags: list[ImageTag]
    regions: list[dict[str, Any]]
