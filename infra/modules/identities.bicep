// One identity a process, so that each is given only what it needs. They outlive the apps: roles need no second round.
param token string
param location string
param tags object

resource function 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-function-${token}'
  location: location
  tags: tags
}

resource web 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-web-${token}'
  location: location
  tags: tags
}

resource jobs 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-jobs-${token}'
  location: location
  tags: tags
}

output functionId string = function.id
output functionPrincipalId string = function.properties.principalId
output functionClientId string = function.properties.clientId
output webId string = web.id
output webPrincipalId string = web.properties.principalId
output webClientId string = web.properties.clientId
output jobsId string = jobs.id
output jobsPrincipalId string = jobs.properties.principalId
output jobsClientId string = jobs.properties.clientId
