#!/usr/bin/env bash
# Publishes one document in the cluster and searches until it is found; then deletes it and searches until it is gone.
# Exit code 1 where either takes longer than $SMOKE_SECONDS (60).
set -euo pipefail
seconds=${SMOKE_SECONDS:-60}
id=smoke-$(date +%s)-$$
k() { kubectl --namespace freshet "$@"; }
publish() { k exec statefulset/producer-files --container=files -- freshet "$@" --source=smoke-test --profile=durable; }
found() {
  k exec deployment/search --container=search -- python -c '
import json, os, sys, urllib.parse, urllib.request
where = "http://127.0.0.1:7700/search?" + urllib.parse.urlencode({"q": sys.argv[2], "k": 10})
key = os.environ.get("FRESHET_SEARCH_API_KEY", "")
request = urllib.request.Request(where, headers={"X-API-Key": key})
with urllib.request.urlopen(request, timeout=10) as answer:
    results = json.load(answer)["results"]
print("found" if any(result["id"] == sys.argv[1] for result in results) else "absent")
' "$id" "smoke test of release $id"
}
await() {
  local wanted=$1 deadline=$((SECONDS + seconds)) seen=nothing
  while [ "$SECONDS" -lt "$deadline" ]; do
    seen=$(found) || seen="no answer"
    [ "$seen" != "$wanted" ] || return 0
    sleep "${SMOKE_PAUSE:-1}"
  done
  echo "after $seconds s the document $id is still not $wanted: the last search said $seen" >&2
  return 1
}
publish publish "$id" --text "smoke test of release $id"
await found
publish delete "$id"
await absent
echo "A published change was found, and its delete too"
