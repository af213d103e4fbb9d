#!/usr/bin/env bash
# install-operators.sh [all]: the operators that the kind overlay needs; with `all`, also those for scaling and metrics.
# Needs kubectl and helm, and the right to make CRDs. Blocks until each is ready. May be run again.
set -euo pipefail
# shellcheck source=k8s/operators.env
. "$(dirname "$0")/../../k8s/operators.env"
github=https://github.com

kubectl apply --server-side --filename "$github/cert-manager/cert-manager/releases/download/v$CERT_MANAGER/cert-manager.yaml"
kubectl --namespace cert-manager rollout status deployment/cert-manager-webhook --timeout=300s

kubectl create namespace freshet --dry-run=client --output=yaml | kubectl apply --server-side --filename -
helm upgrade --install strimzi "$github/strimzi/strimzi-kafka-operator/releases/download/$STRIMZI/strimzi-kafka-operator-helm-3-chart-$STRIMZI.tgz" \
  --namespace strimzi --create-namespace --set 'watchNamespaces={freshet}' --wait --timeout 5m

helm upgrade --install flink-operator flink-kubernetes-operator \
  --repo "https://archive.apache.org/dist/flink/flink-kubernetes-operator-$FLINK_OPERATOR/" --version "$FLINK_OPERATOR" \
  --namespace flink-operator --create-namespace --set 'watchNamespaces={freshet}' --wait --timeout 5m

helm upgrade --install external-secrets external-secrets --repo https://charts.external-secrets.io --version "$EXTERNAL_SECRETS" \
  --namespace external-secrets --create-namespace --wait --timeout 5m

if [ "${1:-}" = all ]; then
  kubectl apply --server-side --filename "$github/kedacore/keda/releases/download/v$KEDA/keda-$KEDA.yaml"
  kubectl --namespace keda rollout status deployment/keda-operator --timeout=300s
  # Where the manifests look for it: NetworkPolicies and the autoscaler name this namespace.
  helm upgrade --install prometheus oci://ghcr.io/prometheus-community/charts/kube-prometheus-stack --version "$PROMETHEUS_STACK" \
    --namespace monitoring --create-namespace --wait --timeout 10m \
    --set prometheus.prometheusSpec.podMonitorSelectorNilUsesHelmValues=false \
    --set prometheus.prometheusSpec.serviceMonitorSelectorNilUsesHelmValues=false \
    --set prometheus.prometheusSpec.ruleSelectorNilUsesHelmValues=false \
    --set grafana.sidecar.dashboards.searchNamespace=ALL
fi
