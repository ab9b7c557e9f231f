// Everything that one environment needs, in a resource group of its own. `azd provision` deploys this file; what can
// only be made once the functions run, the Event Grid subscriptions, is events.bicep.
targetScope = 'subscription'

import { person } from 'modules/types.bicep'

@minLength(1)
@maxLength(40)
@description('Name of the azd environment; names the resource group and, hashed, everything in it.')
param environmentName string

@description('The Azure region.')
param location string

@description('Who deploys, and runs the command line against this environment (object id); empty for nobody.')
param principalId string = ''

@allowed(['User', 'Group', 'ServicePrincipal'])
@description('What principalId is; ServicePrincipal for a workflow.')
param principalType string = 'User'

@description('Who else may put pictures in, with `az storage blob upload` for instance.')
param uploaders person[] = []

@description('The identities of Azure Machine Learning clusters that may train.')
param clusters person[] = []

@description('Memory of one function instance in MB: 2048 or 4096.')
param instanceMemoryMB int = 2048

@minValue(1)
@maxValue(1000)
@description('Most function instances at a time: the ceiling on speed, and on cost.')
param maximumInstanceCount int = 40

@minValue(0)
@maxValue(20)
@description('Instances that always wait for pictures, so that the first one starts without delay. Each costs money idle.')
param alwaysReadyInstances int = 0

@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_RAGRS', 'Standard_GZRS', 'Standard_RAGZRS'])
@description('Redundancy of the account with the pictures.')
param storageSku string = 'Standard_LRS'

@minValue(1)
@maxValue(365)
@description('For how many days what was deleted or overwritten in the pictures\' account can be brought back.')
param keepDeletedDays int = 7

@allowed(['serverless', 'autoscale'])
@description('How Cosmos DB is paid: by request, or by the hour up to cosmosMaxThroughput.')
param cosmosCapacity string = 'serverless'

@minValue(1000)
@description('Highest throughput of the database in RU/s, for autoscale. The hour costs a tenth of it at least.')
param cosmosMaxThroughput int = 1000

@description('Further regions that Cosmos DB is replicated to and fails over to, in this order.')
param cosmosOtherRegions string[] = []

@description('Refused: whether Cosmos DB takes writes in every region.')
param cosmosMultiRegionWrites bool = false

@description('Whether Cosmos DB and the web app\'s plan are spread over availability zones.')
param zoneRedundant bool = false

@minValue(1)
@description('For how many days the audit log is kept.')
param auditDays int = 365

@description('Whether the web app is deployed. A development environment has none: its pages are the slot `dev`.')
param deployWeb bool = true

@description('The web app\'s address as users know it, such as https://pictures.example.org; empty for that of Azure.')
param publicUrl string = ''

@description('Plan of the web app. Slots need S1, or a premium plan.')
param webSku string = 'P0v3'

@description('Whether the runner of jobs is deployed beside the web app: training, promoting and classifying again from the pages.')
param deployJobs bool = true

@description('Plan of the runner of jobs: one instance, with at least 3.5 GB of memory.')
param jobsSku string = 'B2'

@description('The azd environment that the slot `dev` works on; empty for no such slot.')
param devEnvironmentName string = ''

@description('Whether stores are reached over private endpoints only.')
param privateNetwork bool = false

@description('With privateNetwork: public addresses (CIDR) that reach the stores all the same, such as your office.')
param allowedAddresses string[] = []

@minValue(1)
@description('Monthly budget of the resource group, in the currency of the bill.')
param monthlyBudget int = 50

@description('Who is told at 80 % and 100 % of the budget, of undelivered events and of messages that were given up. Without an address, nobody.')
param alertEmail string = ''

@description('First day of the month in which the budget begins; Azure lets nobody change it. A hook sets it once.')
param budgetStart string = ''

@description('Settings that differ from their defaults, by name (docs/settings.md).')
param settings object = {}

// Refused: what Azure offers besides.
var memoryMB = contains([2048, 4096], instanceMemoryMB)
  ? instanceMemoryMB
  : fail('instanceMemoryMB: ${instanceMemoryMB} is neither 2048 nor 4096. A picture at the limits does not fit into 512 MB. Set INSTANCE_MEMORY_MB to 2048, or to 4096 for two pictures at once.')

var token = uniqueString(subscription().id, environmentName, location)
var tags = { 'azd-env-name': environmentName }

