#!/usr/bin/env bash
# Writes $KUBECONFIG for the cluster of $CLUSTER_SERVER (https://…) with $CLUSTER_CA (PEM). It holds no secret: kubectl
# asks cluster-token.sh for a token whenever it needs one.
set -euo pipefail
: "${KUBECONFIG:?where to write}" "${CLUSTER_SERVER:?a variable of the environment}" "${CLUSTER_CA:?a variable of the environment}"
case $CLUSTER_SERVER in
  https://*) ;;
  *) echo "CLUSTER_SERVER is $CLUSTER_SERVER: it has to begin with https://" >&2; exit 2 ;;
esac
here=$(cd "$(dirname "$0")" && pwd)
cat >"$KUBECONFIG" <<EOF
apiVersion: v1
kind: Config
current-context: target
contexts:
  - name: target
    context: {cluster: target, user: workflow, namespace: freshet}
clusters:
  - name: target
    cluster:
      server: $CLUSTER_SERVER
      certificate-authority-data: $(printf '%s\n' "$CLUSTER_CA" | base64 | tr -d '\n')
users:
  - name: workflow
    user:
      exec:
        apiVersion: client.authentication.k8s.io/v1
        command: $here/cluster-token.sh
        interactiveMode: Never
        env:
          - {name: CLUSTER_AUDIENCE, value: "${CLUSTER_AUDIENCE:-$CLUSTER_SERVER}"}
EOF
chmod 600 "$KUBECONFIG"
