"""What a blob trigger hands to a function of ours: the names of container and blob, and nothing that was made for it.

Microsoft's binding (azurefunctions-extensions-bindings-blob) makes a client for each call, with a connection and, where
an identity signs in, a credential of its own. The steps use clients that are made once; without the binding a picture
takes 1.2 ms of CPU less, and a worker is ready 0.1 s earlier (docs/speed.md). This, like that, is found by the worker
through azurefunctions-extensions-base.
"""

import json
from dataclasses import dataclass
from typing import Any

from azurefunctions.extensions.base import Datum, InConverter, SdkType, get_binding_registry


@dataclass(frozen=True)
class TriggeredBlob(SdkType):  # type: ignore[misc]
    """A blob that an event told of; it may be gone by now."""

    container_name: str
    blob_name: str

    def get_sdk_type(self) -> "TriggeredBlob":
        """Itself: there is no other object behind it."""
        return self


_other = get_binding_registry().get("blobTrigger") or get_binding_registry().get("blob")
if _other is not None:
    raise ImportError(
        f"{__name__} cannot hand blobs to functions: {_other.__module__} does so in this process already, and only one "
        "may. Take its import out of the function app; TriggeredBlob stands in place of its types."
    )


class _Converter(InConverter, binding="blob", trigger="blobTrigger"):  # type: ignore[misc,call-arg]
    @classmethod
    def check_input_type_annotation(cls, pytype: type) -> bool:
        return issubclass(pytype, TriggeredBlob)

    @classmethod
    def decode(cls, data: Datum, *, trigger_metadata: Any, pytype: type) -> TriggeredBlob:
        if data.type != "model_binding_data":
            raise ValueError(f"a blob trigger takes model_binding_data, not {data.type!r}")
        told = json.loads(data.value.content)
        return TriggeredBlob(told["ContainerName"], told["BlobName"])
