"""ClickHouse's configuration in the manifests, read by ClickHouse: macros, shards, backups, windows, grants."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pytest
import yaml

KUBERAY = Path(__file__).parents[3] / "kuberay"
CONFIG = KUBERAY / "base" / "clickhouse" / "config"
ENVIRONMENT = {
    "CLICKHOUSE_SHARD": "02",
    "POD_NAME": "clickhouse-s2-1",
    "CLICKHOUSE_HOST": "clickhouse-s2-1.clickhouse-headless",
    "CLICKHOUSE_INTERSERVER_PASSWORD": "between",
    "BACKUP_S3_URL": "https://bucket.s3.us-east-1.amazonaws.com/airis/",
}
_SHARDS = (
    "SELECT shard_num, count() FROM system.clusters WHERE cluster = 'airis_shards' GROUP BY 1 ORDER BY 1"
)
_RUN = """
import json, sys
import chdb
folder, questions = sys.argv[1], json.load(open(sys.argv[2]))
connection = chdb.connect(f"file:{folder}/db?config-file={folder}/config.xml")
answers = [str(connection.query(question, "TSV")).strip() for question in questions]
connection.close()
json.dump(answers, open(f"{folder}/answers.json", "w"))
"""


def xml(name: str, value: Any) -> Iterator[str]:
    """YAML as ClickHouse reads it: lists repeat their element, keys with an @ are attributes. The engine of the
    tests was built without its YAML reader."""
    if isinstance(value, list):
        for item in value:
            yield from xml(name, item)
    elif isinstance(value, dict):
        attributes = "".join(
            f" {key[1:]}={quoteattr(str(item))}" for key, item in value.items() if key[0] == "@"
        )
        inner = "".join(part for key, item in value.items() if key[0] != "@" for part in xml(key, item))
        yield f"<{name}{attributes}>{inner}</{name}>"
    else:
        text = str(value).lower() if isinstance(value, bool) else str(value)
        yield f"<{name}>{escape(text)}</{name}>"


def asked(folder: Path, config: dict[str, Any], questions: list[str]) -> list[str]:
    """A ClickHouse with this configuration answers; a process of its own, since chDB is one a process."""
    (folder / "config.xml").write_text("".join(xml("clickhouse", config)), encoding="utf-8")
    (folder / "questions.json").write_text(json.dumps(questions), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", _RUN, str(folder), str(folder / "questions.json")],
        env={**os.environ, **ENVIRONMENT},
        timeout=120,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answers: list[str] = json.loads((folder / "answers.json").read_text(encoding="utf-8"))
    return answers


def loaded(*files: Path) -> dict[str, Any]:
    """Files laid over each other."""
    return {
        key: value
        for file in files
        for key, value in yaml.safe_load(file.read_text(encoding="utf-8")).items()
    }


def test_a_server_knows_its_place_its_backups_and_how_long_a_batch_is_remembered(tmp_path: Path) -> None:
    config = loaded(CONFIG / "server.yaml", CONFIG / "cluster.yaml")
    config["storage_configuration"]["disks"]["backups"]["path"] = f"{tmp_path}/backups/"
    macros, cluster, window, _, _, backup = asked(
        tmp_path,
        config,
        [
            "SELECT macro, substitution FROM system.macros ORDER BY macro",
            _SHARDS,
            "SELECT value FROM system.merge_tree_settings WHERE name = 'replicated_deduplication_window_seconds'",
            "CREATE DATABASE some ENGINE = Atomic",
            "CREATE TABLE some.things (x UInt8) ENGINE = MergeTree ORDER BY x AS SELECT 1",
            "BACKUP DATABASE some TO Disk('backups', '2026-11-23/020000/shard-01')",
        ],
    )
    assert macros == "replica\tclickhouse-s2-1\nshard\t02"
    assert cluster == "1\t3"
    assert window == "604800"
    assert "BACKUP_CREATED" in backup
    assert (tmp_path / "backups" / "2026-11-23" / "020000" / "shard-01" / ".backup").is_file()


@pytest.mark.parametrize(
    ("file", "expected"),
    [("components/shards/cluster.yaml", "1\t3\n2\t3"), ("overlays/dev/config/cluster.yaml", "1\t1")],
)
def test_overlays_name_their_shards_and_replicas(tmp_path: Path, file: str, expected: str) -> None:
    (cluster,) = asked(
        tmp_path,
        loaded(KUBERAY / file),
        [_SHARDS],
    )
    assert cluster == expected


def test_every_grant_and_every_setting_of_users_is_one_of_clickhouse(tmp_path: Path) -> None:
    users = loaded(CONFIG / "users.yaml")
    grants = [row["query"] for user in users["users"].values() for row in user.get("grants", ())]
    settings = [(name, value) for profile in users["profiles"].values() for name, value in profile.items()]
    startup = [row["query"] for row in loaded(CONFIG / "server.yaml")["startup_scripts"]["scripts"]]
    asked(
        tmp_path,
        {},
        [
            *(f"SELECT formatQuery($q${grant} TO someone$q$)" for grant in grants),
            *(f"SELECT formatQuery($q${query}$q$)" for query in startup),
            *(f"SET {name} = '{value}'" for name, value in settings),
        ],
    )
    assert {user["profile"] for user in users["users"].values()} <= {*users["profiles"], "default"}


@pytest.mark.parametrize("file", ["base/keeper/config/keeper.yaml", "overlays/dev/config/keeper.yaml"])
def test_keeper_listens_where_clickhouse_asks(file: str) -> None:
    keeper = loaded(KUBERAY / file)["keeper_server"]
    folder = "base/clickhouse/config" if file.startswith("base") else "overlays/dev/config"
    nodes = loaded(KUBERAY / folder / "cluster.yaml")["zookeeper"]["node"]
    members = keeper["raft_configuration"]["server"]
    assert keeper["tcp_port"] == 2181
    assert [node["host"] for node in nodes] == [member["hostname"] for member in members]
    assert {node["port"] for node in nodes} == {keeper["tcp_port"]}
    assert [member["id"] for member in members] == list(range(1, len(members) + 1))
    assert len(members) % 2 == 1
