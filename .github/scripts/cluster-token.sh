#!/usr/bin/env bash
# kubectl's credential plugin: GitHub's own identity token of this job, minutes long, for a cluster that trusts its issuer.
set -euo pipefail
: "${ACTIONS_ID_TOKEN_REQUEST_URL:?the job needs the permission id-token: write}" "${ACTIONS_ID_TOKEN_REQUEST_TOKEN:?}"
: "${CLUSTER_AUDIENCE:?}"
answer=$(curl --fail --silent --show-error --retry 3 --get --data-urlencode "audience=$CLUSTER_AUDIENCE" \
  --header "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" "$ACTIONS_ID_TOKEN_REQUEST_URL")
token=$(jq --raw-output '.value // empty' <<<"$answer")
[ -n "$token" ] || { echo "GitHub gave no identity token" >&2; exit 1; }
# A token is good for five minutes: kubectl asks again after four.
jq --null-input --arg token "$token" --arg until "$(date --utc --date '+4 minutes' +%Y-%m-%dT%H:%M:%SZ)" \
  '{apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential", status: {token: $token, expirationTimestamp: $until}}'
