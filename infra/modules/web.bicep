// The web app: production, `staging` (the next version, on production's stores) and, if there is a development
// environment, `dev` on that one's stores.
param token string
param location string
param tags object
param sku string
param zoneRedundant bool
param settings object
param identityId string
param clientId string
param pictures string
param cosmosEndpoint string
param vaultUri string
param insightsConnectionString string
@description('The address that users know, where it is not the app\'s own in azurewebsites.net.')
param publicUrl string
@description('Empty: no virtual network.')
param subnetId string
@description('Resource group of the development environment; empty: no slot dev.')
param devGroup string
param devToken string

var startCommand = 'python -m imagestore.web --address 0.0.0.0 --port 8000'
var healthPath = '/api/v1/health/live'

var common = {
  SCM_DO_BUILD_DURING_DEPLOYMENT: 'true'
  WEBSITE_SWAP_WARMUP_PING_PATH: '/api/v1/health/ready'
  WEBSITE_SWAP_WARMUP_PING_STATUSES: '200'
  WEB_INDEX: '/tmp/imagestore/index.sqlite' // on the instance's own disk: /home is a network share
  AUTH: 'required'
  TRUSTED_PROXIES: '1' // App Service's own front end
}

var siteConfig = {
  linuxFxVersion: 'PYTHON|3.13'
  appCommandLine: startCommand
  healthCheckPath: healthPath
  alwaysOn: true
  minTlsVersion: '1.2'
  scmMinTlsVersion: '1.2'
  ftpsState: 'Disabled'
  http20Enabled: true
}

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: pictures
}

var production = union(settings, common, {
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

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: 'plan-web-${token}'
  location: location
  tags: tags
  kind: 'linux'
  sku: { name: sku, capacity: zoneRedundant ? 2 : 1 }
  properties: { reserved: true, zoneRedundant: zoneRedundant }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: 'web-${token}'
  location: location
  tags: union(tags, { 'azd-service-name': 'web' })
  kind: 'app,linux'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {} } }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: siteConfig
  }

  resource appSettings 'config' = {
    name: 'appsettings'
    properties: union(production, {
      PUBLIC_URL: empty(publicUrl) ? 'https://${app.properties.defaultHostName}' : publicUrl
    })
  }

  // What the slot dev works on, and each slot's own address, stay with the slot in a swap.
  resource sticky 'config' = {
    name: 'slotConfigNames'
    dependsOn: [appSettings] // a site takes one change at a time
    properties: {
      appSettingNames: [
        'IMAGES_STORAGE__blobServiceUri'
        'IMAGES_STORAGE__queueServiceUri'
        'IMAGES_STORAGE__clientId'
        'COSMOS__accountEndpoint'
        'COSMOS__clientId'
        'KEY_VAULT__vaultUri'
        'KEY_VAULT__clientId'
        'APPLICATIONINSIGHTS_CONNECTION_STRING'
        'APPLICATIONINSIGHTS_AUTHENTICATION_STRING'
        'PUBLIC_URL'
      ]
    }
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

resource staging 'Microsoft.Web/sites/slots@2025-03-01' = {
  parent: app
  name: 'staging'
  dependsOn: [app::appSettings, app::sticky] // a site takes one change at a time
  location: location
  tags: tags
  kind: 'app,linux'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {} } }
  properties: {
    serverFarmId: plan.id
    httpsOnly: false // a swap asks for its warm-up in plain text; the app sends all else to https (web/guards/security.py)
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: siteConfig
  }

  resource appSettings 'config' = {
    name: 'appsettings'
    properties: union(production, { PUBLIC_URL: 'https://${staging.properties.defaultHostName}' })
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

// A module of its own, since Azure would ask for the development environment's stores even where there is none.
module dev 'dev-slot.bicep' = if (!empty(devGroup)) {
  name: 'dev-slot'
  dependsOn: [staging]
  params: {
    app: app.name
    location: location
    tags: tags
    planId: plan.id
    siteConfig: siteConfig
    settings: union(settings, common)
    subnetId: subnetId
    devGroup: devGroup
    devToken: devToken
  }
}

output name string = app.name
output url string = empty(publicUrl) ? 'https://${app.properties.defaultHostName}' : publicUrl
