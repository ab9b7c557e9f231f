// The Event Grid subscriptions. They are made after deployment: the webhook's key exists only once the functions have
// run. Azure reads the key here itself, so that no program and no terminal sees it.
@description('The function app.')
param functionApp string

@description('The system topic of the account with the pictures.')
param systemTopic string

@description('The account with the pictures.')
param pictures string

@description('The container in which pictures are dropped.')
param uploads string

@description('The container with the preprocessed pictures.')
param staging string

@description('The container for what cannot be delivered.')
param deadletter string

// Five minutes of tries; what is not delivered by then is put into the dead-letter container. A fifth attempt would be due
// five minutes after the fourth, and only then would Event Grid see that the time is over (docs/reliability.md).
var retry = { eventTimeToLiveInMinutes: 5, maxDeliveryAttempts: 4 }

resource app 'Microsoft.Web/sites@2025-03-01' existing = {
  name: functionApp
}

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: pictures
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: systemTopic
}

var key = listKeys('${app.id}/host/default', '2025-03-01').systemKeys.blobs_extension
var webhook = 'https://${app.properties.defaultHostName}/runtime/webhooks/blobs'
var undelivered = {
  identity: { type: 'SystemAssigned' }
  deadLetterDestination: {
    endpointType: 'StorageBlob'
    properties: { resourceId: account.id, blobContainerName: deadletter }
  }
}

// Prefixes end with a slash: `uploads` alone would mean `uploads-old` too.
resource preprocess 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'preprocess'
  properties: {
    eventDeliverySchema: 'EventGridSchema'
    filter: {
      includedEventTypes: ['Microsoft.Storage.BlobCreated']
      subjectBeginsWith: '/blobServices/default/containers/${uploads}/'
    }
    destination: {
      endpointType: 'WebHook'
      properties: { endpointUrl: '${webhook}?functionName=Host.Functions.preprocess&code=${key}' }
    }
    retryPolicy: retry
    deadLetterWithResourceIdentity: undelivered
  }
}

resource classify 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'classify'
  dependsOn: [preprocess] // a topic takes one change at a time
  properties: {
    eventDeliverySchema: 'EventGridSchema'
    filter: {
      includedEventTypes: ['Microsoft.Storage.BlobCreated']
      subjectBeginsWith: '/blobServices/default/containers/${staging}/'
    }
    destination: {
      endpointType: 'WebHook'
      properties: { endpointUrl: '${webhook}?functionName=Host.Functions.classify&code=${key}' }
    }
    retryPolicy: retry
    deadLetterWithResourceIdentity: undelivered
  }
}

resource work 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'work'
  dependsOn: [classify]
  properties: {
    eventDeliverySchema: 'EventGridSchema'
    filter: {
      includedEventTypes: ['Microsoft.Storage.BlobDeleted']
      subjectBeginsWith: '/blobServices/default/containers/${uploads}/'
    }
    deliveryWithResourceIdentity: {
      identity: { type: 'SystemAssigned' }
      destination: {
        endpointType: 'StorageQueue'
        properties: { resourceId: account.id, queueName: 'work', queueMessageTimeToLiveInSeconds: 604800 }
      }
    }
    retryPolicy: retry
    deadLetterWithResourceIdentity: undelivered
  }
}
