// Logs and metrics in one workspace, signed in to with identities; who is told when something is wrong.
param token string
param location string
param tags object
param alertEmail string
@description('Queues in which messages lie that were given up.')
param poisonQueues string[]

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' = {
  name: 'log-${token}'
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: 30
    workspaceCapping: { dailyQuotaGb: 1 } // a loop in the logs shall not cost more than the pictures
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

// The sweep logs how many messages each queue holds (imagestore/pipeline/sweep.py). Azure's own metric is hourly, and of
// the whole account. The least length in the window counts: what `poison` takes up at once is no reason to write.
resource givenUp 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = if (!empty(alertEmail)) {
  name: 'given-up-${token}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Messages that were given up'
    description: 'A poison queue holds messages, so pictures wait for a person: docs/reliability.md says what to do.'
    severity: 2
    enabled: true
    autoMitigate: true
    skipQueryValidation: true // in a new workspace nothing was logged yet
    scopes: [workspace.id]
    evaluationFrequency: 'PT15M'
    windowSize: 'PT30M'
    criteria: {
      allOf: [
        {
          query: 'AppTraces | parse Message with * "queue=" Queue " length=" Length:long * | where Queue in ("${join(poisonQueues, '", "')}") | project TimeGenerated, Queue, Length'
          metricMeasureColumn: 'Length'
          timeAggregation: 'Minimum'
          dimensions: [{ name: 'Queue', operator: 'Include', values: ['*'] }]
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: { actionGroups: [actions.id] }
  }
}

output insightsName string = insights.name
output connectionString string = insights.properties.ConnectionString // an address; sending takes a role
output actionGroupId string = empty(alertEmail) ? '' : actions.id
