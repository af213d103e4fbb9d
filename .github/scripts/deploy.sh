#!/usr/bin/env bash
# deploy.sh OVERLAY: brings a cluster to k8s/overlays/OVERLAY, and back to its last good release where that fails.
# Blocks until a published change was found by a search. Exit code 1 after a failure, whether it could roll back or not.
set -euo pipefail
overlay=${1:?the name of a folder in k8s/overlays}
here=$(cd "$(dirname "$0")" && pwd)
release=freshet-release # a ConfigMap: what was applied last and then passed the smoke test
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
k() { kubectl --namespace freshet "$@"; }

roll_back() {
  echo "The release failed: back to the last good one" >&2
  k get configmap "$release" --ignore-not-found \
    --output='go-template={{index .binaryData "manifests.yaml.gz"}}' >"$folder/kept"
  if [ ! -s "$folder/kept" ]; then
    echo "There is none: this was the first. What was applied stays, for somebody to look at." >&2
    return
  fi
  base64 --decode "$folder/kept" | gzip --decompress --stdout >"$folder/before.yaml"
  if "$here/apply-release.sh" "$folder/before.yaml"; then
    echo "Rolled back" >&2
  else
    echo "The rollback failed too: somebody has to look at the cluster" >&2
  fi
}

kubectl kustomize "$here/../../k8s/overlays/$overlay" >"$folder/manifests.yaml"
if ! "$here/apply-release.sh" "$folder/manifests.yaml" || ! "$here/smoke-test.sh"; then
  roll_back
  exit 1
fi
gzip --no-name "$folder/manifests.yaml"
k create configmap "$release" --from-file="$folder/manifests.yaml.gz" --dry-run=client --output=yaml |
  k apply --server-side --field-manager=deploy --force-conflicts --filename -