// The names of containers and of the database are those of the code: the example file is made from its settings.
var defaults = loadJsonContent('../local.settings.example.json').Values
var given = union(defaults, settings)
var named = filter(items(given), setting => endsWith(setting.key, '_CONTAINER'))
var containers = union(
  { backups: 'backups', deadletter: 'deadletter' },
  toObject(named, setting => toLower(replace(setting.key, '_CONTAINER', '')), setting => setting.value)
)
var queues = ['work', 'work-poison', 'webjobs-blobtrigger-poison']

// What every process is given: names that bindings and infrastructure share, and what was asked for.
var shared = union(
  toObject(named, setting => setting.key, setting => setting.value),
  {
    COSMOS_DATABASE: given.COSMOS_DATABASE
    DEADLETTER_SCHEDULE: given.DEADLETTER_SCHEDULE
    SWEEP_SCHEDULE: given.SWEEP_SCHEDULE
    UNDELETE_DAYS: string(min(keepDeletedDays, 14)) // older ones have no tombstone left by which the sweep finds them
  },
  settings
)

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identities 'modules/identities.bicep' = {
  name: 'identities'
  scope: group
  params: { token: token, location: location, tags: tags }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    alertEmail: alertEmail
  }
}

module alerts 'modules/alerts.bicep' = if (!empty(alertEmail)) {
  name: 'alerts'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    actionGroupId: monitoring.outputs.actionGroupId
    poisonQueues: filter(queues, queue => endsWith(queue, '-poison'))
    mostLogsMB: monitoring.outputs.quotaGB * 800
  }
}

module hostStorage 'modules/host-storage.bicep' = {
  name: 'host-storage'
  scope: group
  params: { token: token, location: location, tags: tags, privateNetwork: privateNetwork }
}

module pictures 'modules/pictures.bicep' = {
  name: 'pictures'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    sku: storageSku
    containers: map(items(containers), container => container.value)
    queues: queues
    keepDeletedDays: keepDeletedDays
    tierRules: loadJsonContent('tiers.json').rules
    uploads: containers.uploads
    privateNetwork: privateNetwork
    allowedAddresses: allowedAddresses
  }
}

module topic 'modules/topic.bicep' = {
  name: 'topic'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    accountId: pictures.outputs.id
    actionGroupId: monitoring.outputs.actionGroupId
  }
}

module cosmos 'modules/cosmos.bicep' = {
  name: 'cosmos'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    database: given.COSMOS_DATABASE
    capacity: cosmosCapacity
    maxThroughput: cosmosMaxThroughput
    otherRegions: cosmosOtherRegions
    multiRegionWrites: cosmosMultiRegionWrites
    zoneRedundant: zoneRedundant
    auditDays: auditDays
    privateNetwork: privateNetwork
    allowedAddresses: allowedAddresses
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    privateNetwork: privateNetwork
    allowedAddresses: allowedAddresses
  }
}

module network 'modules/network.bicep' = if (privateNetwork) {
  name: 'network'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    hostStorageId: hostStorage.outputs.id
    picturesId: pictures.outputs.id
    cosmosId: cosmos.outputs.id
    vaultId: vault.outputs.id
  }
}

module roles 'modules/roles.bicep' = {
  name: 'roles'
  scope: group
  params: {
    hostStorage: hostStorage.outputs.name
    pictures: pictures.outputs.name
    cosmos: cosmos.outputs.name
    database: given.COSMOS_DATABASE
    vault: vault.outputs.name
    insights: monitoring.outputs.insightsName
    containers: containers
    principals: {
      function: [{ id: identities.outputs.functionPrincipalId, type: 'ServicePrincipal' }]
      web: [{ id: identities.outputs.webPrincipalId, type: 'ServicePrincipal' }]
      jobs: [{ id: identities.outputs.jobsPrincipalId, type: 'ServicePrincipal' }]
      topic: [{ id: topic.outputs.principalId, type: 'ServicePrincipal' }]
      operator: empty(principalId) ? [] : [{ id: principalId, type: principalType }]
      uploader: uploaders
      cluster: clusters
    }
  }
}

module functions 'modules/functions.bicep' = {
  name: 'functions'
  scope: group
  dependsOn: [roles] // an app that starts before it may read its package waits long for the next try
  params: {
    token: token
    location: location
    tags: tags
    settings: shared
    identityId: identities.outputs.functionId
    clientId: identities.outputs.functionClientId
    hostStorage: hostStorage.outputs.name
    deploymentContainer: hostStorage.outputs.deploymentContainer
    pictures: pictures.outputs.name
    cosmosEndpoint: cosmos.outputs.endpoint
    insightsConnectionString: monitoring.outputs.connectionString
    instanceMemoryMB: memoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReadyInstances: alwaysReadyInstances
    subnetId: privateNetwork ? network!.outputs.functionSubnetId : ''
  }
}

