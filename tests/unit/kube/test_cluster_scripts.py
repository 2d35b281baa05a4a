"""The scripts that Jobs run inside the cluster: secrets made once, old backups deleted, RayJobs created."""

from __future__ import annotations

import importlib.util
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from pyarrow import fs

from airis_ray.web.keys import key_id_of

COMPONENTS = Path(__file__).parents[3] / "kuberay" / "components"


def script(path: str) -> ModuleType:
    """A script of a component as a module."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, COMPONENTS / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def secrets() -> Any:
    return script("secrets-generated/make_secrets.py")


@pytest.fixture(scope="module")
def recipes() -> Any:
    path = COMPONENTS / "secrets-generated" / "secrets.yaml"
    return yaml.safe_load(path.read_text(encoding="utf-8"))["secrets"]


def test_every_secret_is_made_and_fits_the_others(secrets: Any, recipes: Any) -> None:
    made = secrets.missing(recipes, {})
    asked = {(row["name"], key) for row in recipes for key, how in row["keys"].items() if how != "given"}
    assert {(name, key) for name, keys in made.items() for key in keys} == asked
    password = made["clickhouse-passwords"]["airis"]
    assert made["airis-env"]["AIRIS_CLICKHOUSE_URL"] == f"http://airis:{password}@clickhouse:8123/airis"
    assert made["airis-env"]["AIRIS_KAFKA_SASL_PASSWORD"] == made["kafka-passwords"]["airis"]
    assert made["redis-passwords"]["cache"] in made["airis-env"]["AIRIS_REDIS_URL"]
    assert made["collector-key"]["self.key"] == made["airis-keys"]["self.key"]
    assert key_id_of(made["airis-keys"]["admin.key"]) == "admin"
    assert len({value for keys in made.values() for value in keys.values()}) >= len(asked) - 2


def test_what_is_there_stays(secrets: Any, recipes: Any) -> None:
    first = secrets.missing(recipes, {})
    assert secrets.missing(recipes, first) == {}
    del first["airis-env"]["AIRIS_REDIS_URL"]
    again = secrets.missing(recipes, first)
    assert again == {
        "airis-env": {"AIRIS_REDIS_URL": f"redis://:{first['redis-passwords']['cache']}@redis:6379/0"}
    }


def test_the_registry_knows_its_password(secrets: Any, recipes: Any) -> None:
    import ctypes

    made = secrets.missing(recipes, {})["registry-auth"]
    user, hashed = made["htpasswd"].strip().split(":")
    library = ctypes.CDLL("libcrypt.so.1")
    library.crypt.restype = ctypes.c_char_p
    assert user == "airis"
    assert library.crypt(made["password"].encode(), hashed.encode()) == hashed.encode()
    assert library.crypt(b"another", hashed.encode()) != hashed.encode()


def test_the_vault_holds_what_the_job_would_make(recipes: Any) -> None:
    folder = COMPONENTS / "secrets-external"
    files = [
        folder / "secrets.yaml",
        folder / "collector" / "secrets.yaml",
        COMPONENTS / "mirror" / "secret.yaml",
    ]
    vaulted = {
        (item["metadata"]["name"], item["metadata"]["namespace"]): {
            row["secretKey"] for row in item["spec"]["data"]
        }
        for file in files
        for item in yaml.safe_load_all(file.read_text(encoding="utf-8"))
    }
    assert vaulted == {(row["name"], row.get("namespace", "airis")): set(row["keys"]) for row in recipes}


def test_the_job_may_touch_its_own_secrets_alone(recipes: Any) -> None:
    allowed = set()
    for file in ("job.yaml", "collector/role.yaml"):
        for item in yaml.safe_load_all((COMPONENTS / "secrets-generated" / file).read_text(encoding="utf-8")):
            for rule in item.get("rules", ()):
                allowed |= set(rule.get("resourceNames", ()))
    assert allowed == {row["name"] for row in recipes if "given" not in row["keys"].values()}


@pytest.mark.parametrize(
    ("days", "keep_least", "gone"),
    [
        (["2026-10-01", "2026-10-24", "2026-11-22"], 1, ["2026-10-01"]),
        (["2026-10-01", "2026-10-02"], 2, []),  # nothing newer: what there is stays
        (["2026-10-01", "2026-10-02", "notes", "2026-10-02x"], 1, ["2026-10-01"]),
        ([], 7, []),
    ],
)
def test_old_backups_go_and_the_newest_stay(days: list[str], keep_least: int, gone: list[str]) -> None:
    assert script("backup-s3/retention.py").expired(days, date(2026, 11, 23), 30, keep_least) == gone


def test_a_backup_goes_with_all_its_files(tmp_path: Path) -> None:
    for day in ("2026-01-01", "2026-11-22"):
        (tmp_path / day / "020000" / "shard-01").mkdir(parents=True)
        (tmp_path / day / "020000" / "shard-01" / ".backup").touch()
    (tmp_path / "readme").touch()
    gone = script("backup-s3/retention.py").sweep(
        fs.LocalFileSystem(), str(tmp_path), date(2026, 11, 23), 30, 1
    )
    assert gone == ["2026-01-01"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2026-11-22", "readme"]


def test_a_ray_job_has_the_image_of_its_starter_and_a_name_of_its_own() -> None:
    starter = script("jobs/start_job.py")
    job = yaml.safe_load((COMPONENTS / "jobs" / "training.yaml").read_text(encoding="utf-8"))
    made = starter.prepared(job, "airis-ray:9", "python train.py", datetime(2026, 11, 23, 4, 0, tzinfo=UTC))
    cluster = made["spec"]["rayClusterSpec"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    assert made["metadata"]["name"] == "training-1123-040000"
    assert made["spec"]["entrypoint"] == "python train.py"
    assert {box["image"] for group in groups for box in group["template"]["spec"]["containers"]} == {
        "airis-ray:9"
    }


def test_a_job_without_an_entry_point_says_so() -> None:
    job = yaml.safe_load((COMPONENTS / "jobs" / "training.yaml").read_text(encoding="utf-8"))
    with pytest.raises(SystemExit, match="ENTRYPOINT"):
        script("jobs/start_job.py").prepared(job, "airis-ray:9", "", datetime(2026, 11, 23, tzinfo=UTC))
