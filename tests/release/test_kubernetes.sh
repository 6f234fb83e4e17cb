#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# packaging/kubernetes, without a cluster: kubectl renders base and overlays, two judges know Kubernetes' types
# (tests/kubernetes/judge.mjs), and bpf-metro its own configuration.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
export LC_ALL=C
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
build=${BUILD:-build}
modules=$build/kubernetes
own=$METRO_TMP/own
tree=$own/bpf-metro/packaging/kubernetes
flavours="base pods agent-socket own"

give_up() { # REASON
  tap_skip "Kubernetes' manifests" "$1"
  tap_done
  exit
}

# Components came with kustomize 3.7; Debian 12's kubectl has 2.0.
has_kustomize() {
  local minor
  minor=$(kubectl version --client 2>/dev/null | sed -n 's/.*[vV]1\.\([0-9]*\)\..*/\1/p' | head -n 1)
  [ "${minor:-0}" -ge 21 ]
}

# At the versions of the lock file, once.
install_modules() {
  mkdir -p "$modules" && ! cmp -s tests/kubernetes/package-lock.json "$modules/installed" || return 0
  cp tests/kubernetes/package.json tests/kubernetes/package-lock.json "$modules/" &&
    (cd "$modules" && npm ci --no-audit --no-fund --ignore-scripts) &&
    cp tests/kubernetes/package-lock.json "$modules/installed"
}

# One of a user's own, as docs/kubernetes.md has it.
make_own() {
  mkdir -p "$own/bpf-metro/packaging" && cp -r packaging/kubernetes "$tree" &&
    sed -n '/^    # kustomization.yaml/,/^$/s/^    //p' docs/kubernetes.md >"$own/kustomization.yaml" &&
    sed '$a# my own' packaging/kubernetes/overlays/pods/bpf-metro.yaml >"$own/bpf-metro.yaml"
}

# render FLAVOUR: to a file of that name; whatever kubectl has to say is a fault.
render() {
  local directory=$tree/overlays/$1
  case $1 in
    base) directory=$tree/base ;;
    own) directory=$own ;;
  esac
  kubectl kustomize "$directory" >"$METRO_TMP/$1.yaml" 2>"$METRO_TMP/$1.said" && [ ! -s "$METRO_TMP/$1.said" ] ||
    { cat "$METRO_TMP/$1.said"; return 1; }
}

judge() { # FILE
  node tests/kubernetes/judge.mjs "$modules" "$1"
}

# catches FROM TO WORDS: with this slip in it, a judge says so.
catches() {
  sed "s/$1/$2/" "$METRO_TMP/base.yaml" >"$METRO_TMP/slip.yaml"
  ! cmp -s "$METRO_TMP/base.yaml" "$METRO_TMP/slip.yaml" && ! judge "$METRO_TMP/slip.yaml" >"$METRO_TMP/slip" &&
    grep -q "$3" "$METRO_TMP/slip" || { cat "$METRO_TMP/slip"; return 1; }
}

look() { # FLAVOUR EXPRESSION
  node tests/kubernetes/look.mjs "$modules" "$METRO_TMP/$1.yaml" "$2"
}

# says FLAVOUR EXPRESSION TEXT
says() {
  local seen
  seen=$(look "$1" "$2") && [ "$seen" = "$3" ] || { echo "$1: $2: $seen"; return 1; }
}

each_says() { # EXPRESSION TEXT
  local flavour
  for flavour in $flavours; do
    says "$flavour" "$1" "$2" || return
  done
}

asks_no_server() {
  each_says 'all.map((m) => m.kind).sort().join(" ")' 'ConfigMap DaemonSet Namespace PriorityClass ServiceAccount' &&
    each_says '[kind("ServiceAccount").automountServiceAccountToken, pod.automountServiceAccountToken]' '[false,false]' &&
    each_says 'pod.serviceAccountName' bpf-metro
}

has_least() {
  each_says 'container.securityContext.capabilities' \
    '{"add":["BPF","PERFMON","NET_ADMIN","NET_RAW"],"drop":["ALL"]}' &&
    each_says '[pod.securityContext.runAsNonRoot, pod.securityContext.runAsUser]' '[true,65532]' &&
    each_says '[container.securityContext.readOnlyRootFilesystem, container.securityContext.privileged]' '[true,false]' &&
    each_says 'container.securityContext.allowPrivilegeEscalation' false &&
    each_says 'pod.securityContext.seccompProfile.type' RuntimeDefault
}

# Of the host, besides its network, what a flavour is for.
takes_of_host() {
  local host='[pod.hostNetwork, pod.hostPID ?? false, pod.volumes.flatMap((v) => v.hostPath?.path ?? []).join()]'
  says base "$host" '[true,false,""]' && says pods "$host" '[true,true,""]' &&
    says agent-socket "$host" '[true,false,"/var/run/datadog"]' && says own "$host" '[true,true,"/var/run/datadog"]'
}

