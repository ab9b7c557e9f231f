// Who is told when something is wrong: each alert reads the log in the workspace, every quarter of an hour. Its query
// reads lines that the code writes (tests/unit/infra/test_alerts.py), and docs/runbook.md says what to do. None of the
// queries was ever seen to run.
param token string
param location string
param tags object
param workspaceId string
param actionGroupId string
@description('Queues in which messages lie that were given up.')
param poisonQueues string[]
@description('How many megabytes of logs a day are too many.')
param mostLogsMB int

var picture = 'AppTraces | parse Message with * "picture id=" Id " status=" Status " reason=" Reason " total_ms=" TotalMs:long " " * | where isnotempty(Id)'
var poison = join(poisonQueues, '", "')

var alerts = [
  {
    name: 'given-up'
    title: 'Messages that were given up'
    says: 'A poison queue holds messages, so pictures wait for a person.'
    severity: 2
    // The least length in the window counts: what `poison` takes up at once is no reason to write.
    query: 'AppTraces | parse Message with * "queue=" Queue " length=" Length:long " " * | where Queue in ("${poison}") | project TimeGenerated, Queue, Length'
    column: 'Length'
    how: 'Minimum'
    operator: 'GreaterThan'
    threshold: 0
    window: 'PT30M'
    by: 'Queue'
  }
  {
    name: 'failed'
    title: 'Pictures that failed'
    says: 'A step failed to the last attempt, and the records say so.'
    severity: 2
    query: '${picture} | where Status == "failed"'
    column: ''
    how: 'Count'
    operator: 'GreaterThan'
    threshold: 0
    window: 'PT30M'
    by: ''
  }
  {
    name: 'dead-letters'
    title: 'Events that were not delivered'
    says: 'The functions refused events or did not answer, and Event Grid gave them up. They were queued again.'
    severity: 3
    query: 'AppTraces | where Message startswith "step=" and Message has "an event was not delivered"'
    column: ''
    how: 'Count'
    operator: 'GreaterThan'
    threshold: 0
    window: 'PT30M'
    by: ''
  }
  {
    name: 'throttled'
    title: 'A store is asked too much'
    says: 'Cosmos DB or Blob Storage answers 429 or 503 even after a client tried again. Pictures wait; nothing is lost.'
    severity: 3
    query: 'AppTraces | where SeverityLevel >= 2 and Message matches regex @"\\((429|503)\\)"'
    column: ''
    how: 'Count'
    operator: 'GreaterThan'
    threshold: 20
    window: 'PT15M'
    by: ''
  }
  {
    name: 'slow'
    title: 'Pictures take long'
    says: 'Of the pictures of the last half hour, the slowest twentieth took more than two minutes from upload to record.'
    severity: 3
    query: '${picture} | where Status != "failed" | summarize P95 = percentile(TotalMs, 95)'
    column: 'P95'
    how: 'Maximum'
    operator: 'GreaterThan'
    threshold: 120000
    window: 'PT30M'
    by: ''
  }
  {
    name: 'silent'
    title: 'The functions are silent'
    says: 'No sweep told of itself for an hour: the function app does not run, or sends no logs.'
    severity: 1
    query: 'AppTraces | where Message startswith "sweep seen="'
    column: ''
    how: 'Count'
    operator: 'LessThan'
    threshold: 1
    window: 'PT1H'
    by: ''
  }
  {
    name: 'web-errors'
    title: 'The web app answers with errors'
    says: 'More than ten requests in a quarter of an hour were answered with 500 or more.'
    severity: 2
    query: 'AppTraces | parse Message with "access method=" Method " route=" Route " status=" Status:int " ms=" Ms:long " " * | where Status >= 500'
    column: ''
    how: 'Count'
    operator: 'GreaterThan'
    threshold: 10
    window: 'PT15M'
    by: ''
  }
  {
    name: 'drifted'
    title: 'Pictures have drifted away from a model'
    says: 'Pictures of today are unlike those that came when a live model was new.'
    severity: 3
    query: 'AppTraces | parse Message with * "drift=" Model " version=" Version " day=" Day " drifted=" Drifted:long " " * | where isnotempty(Model) | project TimeGenerated, Model, Drifted'
    column: 'Drifted'
    how: 'Maximum'
    operator: 'GreaterThan'
    threshold: 0
    window: 'PT30M'
    by: 'Model'
  }
  {
    name: 'log-volume'
    title: 'Logs cost much'
    says: 'Most of what the workspace takes in a day has come in. At its cap it takes no more, and no other alert sees anything.'
    severity: 3
    query: 'Usage | where IsBillable == true | summarize Megabytes = sum(Quantity)'
    column: 'Megabytes'
    how: 'Maximum'
    operator: 'GreaterThan'
    threshold: mostLogsMB
    window: 'P1D'
    by: ''
  }
]

resource rules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for alert in alerts: {
    name: '${alert.name}-${token}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: alert.title
      description: '${alert.says} docs/runbook.md says what to do.'
      severity: alert.severity
      enabled: true
      autoMitigate: true
      skipQueryValidation: true // in a new workspace nothing was logged yet
      scopes: [workspaceId]
      evaluationFrequency: alert.window == 'P1D' ? 'PT1H' : 'PT15M'
      windowSize: alert.window
      criteria: {
        allOf: [
          {
            query: alert.query
            metricMeasureColumn: empty(alert.column) ? null : alert.column
            timeAggregation: alert.how
            dimensions: empty(alert.by) ? [] : [{ name: alert.by, operator: 'Include', values: ['*'] }]
            operator: alert.operator
            threshold: alert.threshold
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: { actionGroups: [actionGroupId] }
    }
  }
]
