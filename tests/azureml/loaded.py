"""What azure-ai-ml reads in a folder with job.yml and environment.yml, as JSON."""

import json
import sys
from pathlib import Path

from azure.ai.ml import load_environment, load_job

folder = Path(sys.argv[1])
job, environment = load_job(folder / "job.yml"), load_environment(folder / "environment.yml")
asked = job._to_job()._to_rest_object().as_dict()
print(
    json.dumps(
        {
            "problems": [str(error) for error in job._validate().error_messages.values()],
            "asked": asked["properties"],
            "code": str(Path(job.base_path) / job.code),
            "environment": f"{environment.name}:{environment.version}",
            "image": environment.image,
            "libraries": environment.conda_file["dependencies"],
        }
    )
)
