"""Settings of trainings on Azure Machine Learning."""

from dataclasses import dataclass

from imagestore.settings.kinds import setting


@dataclass(frozen=True)
class AzureMlSettings:
    """Where `imagestore train --on azureml` has models trained."""

    azureml_subscription_id: str = setting(
        "", "The subscription of the Azure Machine Learning workspace; if empty, what azd sets: AZURE_SUBSCRIPTION_ID."
    )
    azureml_resource_group: str = setting(
        "", "The resource group of that workspace; if empty, what azd sets: AZURE_RESOURCE_GROUP."
    )
    azureml_workspace: str = setting("", "The workspace in which `imagestore train --on azureml` trains.")
    azureml_compute: str = setting("cpu-cluster", "The cluster of that workspace.")
    azureml_client_id: str = setting(
        "",
        "The client id of a user-assigned identity of the cluster; if empty, the job signs in as the cluster itself.",
    )
    azureml_python: str = setting(
        "", "A Python that has the package azure-ai-ml (docs/azure-ml.md); if empty, the one that runs `imagestore`."
    )
