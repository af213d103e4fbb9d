#!/usr/bin/env bash
# install-operators.sh [all]: the operators that the kind overlay needs; with `all`, also those for scaling and metrics.
# Needs kubectl and helm, and the right to make CRDs. Blocks until each is ready. May be run again.
set -euo pipefail
cert_manager=v1.21.2
strimzi=1.2.0
flink=1.15.0
external_secrets=2.12.0
keda=2.20.2
prometheus_stack=88.6.0
github=https://github.com

kubectl apply --server-side --filename "$github/cert-manager/cert-manager/releases/download/$cert_manager/cert-manager.yaml"
kubectl --namespace cert-manager rollout status deployment/cert-manager-webhook --timeout=300s

kubectl create namespace freshet --dry-run=client --output=yaml | kubectl apply --server-side --filename -
helm upgrade --install strimzi "$github/strimzi/strimzi-kafka-operator/releases/download/$strimzi/strimzi-kafka-operator-helm-3-chart-$strimzi.tgz" \
  --namespace strimzi --create-namespace --set 'watchNamespaces={freshet}' --wait --timeout 5m

helm upgrade --install flink-operator flink-kubernetes-operator \
  --repo "https://archive.apache.org/dist/flink/flink-kubernetes-operator-$flink/" --version "$flink" \
  --namespace flink-operator --create-namespace --set 'watchNamespaces={freshet}' --wait --timeout 5m

helm upgrade --install external-secrets external-secrets --repo https://charts.external-secrets.io --version "$external_secrets" \
  --namespace external-secrets --create-namespace --wait --timeout 5m

if [ "${1:-}" = all ]; then
  kubectl apply --server-side --filename "$github/kedacore/keda/releases/download/v$keda/keda-$keda.yaml"
  kubectl --namespace keda rollout status deployment/keda-operator --timeout=300s
  # Where the manifests look for it: NetworkPolicies and the autoscaler name this namespace.
  helm upgrade --install prometheus oci://ghcr.io/prometheus-community/charts/kube-prometheus-stack --version "$prometheus_stack" \
    --namespace monitoring --create-namespace --wait --timeout 10m \
    --set prometheus.prometheusSpec.podMonitorSelectorNilUsesHelmValues=false \
    --set prometheus.prometheusSpec.serviceMonitorSelectorNilUsesHelmValues=false \
    --set prometheus.prometheusSpec.ruleSelectorNilUsesHelmValues=false
fi
