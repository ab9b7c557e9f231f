// Logs and metrics in one workspace, signed in to with identities; the workbook; who is told when something is wrong.
param token string
param location string
param tags object
param alertEmail string

var quotaGB = 1

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' = {
  name: 'log-${token}'
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: 30
    workspaceCapping: { dailyQuotaGb: quotaGB } // a loop in the logs shall not cost more than the pictures
    features: { disableLocalAuth: true }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-${token}'
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    DisableLocalAuth: true
  }
}

resource actions 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(alertEmail)) {
  name: 'ag-${token}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'imagestore'
    emailReceivers: [{ name: 'operator', emailAddress: alertEmail, useCommonAlertSchema: true }]
  }
}

// Pictures by outcome, times, queues and requests, a page in the portal. Its queries were never seen to run.
resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'workbook')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Intelligent Storage'
    category: 'workbook'
    sourceId: workspace.id
    serializedData: loadTextContent('../workbook.json')
  }
}

output insightsName string = insights.name
output connectionString string = insights.properties.ConnectionString // an address; sending takes a role
output actionGroupId string = empty(alertEmail) ? '' : actions.id
output workspaceId string = workspace.id
output quotaGB int = quotaGB
