"""What `deploy` has: sound by Kubernetes' own schemas, locked up, and with flags and metrics that there are."""

import re
from pathlib import Path

import pytest
import yaml

from impasto.cli.main import app
from impasto.service.limits import Limits
from impasto.service.metrics import ServiceHealth, ServiceMetrics

DEPLOY = Path(__file__).parents[1] / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
KUSTOMIZATION = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
RESOURCES = [one for name in KUSTOMIZATION["resources"] for one in yaml.safe_load_all((KUBERNETES / name).read_text())]
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def of_kind(kind):
    return {one["metadata"]["name"]: one["spec"] for one in RESOURCES if one["kind"] == kind}


PODS = {name: spec["template"] for kind in ("StatefulSet", "Deployment") for name, spec in of_kind(kind).items()}


def test_all_files_are_among_the_resources():
    assert {path.name for path in KUBERNETES.glob("*.yaml")} == {*KUSTOMIZATION["resources"], "kustomization.yaml"}
    assert all((KUBERNETES / name).exists() for one in KUSTOMIZATION["configMapGenerator"] for name in one["files"])
    kinds = [one["kind"] for one in RESOURCES]
    assert {"StatefulSet", "Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget"} <= {*kinds}


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda one: f"{one['kind']} {one['metadata']['name']}")
def test_resources_keep_to_the_schemas_of_kubernetes(resource):
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    kubernetes_validate.validate(resource, "1.32", strict=True)


@pytest.mark.parametrize("name", PODS)
def test_pods_are_locked_up_and_bounded(name):
    pod = PODS[name]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    mounted = {volume["name"] for volume in pod["volumes"]}
    mounted |= {
        claim["metadata"]["name"] for claim in of_kind("StatefulSet").get(name, {}).get("volumeClaimTemplates", [])
    }
    for container in pod["containers"]:
        context = container["securityContext"]
        assert (context["readOnlyRootFilesystem"], context["allowPrivilegeEscalation"]) == (True, False)
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert {"memory"} <= {*container["resources"]["limits"]}
        assert {"cpu", "memory"} <= {*container["resources"]["requests"]}
        assert {mount["name"] for mount in container["volumeMounts"]} <= mounted
        assert {"readinessProbe", "livenessProbe"} <= {*container}


def test_selectors_find_the_pods():
    labels = {name: pod["metadata"]["labels"] for name, pod in PODS.items()}
    selectors = [spec["selector"] for spec in of_kind("Service").values()]
    for kind in ("StatefulSet", "Deployment", "PodDisruptionBudget"):
        selectors += [spec["selector"]["matchLabels"] for spec in of_kind(kind).values()]
    assert all(selector in labels.values() for selector in selectors)
    (sets,) = of_kind("StatefulSet").values()
    assert sets["serviceName"] in of_kind("Service")
    (scaler,) = of_kind("HorizontalPodAutoscaler").values()
    assert scaler["scaleTargetRef"]["name"] in of_kind("StatefulSet")


def test_it_scales_by_a_metric_that_there_is():
    health = ServiceHealth(
        ready=True, stopping=False, workers=1, workers_ready=1, waiting=7, running=0, upload_bytes=0, results=0,
        result_bytes=0,
    )  # fmt: skip
    (scaler,) = of_kind("HorizontalPodAutoscaler").values()
    name = scaler["metrics"][0]["pods"]["metric"]["name"]
    assert re.search(rf"^{name} 7\.0$", ServiceMetrics(lambda: health).text(), re.MULTILINE)
    # What has been painted is fetched before its replica goes.
    assert scaler["behavior"]["scaleDown"]["stabilizationWindowSeconds"] > Limits().keep_seconds


def commands():
    (container,) = PODS["impasto"]["spec"]["containers"]
    yield [word.replace("$(POD_NAME)", "impasto-0") for word in container["args"]]
    yield from (service["command"] for service in COMPOSE["services"].values() if "command" in service)


@pytest.mark.parametrize("words", [*commands()])
def test_servers_get_flags_that_there_are(words):
    _, bound, _ = app.parse_args(["serve", "--host", "0.0.0.0", *words])
    assert bound.arguments["address"].replica
    assert str(bound.arguments["spool"]).startswith("/var/lib/impasto")


def test_compose_is_locked_up_and_keeps_spools_apart():
    servers = [service for service in COMPOSE["services"].values() if "command" in service]
    assert len({volume for one in servers for volume in one["volumes"]}) == len(servers) == 2
    for service in COMPOSE["services"].values():
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
        assert service["mem_limit"]
    proxy = COMPOSE["services"]["proxy"]
    (config,) = (volume.partition(":")[0] for volume in proxy["volumes"])
    text = (DEPLOY / config).read_text()
    names = {*re.findall(r"\$\{?([A-Z]+)\}?", text)}
    assert (
        names
        == {*proxy["environment"]}
        == {one["name"] for one in PODS["impasto-proxy"]["spec"]["containers"][0]["env"]}
    )
