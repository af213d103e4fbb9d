#!/usr/bin/env bash
# apply-release.sh FILE: applies an overlay's manifests in the order in which they need each other.
# Blocks until everything runs. Ends at the first thing that does not.
set -euo pipefail
manifests=${1:?a file that kubectl kustomize has written}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
k() { kubectl --namespace freshet "$@"; }

first="Namespace"
# With Kafka, what every later part needs: who may speak to whom, keys, settings.
kafka="Certificate ConfigMap ExternalSecret Issuer Kafka KafkaNodePool KafkaTopic KafkaUser NetworkPolicy Password"
flink="FlinkDeployment PersistentVolumeClaim Role RoleBinding ServiceAccount"

# apply only|except KINDS: the documents of these kinds, or of all others
apply() {
  awk -v how="$1" -v kinds="$2" '
    BEGIN { RS = "\n---\n"; split(kinds, list, " "); for (i in list) named[list[i]] = 1 }
    { kind = ""; count = split($0, lines, "\n")
      for (i = 1; i <= count; i++) if (lines[i] ~ /^kind: /) { kind = substr(lines[i], 7); break }
      if (kind != "" && ((kind in named) == (how == "only"))) printf "---\n%s\n", $0 }' "$manifests" >"$folder/part.yaml"
  # Git decides, also over what somebody has changed by hand.
  [ ! -s "$folder/part.yaml" ] ||
    k apply --server-side --field-manager=deploy --force-conflicts --filename "$folder/part.yaml"
}

apply only "$first"
apply only "$kafka"
k wait kafka/vector-cluster --for=condition=Ready --timeout=300s
k wait kafkatopic --all --for=condition=Ready --timeout=120s
apply only "$flink"
# A Job cannot be changed, only made again.
k delete job/qdrant-collection --ignore-not-found
apply except "$first $kafka $flink"
k rollout status statefulset/qdrant --timeout=600s
k wait flinkdeployment/vector-ingestion-job --for='jsonpath={.status.jobStatus.state}=RUNNING' --timeout=600s
workloads=$(k get deployments,statefulsets --selector=app.kubernetes.io/part-of=freshet --output=name)
for workload in $workloads; do
  k rollout status "$workload" --timeout=300s
done
