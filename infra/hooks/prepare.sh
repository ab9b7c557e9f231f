#!/bin/sh
# Before anything is made: what azd cannot ask for itself.
set -eu

if ! az account show --output none 2>/dev/null; then
  echo "Azure's command line, az, is not signed in; the subscriptions to events are made with it. Run: az login" >&2
  exit 1
fi

case ${PRIVATE_NETWORK:-false} in
  [Tt]rue)
    # A subnet can be given to Flex Consumption only where this provider is registered; Azure does not do it by itself.
    : "${AZURE_SUBSCRIPTION_ID:?is not set: run azd env set AZURE_SUBSCRIPTION_ID with the id of the subscription}"
    if ! az provider register --namespace Microsoft.App --wait --subscription "$AZURE_SUBSCRIPTION_ID"; then
      echo "PRIVATE_NETWORK needs the resource provider Microsoft.App. Ask an owner of the subscription to register it:" >&2
      echo "  az provider register --namespace Microsoft.App --wait --subscription $AZURE_SUBSCRIPTION_ID" >&2
      exit 1
    fi
    ;;
esac

if [ -z "${ALERT_EMAIL:-}" ]; then
  echo "No budget and no alerts: nobody to tell. To be told, run: azd env set ALERT_EMAIL you@example.org"
elif [ -z "${BUDGET_START:-}" ]; then
  # Azure takes a new budget from the present month on, and never lets that month be changed: kept in the environment.
  azd env set BUDGET_START "$(date -u +%Y-%m)-01"
fi
