// The function app: Flex Consumption, signed in to everything with its own identity.
param token string
param location string
param tags object
param settings object
param identityId string
param clientId string
param hostStorage string
param deploymentContainer string
param pictures string
param cosmosEndpoint string
param insightsConnectionString string
param instanceMemoryMB int
param maximumInstanceCount int
param alwaysReadyInstances int
@description('Empty: no virtual network, and the webhook may be called by whoever has its key.')
param subnetId string

resource host 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: hostStorage
}

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: pictures
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: 'plan-function-${token}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: 'func-${token}'
  location: location
  tags: union(tags, { 'azd-service-name': 'function' })
  kind: 'functionapp,linux'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {} } }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    publicNetworkAccess: 'Enabled' // Event Grid's webhook comes from outside
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${host.properties.primaryEndpoints.blob}${deploymentContainer}'
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identityId }
        }
      }
      runtime: { name: 'python', version: '3.13' }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: alwaysReadyInstances == 0 ? [] : [{ name: 'blob', instanceCount: alwaysReadyInstances }]
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      http20Enabled: true
      // All it serves is the webhook. Publishing has an address of its own, which takes a sign-in.
      ipSecurityRestrictionsDefaultAction: empty(subnetId) ? 'Allow' : 'Deny'
      ipSecurityRestrictions: empty(subnetId)
        ? []
        : [{ name: 'event-grid', priority: 100, action: 'Allow', tag: 'ServiceTag', ipAddress: 'AzureEventGrid' }]
      scmIpSecurityRestrictionsUseMain: false
    }
  }

  resource appSettings 'config' = {
    name: 'appsettings'
    properties: union(settings, {
      AzureWebJobsStorage__blobServiceUri: host.properties.primaryEndpoints.blob
      AzureWebJobsStorage__queueServiceUri: host.properties.primaryEndpoints.queue
      AzureWebJobsStorage__tableServiceUri: host.properties.primaryEndpoints.table
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: clientId
      IMAGES_STORAGE__blobServiceUri: account.properties.primaryEndpoints.blob
      IMAGES_STORAGE__queueServiceUri: account.properties.primaryEndpoints.queue
      IMAGES_STORAGE__credential: 'managedidentity'
      IMAGES_STORAGE__clientId: clientId
      COSMOS__accountEndpoint: cosmosEndpoint
      COSMOS__credential: 'managedidentity'
      COSMOS__clientId: clientId
      INSTANCE_MEMORY_MB: string(instanceMemoryMB) // Azure tells a worker nothing that is documented
      APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${clientId};Authorization=AAD'
      OPENBLAS_NUM_THREADS: '1' // a worker is ready sooner without threads that it does not use (docs/speed.md)
      PYTHON_ENABLE_OPENTELEMETRY: 'true' // the worker sends its own logs, so the host sends them not again
    })
  }

  // No publishing with a name and a password: azd and the workflow sign in.
  resource scm 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
  }

  resource ftp 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
  }
}

output name string = app.name
