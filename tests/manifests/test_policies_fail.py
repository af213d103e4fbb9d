"""The policies are policies: each refuses a copy of production in which one thing is wrong."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

from tests.manifests import test_agreement as agreement
from tests.manifests import test_policies as policies
from tests.manifests import test_rights as rights
from tests.manifests.overlays import Object, extended

Objects = tuple[Object, ...]


def deployment(objects: Objects, name: str = "consumers") -> Object:
    return next(one for one in objects if (one["kind"], one["metadata"]["name"]) == ("Deployment", name))


def container(objects: Objects, name: str = "consumers") -> Object:
    found: Object = deployment(objects, name)["spec"]["template"]["spec"]["containers"][0]
    return found


def pod(objects: Objects, name: str = "consumers") -> Object:
    found: Object = deployment(objects, name)["spec"]["template"]["spec"]
    return found


def of(objects: Objects, kind: str, name: str) -> Object:
    return next(one for one in objects if (one["kind"], one["metadata"]["name"]) == (kind, name))


def a_label_that_no_selector_means(objects: Objects) -> None:
    deployment(objects)["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"] = "consumer"


def a_service_to_a_port_that_is_none(objects: Objects) -> None:
    of(objects, "Service", "search")["spec"]["ports"][0]["targetPort"] = "htpp"


def a_probe_of_a_port_that_is_none(objects: Objects) -> None:
    container(objects)["readinessProbe"]["httpGet"]["port"] = "metric"


def the_latest_image(objects: Objects) -> None:
    container(objects)["image"] = "ghcr.io/freshet/consumers:latest"


def an_image_that_nobody_builds(objects: Objects) -> None:
    container(objects)["image"] = "ghcr.io/freshet/consumer:0.1.0"


def a_key_that_the_secret_lacks(objects: Objects) -> None:
    of(objects, "ExternalSecret", "qdrant-api-key")["spec"]["dataFrom"][0]["rewrite"][0]["regexp"]["target"] = "key"


def a_config_map_that_nothing_makes(objects: Objects) -> None:
    container(objects)["envFrom"][0]["configMapRef"]["name"] = "kafka"


def a_secret_in_the_open(objects: Objects) -> None:
    container(objects)["env"].append({"name": "FRESHET_STORE_API_KEY", "value": "k"})


def a_volume_that_nothing_mounts(objects: Objects) -> None:
    pod(objects)["volumes"].append({"name": "spare", "emptyDir": {}})


def a_file_system_that_can_be_written(objects: Objects) -> None:
    container(objects)["securityContext"]["readOnlyRootFilesystem"] = False


def a_token_that_nobody_needs(objects: Objects) -> None:
    pod(objects)["automountServiceAccountToken"] = True


def memory_without_a_bound(objects: Objects) -> None:
    del container(objects)["resources"]["limits"]


def no_readiness(objects: Objects) -> None:
    del container(objects, "search")["readinessProbe"]


def no_budget_for_drains(objects: Objects) -> None:
    of(objects, "PodDisruptionBudget", "search")["spec"]["selector"]["matchLabels"] = {"app": "other"}


def a_user_with_more_rights(objects: Objects) -> None:
    of(objects, "KafkaUser", "consumers")["spec"]["authorization"]["acls"][0]["operations"].append("Write")


def a_user_without_a_right_that_it_needs(objects: Objects) -> None:
    of(objects, "KafkaUser", "connect")["spec"]["authorization"]["acls"][1]["operations"].remove("Create")


def a_setting_that_is_none(objects: Objects) -> None:
    container(objects)["env"].append({"name": "FRESHET_CONSUMER_POLICE", "value": "deadline"})


def a_setting_with_a_value_that_is_none(objects: Objects) -> None:
    container(objects)["env"].append({"name": "FRESHET_CONSUMER_POLICY", "value": "best"})


def a_path_that_is_not_mounted(objects: Objects) -> None:
    container(objects)["volumeMounts"][0]["mountPath"] = "/etc/kafka"


WRONG: tuple[tuple[Callable[[Objects], None], Callable[[Objects], None]], ...] = (
    (a_label_that_no_selector_means, policies.test_selectors_match_the_pods_that_they_mean),
    (a_service_to_a_port_that_is_none, policies.test_a_service_leads_to_a_port_that_its_pods_have),
    (a_probe_of_a_port_that_is_none, policies.test_every_port_in_a_probe_a_monitor_or_an_ingress_exists),
    (the_latest_image, policies.test_every_image_has_a_tag_and_ours_are_those_that_are_built),
    (an_image_that_nobody_builds, policies.test_every_image_has_a_tag_and_ours_are_those_that_are_built),
    (a_key_that_the_secret_lacks, policies.test_every_config_map_and_secret_that_is_named_has_the_key),
    (a_config_map_that_nothing_makes, policies.test_every_config_map_and_secret_that_is_named_has_the_key),
    (a_secret_in_the_open, policies.test_no_secret_is_written_down),
    (a_volume_that_nothing_mounts, policies.test_volumes_and_mounts_agree),
    (a_file_system_that_can_be_written, policies.test_no_container_has_a_right_that_it_does_not_need),
    (a_token_that_nobody_needs, policies.test_each_process_has_its_own_account_and_no_token),
    (memory_without_a_bound, policies.test_resources_are_asked_for_and_memory_is_bounded),
    (no_readiness, policies.test_what_serves_is_probed_and_guarded_against_drains),
    (no_budget_for_drains, policies.test_what_serves_is_probed_and_guarded_against_drains),
    (a_user_with_more_rights, rights.test_each_user_may_do_what_its_stage_does_and_no_more),
    (a_user_without_a_right_that_it_needs, rights.test_each_user_may_do_what_its_stage_does_and_no_more),
    (a_setting_that_is_none, agreement.test_every_setting_is_one_that_the_code_reads_and_takes),
    (a_setting_with_a_value_that_is_none, agreement.test_every_setting_is_one_that_the_code_reads_and_takes),
    (a_path_that_is_not_mounted, agreement.test_files_that_settings_name_are_mounted),
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Objects:
    """Production with everything that there is."""
    return extended("production", tmp_path_factory.mktemp("whole"), other_route=False)


@pytest.mark.parametrize(("spoil", "policy"), WRONG, ids=[spoil.__name__ for spoil, _ in WRONG])
def test_it_is_refused(whole: Objects, spoil: Callable[[Objects], None], policy: Callable[[Objects], None]) -> None:
    policy(whole)
    spoiled = copy.deepcopy(whole)
    spoil(spoiled)
    with pytest.raises((AssertionError, KeyError, StopIteration)):
        policy(spoiled)
