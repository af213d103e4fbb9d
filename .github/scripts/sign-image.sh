#!/usr/bin/env bash
# sign-image.sh IMAGE@DIGEST: signs with this workflow's identity, and checks it as a user would. Needs id-token: write.
set -euo pipefail
image=${1:?an image with its digest}
case $image in
  *@sha256:*) ;;
  *) echo "$image has no digest: a tag may move between signing and use" >&2; exit 2 ;;
esac
cosign sign --yes "$image"
cosign verify --certificate-oidc-issuer https://token.actions.githubusercontent.com \
  --certificate-identity-regexp "^https://github.com/${GITHUB_REPOSITORY:?}/\.github/workflows/images\.yml@" "$image" >/dev/null
