"""serveConfigV2 is what serve_config.yaml and the sizing table say, and what Serve reads."""

from __future__ import annotations

import pytest
import yaml
from pydantic import BaseModel
from ray.serve.config import AutoscalingConfig
from ray.serve.schema import DeploymentSchema, RayActorOptionsSchema, ServeDeploySchema

from scripts.kube_serve_config import ROOT, cluster_config, files, merged
from tests.support.kube.checks.references import config_maps, secrets
from tests.support.kube.objects import Overlay

FILES = list(files())


@pytest.mark.parametrize(("path", "text"), FILES, ids=lambda value: getattr(value, "name", None) or "")
def test_the_files_are_made_from_their_sources(path, text) -> None:
    assert path.read_text(encoding="utf-8") == text, "run scripts/kube_serve_config.py"


def test_every_overlay_runs_the_applications_of_one_machine(overlay: Overlay) -> None:
    local = yaml.safe_load((ROOT / "serve_config.yaml").read_text(encoding="utf-8"))
    for item in overlay.of("RayService"):
        config = yaml.safe_load(item.spec["serveConfigV2"])
        ServeDeploySchema.model_validate(config)
        for one, other in zip(config["applications"], local["applications"], strict=True):
            assert (one["name"], one["route_prefix"], one["import_path"]) == (
                other["name"],
                other["route_prefix"],
                other["import_path"],
            )
            for deployment in one["deployments"]:
                _known(deployment, DeploymentSchema)
                _known(deployment["ray_actor_options"], RayActorOptionsSchema)
                _known(deployment.get("autoscaling_config", {}), AutoscalingConfig)
        assert config["http_options"]["host"] == "0.0.0.0"


def test_what_an_overlay_serves_is_what_the_script_makes(overlay: Overlay) -> None:
    """A patch of an overlay cannot change serveConfigV2 by hand."""
    local = yaml.safe_load((ROOT / "serve_config.yaml").read_text(encoding="utf-8"))
    sizes = overlay.tables["sizes"]
    profile = overlay.name if "serve_config" in sizes["profiles"].get(overlay.name, {}) else "base"
    [service] = overlay.of("RayService")
    assert yaml.safe_load(service.spec["serveConfigV2"]) == cluster_config(local, sizes, profile), (
        "RayService/airis: spec.serveConfigV2: run scripts/kube_serve_config.py"
    )


def test_nothing_is_embedded_on_a_cluster(overlay: Overlay) -> None:
    for item in overlay.of("RayService"):
        cluster = item.spec["rayClusterConfig"]
        for group in [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]:
            container = group["template"]["spec"]["containers"][0]
            set_here = {entry["name"] for entry in container.get("env", [])}
            for source in container.get("envFrom", []):
                for ref, known in (("configMapRef", config_maps(overlay)), ("secretRef", secrets(overlay))):
                    set_here |= known.get(source.get(ref, {}).get("name"), frozenset()) or frozenset()
            assert {"AIRIS_CLICKHOUSE_URL", "AIRIS_KAFKA_BOOTSTRAP", "AIRIS_REDIS_URL"} <= set_here


def test_recordings_and_models_have_a_place_that_every_worker_reaches(overlay: Overlay) -> None:
    for item in overlay.of("RayService"):
        for group in item.spec["rayClusterConfig"]["workerGroupSpecs"]:
            pod = group["template"]["spec"]
            container = pod["containers"][0]
            named = [source.get("configMapRef", {}).get("name", "") for source in container["envFrom"]]
            maps = [found for name in named if (found := overlay.get("ConfigMap", name))]
            variables = {key: value for found in maps for key, value in found.data["data"].items()}
            for name in ("AIRIS_REPLAY_URL", "AIRIS_MODELS_URL"):
                place = variables[name]
                if place.startswith("s3://"):
                    assert {"name": "objects-s3", "optional": True} in [
                        source.get("secretRef") for source in container["envFrom"]
                    ]
                    assert overlay.get("NetworkPolicy", "ray-worker-objects-s3")
                    continue
                mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
                [mount] = [
                    mount
                    for at, mount in mounts.items()
                    if place.removeprefix("file://").startswith(at + "/")
                ]
                [volume] = [volume for volume in pod["volumes"] if volume["name"] == mount["name"]]
                assert overlay.get("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"])
                assert not mount.get("readOnly")


def test_an_application_without_a_line_in_the_table_is_told() -> None:
    local = {
        "grpc_options": {"port": 1},
        "http_options": {},
        "applications": [{"deployments": [{"name": "New"}]}],
    }
    with pytest.raises(KeyError, match="New"):
        cluster_config(local, {"profiles": {}, "stateless": {}}, "dev")


def test_figures_are_merged_key_by_key() -> None:
    base, over = {"a": {"b": 1, "c": [1]}, "d": 1}, {"a": {"c": [2]}, "e": 2}
    assert merged(base, over) == {"a": {"b": 1, "c": [2]}, "d": 1, "e": 2}


def _known(keys: dict[str, object], model: type[BaseModel]) -> None:
    assert not set(keys) - set(model.model_fields), f"Serve drops these in silence ({model.__name__})"
