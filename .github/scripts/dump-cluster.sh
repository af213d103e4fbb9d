#!/usr/bin/env bash
# dump-cluster.sh FOLDER: what a person wants to see of a cluster on which something failed. Never fails itself.
set -uo pipefail
folder=${1:?where to}
mkdir -p "$folder/logs"
k() { kubectl --namespace freshet "$@"; }
kubectl get nodes --output=wide >"$folder/nodes.txt" 2>&1
kubectl get pods --all-namespaces --output=wide >"$folder/pods.txt" 2>&1
k get events --sort-by=.lastTimestamp >"$folder/events.txt" 2>&1
k describe pods >"$folder/pods-described.txt" 2>&1
# Secrets are left out.
k get kafka,kafkanodepool,kafkatopic,kafkauser,flinkdeployment,deployment,statefulset,job,certificate,externalsecret,networkpolicy \
  --output=yaml >"$folder/objects.yaml" 2>&1
for pod in $(k get pods --output=name 2>/dev/null); do
  k logs "$pod" --all-containers --tail=2000 >"$folder/logs/${pod#pod/}.log" 2>&1
  k logs "$pod" --all-containers --tail=2000 --previous >"$folder/logs/${pod#pod/}.previous.log" 2>/dev/null ||
    rm -f "$folder/logs/${pod#pod/}.previous.log"
done
for operator in strimzi flink-operator cert-manager external-secrets; do
  for pod in $(kubectl --namespace "$operator" get pods --output=name 2>/dev/null); do
    kubectl --namespace "$operator" logs "$pod" --all-containers --tail=1000 >>"$folder/logs/$operator.log" 2>&1
  done
done
exit 0
