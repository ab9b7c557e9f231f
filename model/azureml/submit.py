"""Submits a job to Azure Machine Learning: `python submit.py FOLDER SUBSCRIPTION RESOURCE_GROUP WORKSPACE`.

A script of its own, which knows nothing of this project: azure-ai-ml demands other versions of some libraries than
ours, so it may be in another Python. FOLDER holds job.yml and environment.yml. The last line that it prints is JSON
with the `name` and the `url` of the job; if that could not be submitted, it says why on standard error and ends with 1.
"""

import json
import sys
from pathlib import Path


def main() -> None:
    """Make the environment, if the workspace has none of that version, and submit the job."""
    from azure.ai.ml import MLClient, load_environment, load_job
    from azure.core.exceptions import AzureError, ResourceNotFoundError
    from azure.identity import DefaultAzureCredential

    folder, subscription, group, workspace = Path(sys.argv[1]), *sys.argv[2:]
    try:
        environment, job = load_environment(folder / "environment.yml"), load_job(folder / "job.yml")
        client = MLClient(DefaultAzureCredential(), subscription, group, workspace)
        try:
            client.environments.get(environment.name, environment.version)
        except ResourceNotFoundError:
            client.environments.create_or_update(environment)
        submitted = client.jobs.create_or_update(job)
    except (AzureError, OSError) as error:
        sys.exit(str(error))
    print(json.dumps({"name": submitted.name, "url": submitted.studio_url}))


if __name__ == "__main__":
    main()
