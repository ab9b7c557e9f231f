#!/bin/sh
# After the functions are deployed: subscribes them to the account's events.
#
# The webhook's key is made when the functions first start, so this waits until there is one. It asks whether the key is
# there, not for the key: events.bicep has Azure read it.
set -eu
: "${AZURE_SUBSCRIPTION_ID:?is not set: run azd provision first}" # az may be set to another one than azd
: "${AZURE_RESOURCE_GROUP:?is not set: run azd provision first}"
: "${AZURE_FUNCTION_APP:?is not set: run azd provision first}"

tries=${SUBSCRIBE_TRIES:-60}
pause_seconds=10
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT

has_key() {
  found=$(az functionapp keys list --subscription "$AZURE_SUBSCRIPTION_ID" \
    --resource-group "$AZURE_RESOURCE_GROUP" --name "$AZURE_FUNCTION_APP" \
    --query "systemKeys.blobs_extension && 'there'" --output tsv 2>"$errors") && [ "$found" = there ]
}

subscribe() {
  az deployment group create --subscription "$AZURE_SUBSCRIPTION_ID" \
    --resource-group "$AZURE_RESOURCE_GROUP" --name events --output none \
    --template-file "$(dirname "$0")/../events.bicep" \
    --parameters "functionApp=$AZURE_FUNCTION_APP" "systemTopic=$AZURE_SYSTEM_TOPIC" \
    "pictures=$AZURE_PICTURES_ACCOUNT" "uploads=$AZURE_UPLOADS_CONTAINER" "staging=$AZURE_STAGING_CONTAINER" \
    "deadletter=$AZURE_DEADLETTER_CONTAINER" 2>"$errors"
}

# Says that $1, why, and how to try again; ends.
give_up() {
  echo "$1" >&2
  sed 's/code=[^&"'"'"' ]*/code=…/g' "$errors" >&2 # an error may quote the webhook's address, which holds the key
  echo "To try again: make package && azd hooks run postdeploy --service function" >&2
  exit 1
}

# Runs $1 until it succeeds; $2 says what is waited for.
wait_for() {
  try=1
  until "$1"; do
    # Once the key was found, such an answer may come from a role that is new.
    if [ "$1" = has_key ] && grep -qE "ResourceGroupNotFound|AuthorizationFailed|doesn't exist in cloud" "$errors"; then
      give_up "Stopped, since waiting does not mend this: az sees no such group in subscription $AZURE_SUBSCRIPTION_ID, or may not look there. Is az signed in as azd is (az account show)?"
    fi
    [ "$try" -lt "$tries" ] || give_up "Gave up after $try tries: $2."
    echo "Waiting for $2 (try $try of $tries) …"
    try=$((try + 1))
    sleep "$pause_seconds"
  done
}

wait_for has_key "the webhook key blobs_extension of $AZURE_FUNCTION_APP, which its first start makes"
echo "$AZURE_FUNCTION_APP has its webhook key."
tries=${SUBSCRIBE_TRIES:-6}
wait_for subscribe "Event Grid to accept the subscriptions: $AZURE_FUNCTION_APP must answer its handshake"
echo "Subscribed: preprocess, classify and work receive the events of $AZURE_PICTURES_ACCOUNT."