knows_server() {
  local names='container.env.map((e) => e.name).sort().join(" ")' flavour
  for flavour in base pods; do says $flavour "$names" 'DD_AGENT_HOST NODE_NAME' || return; done
  for flavour in agent-socket own; do
    says $flavour "$names" 'DD_DOGSTATSD_URL NODE_NAME' &&
      says $flavour 'container.env.find((e) => e.value).value' unix:///var/run/datadog/dsd.socket || return
  done
}

# check FLAVOUR: what the daemon of that flavour would make of its configuration.
check() {
  look "$1" 'kind("ConfigMap").data["bpf-metro.yaml"]' >"$METRO_TMP/$1.configuration" &&
    NODE_NAME=node-1 DD_AGENT_HOST=10.0.0.1 "$build/bpf-metro" --check --config "$METRO_TMP/$1.configuration"
}

# Not one warning, and room for all that may be needed.
configuration_is_right() { # FLAVOUR
  local limit
  limit=$(look "$1" 'container.resources.limits.memory') && check "$1" >"$METRO_TMP/check" 2>&1 || {
    cat "$METRO_TMP/check"
    return 1
  }
  echo "limit: $limit"
  ! grep -vE '^[^ ]*: the configuration is valid$|^memory, at most: ' "$METRO_TMP/check" &&
    sed -n 's/^memory, at most: \([0-9.]*\) MiB with BPF.*; \([0-9.]*\) MiB with libpcap.*/\1 \2/p' "$METRO_TMP/check" |
    awk -v limit="${limit%Mi}" '{ print; seen = 1; if ($1 > limit || $2 > limit) bad = 1 } END { exit bad || !seen }'
}

configuration_slip() {
  sed 's/instances:/instancs:/' "$tree/base/bpf-metro.yaml" >"$METRO_TMP/slip.yaml" &&
    ! NODE_NAME=node-1 "$build/bpf-metro" --check --config "$METRO_TMP/slip.yaml" 2>"$METRO_TMP/slip" &&
    grep -q instancs "$METRO_TMP/slip"
}

measures_pods() {
  grep -q 'containers: true' "$METRO_TMP/pods.configuration" && ! grep -q 'containers: true' "$METRO_TMP/base.configuration"
}

is_own() {
  grep -q '^# my own' "$METRO_TMP/own.configuration" && says own 'container.image' registry.example/bpf-metro:1.0
}

# Another configuration has another name, or no pod would be started anew for it.
rolls_out() {
  local before after
  before=$(look base 'kind("ConfigMap").metadata.name') && echo '# more' >>"$tree/base/bpf-metro.yaml" && render base &&
    after=$(look base 'kind("ConfigMap").metadata.name') && [ "$before" != "$after" ] &&
    says base 'pod.volumes.find((v) => v.configMap).configMap.name' "$after"
}

command -v kubectl >/dev/null || give_up "there is no kubectl"
has_kustomize || give_up "kubectl's kustomize is too old: $(kubectl version --client 2>/dev/null | head -n 1)"
command -v node >/dev/null && command -v npm >/dev/null || give_up "there is no node or npm"
tap_check "the judges are there" install_modules
tap_check "there is an overlay of a user's own" make_own
for flavour in $flavours; do
  tap_check "$flavour: kubectl renders it, without a word" render "$flavour"
  tap_check "$flavour: no unknown key, no wrong type" judge "$METRO_TMP/$flavour.yaml"
  tap_check "$flavour: its configuration is valid, and fits its memory" configuration_is_right "$flavour"
done
tap_check "a misspelt key is found" catches hostNetwork hostNetwerk '"hostNetwerk" does not exist\|hostNetwerk'
tap_check "a misspelt key deep inside is found" catches readOnlyRootFilesystem readOnlyRootFileSystem readOnlyRootFileSystem
tap_check "a wrong type is found" catches 'periodSeconds: 60' 'periodSeconds: 1m' 'periodSeconds must be integer'
tap_check "a wrong word is found" catches RuntimeDefault RuntimeDefolt 'seccompProfile/type must be equal to one of'
tap_check "a quantity that is none is found" catches 'memory: 64Mi' 'memory: 64 MiB' quantity
tap_check "a misspelt key of the configuration is found" configuration_slip
tap_check "nobody asks the API server, nor could" asks_no_server
tap_check "four capabilities, no root, nothing to write to" has_least
tap_check "of the host, what each is for" takes_of_host
tap_check "the server is the node's Agent, by UDP or by its socket" knows_server
tap_check "pods are told apart where that is asked for" measures_pods
tap_check "a user's own configuration and image take the place of ours" is_own
tap_check "another configuration is rolled out" rolls_out
tap_done
