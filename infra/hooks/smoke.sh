#!/bin/sh
# Whether a deployment works, seen from outside: a picture goes in and comes out classified; a page answers.
#   infra/hooks/smoke.sh [URL of the web app]
set -eu
: "${AZURE_SUBSCRIPTION_ID:?is not set: run it with azd env get-values}"
: "${AZURE_PICTURES_ACCOUNT:?is not set: run it with azd env get-values}"
: "${AZURE_UPLOADS_CONTAINER:?is not set: run it with azd env get-values}"

tries=${SMOKE_TRIES:-60}
pause_seconds=5
picture=$(dirname "$0")/../../samples/coffee.jpg
name="smoke-test/$(date -u +%Y%m%dT%H%M%SZ)-$$.jpg"

blob() {
  az storage blob "$@" --subscription "$AZURE_SUBSCRIPTION_ID" --auth-mode login \
    --account-name "$AZURE_PICTURES_ACCOUNT" --container-name "$AZURE_UPLOADS_CONTAINER" --name "$name"
}

try=1
until blob upload --file "$picture" --output none --only-show-errors; do
  if [ "$try" -ge "$tries" ]; then
    echo "The picture could not be uploaded in $try tries; a new role takes up to ten minutes." >&2
    exit 1
  fi
  try=$((try + 1))
  sleep "$pause_seconds"
done
trap 'blob delete --output none' EXIT

try=1
while :; do
  status=$(blob tag list --query status --output tsv) || status=
  case $status in
    classified | unknown) echo "A picture went through: $status." && break ;;
    rejected | failed) echo "The picture was $status; its record says why: $name" >&2 && exit 1 ;;
  esac
  if [ "$try" -ge "$tries" ]; then
    echo "No result after $try looks: is the function app subscribed to events, and does it start?" >&2
    exit 1
  fi
  try=$((try + 1))
  sleep "$pause_seconds"
done

if [ -n "${1:-}" ]; then
  curl --fail --silent --show-error --retry 10 --retry-all-errors --retry-delay 6 --output /dev/null \
    "${1%/}/api/v1/health/ready"
  echo "The web app is ready: $1"
fi
