// Shapes of parameters.

@export()
@description('When uploads move to a cheaper tier.')
type tierRule = {
  @description('Only those with this label, in the form of a tag value (docs/records.md); absent: all.')
  label: string?
  @minValue(1)
  @description('Days since the upload was written.')
  afterDays: int
  @description('Archived uploads cannot be read, so not be classified again, until they are brought back.')
  tier: 'cool' | 'cold' | 'archive'
}

@export()
@description('Somebody in Microsoft Entra ID.')
type person = {
  @description('Object id.')
  id: string
  type: 'User' | 'Group' | 'ServicePrincipal'
}
