"""clickhouse-connect, unchanged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import clickhouse_connect
import pyarrow as pa
import pytest
import pytest_asyncio
from clickhouse_connect.driver import AsyncClient, Client
from clickhouse_connect.driver.exceptions import DatabaseError
from clickhouse_connect.driver.external import ExternalData

from tests.contract.conftest import REAL, Front

BATCH = pa.table({"id": pa.array(range(10), pa.uint64()), "name": [f"이름 {i}" for i in range(10)]})


@pytest.fixture
def client(front: Front) -> Iterator[Client]:
    with front.client() as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def asynchronous(front: Front) -> AsyncIterator[AsyncClient]:
    client = await clickhouse_connect.get_async_client(
        host=front.host, port=front.port, username=front.user, password=front.key
    )
    yield client
    await client.close()


def test_queries(client: Client) -> None:
    assert client.server_version
    assert client.ping()
    assert client.query("SELECT number, toString(number) FROM numbers(2)").result_rows == [(0, "0"), (1, "1")]
    assert client.query("SELECT 1 AS a LIMIT 0").column_names == ("a",)
    assert client.command("SELECT 5") == 5


def test_parameters(client: Client) -> None:
    values = {
        "text": "it's \\ 한글\n",
        "list": ["a'", "b"],
        "time": datetime(2026, 1, 2, tzinfo=UTC),
        "none": None,
    }
    sql = "SELECT {text:String}, {list:Array(String)}, {time:DateTime('UTC')}, {none:Nullable(Int8)}"
    (row,) = client.query(sql, parameters=values).result_rows
    assert row[:2] == (values["text"], values["list"])
    assert row[3] is None
    assert client.query("SELECT %(x)s", parameters={"x": "a'b"}).result_rows == [("a'b",)]


def test_inserts(client: Client, table: str) -> None:
    rows = [[1, "a", {"k": "v"}], [2, "한글", {}]]
    assert client.insert(table, rows, column_names=["id", "name", "labels"]).written_rows == 2
    assert client.insert_arrow(table, BATCH).written_rows == 10
    client.raw_insert(table, ["id", "name"], b"100,x\n101,y\n", fmt="CSV")
    frame = pytest.importorskip("pandas").DataFrame({"id": [200], "name": ["frame"]})
    client.insert_df(table, frame)
    assert client.command(f"SELECT count() FROM {table}") == 15
    assert client.query(f"SELECT labels FROM {table} WHERE id = 1 AND name = 'a'").result_rows == [
        ({"k": "v"},)
    ]


def test_a_token_makes_an_insert_repeatable(client: Client, table: str) -> None:
    for _ in range(2):
        client.insert_arrow(table, BATCH, settings={"insert_deduplication_token": "batch-1"})
    assert client.command(f"SELECT count() FROM {table}") == 10


def test_frames_and_arrow(client: Client) -> None:
    table = client.query_arrow("SELECT number AS n, toString(number) AS s FROM numbers(3)")
    assert table.to_pydict() == {"n": [0, 1, 2], "s": ["0", "1", "2"]}
    assert client.query_df("SELECT number AS n FROM numbers(3)")["n"].tolist() == [0, 1, 2]


def test_streams(client: Client) -> None:
    sql = "SELECT number FROM numbers(300000)"
    with client.query_arrow_stream(sql) as batches:
        assert sum(batch.num_rows for batch in batches) == 300_000
    with client.query_row_block_stream(sql) as blocks:
        assert sum(len(block) for block in blocks) == 300_000
    with client.query_df_stream(sql) as frames:
        assert sum(len(frame) for frame in frames) == 300_000


def test_sessions_and_settings(client: Client) -> None:
    client.command("SET max_block_size = 777")
    client.command("CREATE TEMPORARY TABLE scratch (a UInt8)")
    client.insert("scratch", [[1], [2]], column_names=["a"])
    assert client.query("SELECT sum(a), getSetting('max_block_size') FROM scratch").result_rows == [(3, 777)]
    assert client.query(
        "SELECT getSetting('max_block_size')", settings={"max_block_size": 5}
    ).result_rows == [(5,)]


@pytest.mark.parametrize("method", ["lz4", "zstd", "gzip", False])
def test_compression(front: Front, table: str, method: str | bool) -> None:
    with front.client(compress=method) as client:
        client.insert(table, [[number, "x" * 20] for number in range(5000)], column_names=["id", "name"])
        assert len(client.query(f"SELECT * FROM {table}").result_rows) == 5000
        assert client.insert_arrow(table, BATCH).written_rows == 10


def test_errors_carry_the_code(client: Client) -> None:
    with pytest.raises(DatabaseError) as raised:
        client.query("SELECT * FROM not_there")
    assert raised.value.code == 60


def test_an_error_in_the_middle_of_a_stream_is_told(client: Client) -> None:
    sql = "SELECT number, throwIf(number = 5000000) FROM numbers(10000000)"
    with pytest.raises(Exception, match="Code: 395"), client.query_row_block_stream(sql) as blocks:
        for _ in blocks:
            pass


@pytest.mark.skipif(bool(REAL), reason="a real server takes external data")
def test_external_data_are_refused_with_a_reason(client: Client) -> None:
    data = ExternalData(file_name="ext.csv", data=b"1,2", fmt="CSV", structure="a UInt8, b UInt8")
    with pytest.raises(DatabaseError, match="external data is not supported"):
        client.query("SELECT * FROM ext", external_data=data)


async def test_the_asynchronous_client(asynchronous: AsyncClient, table: str) -> None:
    await asynchronous.insert_arrow(table, BATCH)
    assert (await asynchronous.query(f"SELECT count() FROM {table}")).result_rows == [(10,)]
    assert (await asynchronous.query_arrow("SELECT 1 AS x")).to_pylist() == [{"x": 1}]
    rows = 0
    async with await asynchronous.query_arrow_stream("SELECT * FROM numbers(300000)") as batches:
        async for batch in batches:
            rows += batch.num_rows
    assert rows == 300_000


async def test_many_at_once_keep_their_own_parameters(asynchronous: AsyncClient) -> None:
    queries = [asynchronous.query("SELECT {x:UInt32}", parameters={"x": number}) for number in range(40)]
    answers = await asyncio.gather(*queries)
    assert [answer.result_rows[0][0] for answer in answers] == list(range(40))
