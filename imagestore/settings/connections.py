"""The services that a process uses: how the connection to each is named, and those of the emulators on a laptop."""

CONNECTIONS = {
    "AzureWebJobsStorage": "The Functions host's own storage account.",
    "IMAGES_STORAGE": "The account with the pictures: a connection string, or IMAGES_STORAGE__blobServiceUri and "
    "IMAGES_STORAGE__queueServiceUri for sign-in by identity. May be the same account.",
    "COSMOS": "The Cosmos DB account: a connection string, or COSMOS__accountEndpoint for sign-in by identity.",
    "BACKUPS": "The account that takes backups, another than that of the pictures: a connection string, or "
    "BACKUPS__blobServiceUri for sign-in by identity. Only where they do not go to a folder (docs/years.md).",
    "KEY_VAULT": "Where signing keys and the secret of jobs are: KEY_VAULT__vaultUri. On a laptop a file keeps them.",
}
CONNECTION_KEYS = {
    "IMAGES_STORAGE": ("blobServiceUri", "queueServiceUri", "credential", "clientId"),
    "COSMOS": ("accountEndpoint", "credential", "clientId"),
    "BACKUPS": ("blobServiceUri", "credential", "clientId"),
    "KEY_VAULT": ("vaultUri", "credential", "clientId"),
}
"""What may follow a connection's name and two underscores, for sign-in by identity."""
AZURITE = "UseDevelopmentStorage=true"
COSMOS_EMULATOR = (
    "AccountEndpoint=http://localhost:8081/;"
    "AccountKey=C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw==;"
)
