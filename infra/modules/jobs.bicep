// The runner of jobs: an app of its own, so that training takes no memory from the pages, on a plan of its own. It serves
// nobody; App Service starts, watches and restarts only what answers on a port, so it answers there whether it is well.
param token string
param location string
param tags object
param sku string
param settings object
param identityId string
param clientId string
param pictures string
param cosmosEndpoint string
param vaultUri string
param insightsConnectionString string
@description('Empty: no virtual network.')
param subnetId string

// `exec`, so that the shell that App Service starts it from does not keep SIGTERM from it.
var startCommand = 'exec python -m model.job_runner --address 0.0.0.0 --port 8000'

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: pictures
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: 'plan-jobs-${token}'
  location: location
  tags: tags
  kind: 'linux'
  sku: { name: sku, capacity: 1 }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: 'jobs-${token}'
  location: location
  tags: union(tags, { 'azd-service-name': 'jobs' })
  kind: 'app,linux'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {} } }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: {
      linuxFxVersion: 'PYTHON|3.13'
      appCommandLine: startCommand
      healthCheckPath: '/'
      alwaysOn: true // else it is unloaded when nobody asks, in the middle of a job
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      ftpsState: 'Disabled'
      http20Enabled: true
    }
  }

  resource appSettings 'config' = {
    name: 'appsettings'
    properties: union(settings, {
      SCM_DO_BUILD_DURING_DEPLOYMENT: 'true'
      WEBSITES_CONTAINER_STOP_TIME_LIMIT: '60' // seconds to give its job back, in place of 5
      IMAGES_STORAGE__blobServiceUri: account.properties.primaryEndpoints.blob
      IMAGES_STORAGE__queueServiceUri: account.properties.primaryEndpoints.queue
      IMAGES_STORAGE__credential: 'managedidentity'
      IMAGES_STORAGE__clientId: clientId
      COSMOS__accountEndpoint: cosmosEndpoint
      COSMOS__credential: 'managedidentity'
      COSMOS__clientId: clientId
      KEY_VAULT__vaultUri: vaultUri
      KEY_VAULT__credential: 'managedidentity'
      KEY_VAULT__clientId: clientId
      APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${clientId};Authorization=AAD'
    })
  }

  // Else what it prints is kept only while somebody looks.
  resource logs 'config' = {
    name: 'logs'
    dependsOn: [appSettings] // a site takes one change at a time
    properties: { httpLogs: { fileSystem: { enabled: true, retentionInDays: 7, retentionInMb: 35 } } }
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

output name string = app.name
