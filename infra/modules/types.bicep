// Shapes of parameters.

@export()
@description('When uploads move to a cheaper tier.')
type tierRule = {
  @description('Only those with this label, in the form of a tag value (docs/records.md); absent: all.')
  label: string?
  @description('Only those with this status; absent: all.')
  status: 'classified' | 'unknown' | 'rejected' | 'failed'?
  @minValue(1)
  @description('Days since the upload was written.')
  afterDays: int
  @description('Azure carries out cool and cold; to the archive only `imagestore tier` moves, which looks at the record.')
  tier: 'cool' | 'cold' | 'archive'
}

@export()
@description('Somebody in Microsoft Entra ID.')
type person = {
  @description('Object id.')
  id: string
  type: 'User' | 'Group' | 'ServicePrincipal'
}
