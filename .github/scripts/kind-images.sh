#!/usr/bin/env bash
# kind-images.sh CLUSTER: builds each image that the kind overlay names, with its tag, and puts it onto the cluster's node.
set -euo pipefail
cluster=${1:?the name of a kind cluster}
root=$(cd "$(dirname "$0")/../.." && pwd)
images=$(kubectl kustomize "$root/k8s/overlays/kind" | grep --only-matching --extended-regexp 'ghcr\.io/freshet/[a-z-]+:[^" ]+' | sort --unique)
for image in $images; do
  target=${image##*/}
  docker buildx build --load --target "${target%%:*}" --tag "$image" "$root"
  kind load docker-image "$image" --name "$cluster"
done