module web 'modules/web.bicep' = if (deployWeb) {
  name: 'web'
  scope: group
  dependsOn: [roles]
  params: {
    token: token
    location: location
    tags: tags
    sku: webSku
    zoneRedundant: zoneRedundant
    settings: shared
    identityId: identities.outputs.webId
    clientId: identities.outputs.webClientId
    pictures: pictures.outputs.name
    cosmosEndpoint: cosmos.outputs.endpoint
    insightsConnectionString: monitoring.outputs.connectionString
    vaultUri: vault.outputs.uri
    publicUrl: publicUrl
    subnetId: privateNetwork ? network!.outputs.webSubnetId : ''
    devGroup: empty(devEnvironmentName) ? '' : 'rg-${devEnvironmentName}'
    devToken: uniqueString(subscription().id, devEnvironmentName, location)
  }
}

module jobs 'modules/jobs.bicep' = if (deployWeb && deployJobs) {
  name: 'jobs'
  scope: group
  dependsOn: [roles]
  params: {
    token: token
    location: location
    tags: tags
    sku: jobsSku
    settings: shared
    identityId: identities.outputs.jobsId
    clientId: identities.outputs.jobsClientId
    pictures: pictures.outputs.name
    cosmosEndpoint: cosmos.outputs.endpoint
    insightsConnectionString: monitoring.outputs.connectionString
    vaultUri: vault.outputs.uri
    subnetId: privateNetwork ? network!.outputs.jobsSubnetId : ''
  }
}

module budget 'modules/budget.bicep' = if (!empty(alertEmail) && !empty(budgetStart)) {
  name: 'budget'
  scope: group
  params: { amount: monthlyBudget, email: alertEmail, start: budgetStart }
}

// azd keeps outputs in the environment, where the hooks and the workflow read them. None is a secret.
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_FUNCTION_APP string = functions.outputs.name
output AZURE_WEB_APP string = deployWeb ? web!.outputs.name : ''
output AZURE_WEB_URL string = deployWeb ? web!.outputs.url : ''
output AZURE_JOBS_APP string = deployWeb && deployJobs ? jobs!.outputs.name : ''
output AZURE_SYSTEM_TOPIC string = topic.outputs.name
output AZURE_PICTURES_ACCOUNT string = pictures.outputs.name
output AZURE_UPLOADS_CONTAINER string = containers.uploads
output AZURE_STAGING_CONTAINER string = containers.staging
output AZURE_RESULTS_CONTAINER string = containers.results
output AZURE_DEADLETTER_CONTAINER string = containers.deadletter
output AZURE_KEY_VAULT string = vault.outputs.name

// With these three, the command line works on this environment: `imagestore ls` after `az login`.
output IMAGES_STORAGE__blobServiceUri string = pictures.outputs.blobUri
output IMAGES_STORAGE__queueServiceUri string = pictures.outputs.queueUri
output COSMOS__accountEndpoint string = cosmos.outputs.endpoint

// The parameters that environment variables set, so that `azd env refresh` brings them back in a workflow or a new clone.
output INSTANCE_MEMORY_MB int = instanceMemoryMB
output MAXIMUM_INSTANCE_COUNT int = maximumInstanceCount
output ALWAYS_READY_INSTANCES int = alwaysReadyInstances
output STORAGE_SKU string = storageSku
output KEEP_DELETED_DAYS int = keepDeletedDays
output COSMOS_CAPACITY string = cosmosCapacity
output COSMOS_MAX_THROUGHPUT int = cosmosMaxThroughput
output COSMOS_MULTI_REGION_WRITES bool = cosmosMultiRegionWrites
output ZONE_REDUNDANT bool = zoneRedundant
output AUDIT_DAYS int = auditDays
output DEPLOY_WEB bool = deployWeb
output PUBLIC_URL string = publicUrl
output WEB_SKU string = webSku
output DEPLOY_JOBS bool = deployJobs
output JOBS_SKU string = jobsSku
output DEV_ENVIRONMENT_NAME string = devEnvironmentName
output PRIVATE_NETWORK bool = privateNetwork
output MONTHLY_BUDGET int = monthlyBudget
output ALERT_EMAIL string = alertEmail
output BUDGET_START string = budgetStart
