"""The deploy workflow's rights: what an overlay holds and the scripts ask, in one namespace."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.manifests.overlays import K8S, ROOT, Object, build, named

WRITING = {"get", "list", "watch", "create", "patch", "update"}
PLURALS = {"Ingress": "ingresses", "NetworkPolicy": "networkpolicies"}
SCRIPTS = ("deploy.sh", "apply-release.sh", "smoke-test.sh")


@pytest.fixture(scope="module")
def deployer() -> tuple[Object, ...]:
    return build(K8S / "deployer")


def verbs(rules: list[dict[str, Any]], group: str, resource: str, name: str | None = None) -> set[str]:
    return {
        verb
        for rule in rules
        if group in rule["apiGroups"] and resource in rule["resources"]
        if "resourceNames" not in rule or name in rule["resourceNames"]
        for verb in rule["verbs"]
    }


def test_it_may_apply_every_object_of_every_overlay(
    deployer: tuple[Object, ...], every_object: tuple[Object, ...]
) -> None:
    rules = named(deployer, "Role", "deployer")["rules"]
    needed = {_group_and_resource(one) for one in every_object if one["kind"] != "Namespace"}
    for group, resource in needed:
        assert verbs(rules, group, resource) == WRITING, (group, resource)
    allowed = {
        (group, resource)
        for rule in rules
        if set(rule["verbs"]) >= WRITING
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    assert allowed == needed


def test_the_roles_that_it_hands_on_are_the_overlays(
    deployer: tuple[Object, ...], every_object: tuple[Object, ...]
) -> None:
    rules = named(deployer, "Role", "deployer")["rules"]
    roles = {one["metadata"]["name"] for one in every_object if one["kind"] == "Role"}
    for name in roles:
        assert {"bind", "escalate"} <= verbs(rules, "rbac.authorization.k8s.io", "roles", name), name
    assert "escalate" not in verbs(rules, "rbac.authorization.k8s.io", "roles", "another")


def test_it_may_do_what_the_scripts_ask(deployer: tuple[Object, ...]) -> None:
    rules = named(deployer, "Role", "deployer")["rules"]
    text = "\n".join((ROOT / ".github" / "scripts" / name).read_text() for name in SCRIPTS)
    deleted = set(re.findall(r"k delete job/(\S+)", text))
    assert deleted
    for name in deleted:
        assert "delete" in verbs(rules, "batch", "jobs", name), name
    assert len(re.findall(r"k delete ", text)) == len(deleted)
    assert "create" in verbs(rules, "", "pods/exec")
    assert "list" in verbs(rules, "", "pods")


def test_it_sees_no_secret_and_no_other_namespace(deployer: tuple[Object, ...]) -> None:
    rules = named(deployer, "Role", "deployer")["rules"]
    assert verbs(rules, "", "secrets") == set()
    assert not any("*" in (*rule["apiGroups"], *rule["resources"], *rule["verbs"]) for rule in rules)
    (wide,) = [one for one in deployer if one["kind"] == "ClusterRole"]
    assert wide["rules"] == [
        {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["freshet"], "verbs": ["get", "patch"]}
    ]
    assert {one["metadata"]["namespace"] for one in deployer if one["kind"] in ("Role", "RoleBinding")} == {"freshet"}


def _group_and_resource(one: Object) -> tuple[str, str]:
    group = one["apiVersion"].split("/")[0] if "/" in one["apiVersion"] else ""
    return group, PLURALS.get(one["kind"], f"{one['kind'].lower()}s")
