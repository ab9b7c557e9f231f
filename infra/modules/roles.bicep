// Who may do what, as imagestore/store/roles.json lists it: the code names a missing role by the same file, and
// `python infra/roles_table.py` makes the table in docs/azure.md from it.
param hostStorage string
param pictures string
param cosmos string
param database string
param vault string
param insights string
@description('Container names by what they are for.')
param containers object
@description('Lists of { id, type } by who they are.')
param principals object

var roleIds = {
  'Storage Blob Data Owner': 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  'Storage Blob Data Contributor': 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  'Storage Blob Data Reader': '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'
  'Storage Queue Data Contributor': '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  'Storage Queue Data Message Sender': 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a'
  'Storage Queue Data Reader': '19e7f393-937e-4f77-808e-94535e297925'
  'Storage Table Data Contributor': '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  'Key Vault Secrets User': '4633458b-17de-408a-b874-0445c86b69e6'
  'Monitoring Metrics Publisher': '3913510d-42f4-4e42-8a64-420c390055eb'
}

// By what they are on: the host's account, containers and queues of the pictures' account (only Owner may set tags),
// Key Vault, one secret in it, Application Insights, and Cosmos DB, where an empty `on` is the account.
var grants = loadJsonContent('../../imagestore/store/roles.json')

// What a role on a container may be held to: changes of the blobs with these names. All may still be read.
var blobs = 'Microsoft.Storage/storageAccounts/blobServices/containers/blobs'
var changes = map(['write', 'add/action', 'delete', 'move/action'], action => '!(ActionMatches{\'${blobs}/${action}\'})')

var cosmosRoleIds = {
  'Cosmos DB Built-in Data Reader': '00000000-0000-0000-0000-000000000001'
  'Cosmos DB Built-in Data Contributor': '00000000-0000-0000-0000-000000000002'
  'Account Metadata': guid(account.id, 'Account Metadata')
  'Audit Writer': guid(account.id, 'Audit Writer')
}

resource account 'Microsoft.DocumentDB/databaseAccounts@2025-10-15' existing = {
  name: cosmos
}

resource metadataRole 'Microsoft.DocumentDB/databaseAccounts/sqlRoleDefinitions@2025-10-15' = {
  parent: account
  name: cosmosRoleIds['Account Metadata']
  properties: {
    roleName: 'Account Metadata'
    type: 'CustomRole'
    assignableScopes: [account.id]
    permissions: [{ dataActions: ['Microsoft.DocumentDB/databaseAccounts/readMetadata'] }]
  }
}

resource auditRole 'Microsoft.DocumentDB/databaseAccounts/sqlRoleDefinitions@2025-10-15' = {
  parent: account
  name: cosmosRoleIds['Audit Writer']
  dependsOn: [metadataRole] // Cosmos DB takes one change of its roles at a time
  properties: {
    roleName: 'Audit Writer'
    type: 'CustomRole'
    assignableScopes: [account.id]
    permissions: [
      {
        dataActions: [
          'Microsoft.DocumentDB/databaseAccounts/readMetadata'
          'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/create'
          'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/read'
          'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/executeQuery'
        ]
      }
    ]
  }
}

// A row for each of the people and processes that a grant speaks of.
var onHost = flatten(map(grants.host, grant => map(principals[grant.who], one => union(grant, one))))
var onContainers = flatten(map(grants.container, grant => map(principals[grant.who], one => union(grant, one))))
var onQueues = flatten(map(grants.queue, grant => map(principals[grant.who], one => union(grant, one))))
var onVault = flatten(map(grants.vault, grant => map(principals[grant.who], one => union(grant, one))))
var onSecrets = flatten(map(grants.secret, grant => map(principals[grant.who], one => union(grant, one))))
var onInsights = flatten(map(grants.insights, grant => map(principals[grant.who], one => union(grant, one))))
var onCosmos = flatten(map(grants.cosmos, grant => map(principals[grant.who], one => union(grant, one))))

resource hostAccount 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: hostStorage
}

resource picturesAccount 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: pictures

  resource blobs 'blobServices' existing = {
    name: 'default'
  }

  resource queues 'queueServices' existing = {
    name: 'default'
  }
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' existing = [
  for grant in onContainers: {
    parent: picturesAccount::blobs
    name: containers[grant.on]
  }
]

resource queue 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' existing = [
  for grant in onQueues: {
    parent: picturesAccount::queues
    name: grant.on
  }
]

resource keyVault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: vault
}

resource secret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' existing = [
  for grant in onSecrets: {
    parent: keyVault
    name: grant.on
  }
]

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insights
}

resource hostRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for grant in onHost: {
    name: guid(hostAccount.id, grant.id, grant.role)
    scope: hostAccount
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds[grant.role])
      principalId: grant.id
      principalType: grant.type
    }
  }
]

resource containerRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (grant, index) in onContainers: {
    name: guid(picturesAccount.id, 'container', grant.on, grant.id, grant.role)
    scope: container[index]
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds[grant.role])
      principalId: grant.id
      principalType: grant.type
      conditionVersion: contains(grant, 'only') ? '2.0' : null
      condition: contains(grant, 'only')
        ? '((${join(changes, ' AND ')}) OR (${join(map(grant.only, name => '@Resource[${blobs}:path] StringLike \'${name}\''), ' OR ')}))'
        : null
    }
  }
]

resource queueRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (grant, index) in onQueues: {
    name: guid(picturesAccount.id, 'queue', grant.on, grant.id, grant.role)
    scope: queue[index]
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds[grant.role])
      principalId: grant.id
      principalType: grant.type
    }
  }
]

resource vaultRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for grant in onVault: {
    name: guid(keyVault.id, grant.id, grant.role)
    scope: keyVault
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds[grant.role])
      principalId: grant.id
      principalType: grant.type
    }
  }
]

resource secretRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (grant, index) in onSecrets: {
    name: guid(keyVault.id, grant.on, grant.id, grant.role)
    scope: secret[index]
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds[grant.role])
      principalId: grant.id
      principalType: grant.type
    }
  }
]

resource insightsRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for grant in onInsights: {
    name: guid(component.id, grant.id, grant.role)
    scope: component
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds[grant.role])
      principalId: grant.id
      principalType: grant.type
    }
  }
]

@batchSize(1) // for the same reason
resource cosmosRole 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2025-10-15' = [
  for grant in onCosmos: {
    parent: account
    name: guid(account.id, grant.on, grant.id, grant.role)
    properties: {
      roleDefinitionId: '${account.id}/sqlRoleDefinitions/${cosmosRoleIds[grant.role]}'
      principalId: grant.id
      scope: empty(grant.on) ? account.id : '${account.id}/dbs/${database}/colls/${grant.on}'
    }
    dependsOn: [metadataRole, auditRole]
  }
]
