// The slot `dev`: the pages of the development environment, whose stores and identity stand in another resource group.
param app string
param location string
param tags object
param planId string
param siteConfig object
param settings object
param subnetId string
param devGroup string
param devToken string

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: 'id-web-${devToken}'
  scope: resourceGroup(devGroup)
}

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: 'stpics${devToken}'
  scope: resourceGroup(devGroup)
}

resource cosmos 'Microsoft.DocumentDB/databaseAccounts@2025-10-15' existing = {
  name: 'cosmos-${devToken}'
  scope: resourceGroup(devGroup)
}

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: 'kv-${devToken}'
  scope: resourceGroup(devGroup)
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: 'appi-${devToken}'
  scope: resourceGroup(devGroup)
}

resource site 'Microsoft.Web/sites@2025-03-01' existing = {
  name: app
}

resource dev 'Microsoft.Web/sites/slots@2025-03-01' = {
  parent: site
  name: 'dev'
  location: location
  tags: tags
  kind: 'app,linux'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identity.id}': {} } }
  properties: {
    serverFarmId: planId
    httpsOnly: true
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: siteConfig
  }

  resource appSettings 'config' = {
    name: 'appsettings'
    properties: union(settings, {
      IMAGES_STORAGE__blobServiceUri: account.properties.primaryEndpoints.blob
      IMAGES_STORAGE__queueServiceUri: account.properties.primaryEndpoints.queue
      IMAGES_STORAGE__credential: 'managedidentity'
      IMAGES_STORAGE__clientId: identity.properties.clientId
      COSMOS__accountEndpoint: cosmos.properties.documentEndpoint
      COSMOS__credential: 'managedidentity'
      COSMOS__clientId: identity.properties.clientId
      KEY_VAULT__vaultUri: vault.properties.vaultUri
      KEY_VAULT__credential: 'managedidentity'
      KEY_VAULT__clientId: identity.properties.clientId
      APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.properties.clientId};Authorization=AAD'
      PUBLIC_URL: 'https://${dev.properties.defaultHostName}'
    })
  }

  resource scm 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
  }

  resource ftp 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
  }
}
