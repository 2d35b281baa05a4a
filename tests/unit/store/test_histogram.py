"""Buckets and quantiles: SQL, Python and exact order statistics agree."""

from __future__ import annotations

import math

import pytest

from airis_ray.store import Query
from airis_ray.store.histogram import (
    GAMMA,
    bucket,
    bucket_sql,
    estimate,
    histogram_sql,
    merged_sql,
    quantile_sql,
    raw_quantile_sql,
)
from tests.support.local_store import LocalStore

VALUES = [0, 1, 2, 3, 999, 1_000_000, 1_500_000_000, 2**63, 2**64 - 1]
QUANTILES = [0.0, 0.01, 0.5, 0.9, 0.95, 0.99, 1.0]


@pytest.mark.parametrize("value", [1, 2, 3, 10, 999, 10**6, 10**9, 2**63])
def test_estimate_is_within_one_percent_of_any_value_of_its_bucket(value: int) -> None:
    assert math.isclose(estimate(bucket(value)), value, rel_tol=(GAMMA - 1) / (GAMMA + 1) + 1e-9)


async def test_sql_computes_the_same_buckets(migrated_store: LocalStore) -> None:
    sql = f"SELECT arrayMap(v -> {bucket_sql('v')}, {{values:Array(UInt64)}}) AS buckets"
    answer = await migrated_store.query(Query(sql, {"values": VALUES}))
    assert answer.table["buckets"][0].as_py() == [bucket(value) for value in VALUES]


@pytest.mark.parametrize("q", QUANTILES)
@pytest.mark.parametrize("rows", [1, 2, 10, 4321])
async def test_quantiles_of_merged_parts_of_raw_rows_and_exact_ones_agree(
    migrated_store: LocalStore, q: float, rows: int
) -> None:
    sql = f"""
        WITH data AS (SELECT toUInt64(exp(10 + 6 * sin(number))) AS v, number % 7 AS part FROM numbers({rows}))
        SELECT
            (SELECT {quantile_sql("h", q)} FROM
                (SELECT {merged_sql("p")} AS h FROM (SELECT {histogram_sql("v")} AS p FROM data GROUP BY part))
            ) AS merged,
            (SELECT {raw_quantile_sql("v", q)} FROM data) AS raw,
            (SELECT quantileExact({q})(v) FROM data) AS exact
    """
    (row,) = (await migrated_store.query(Query(sql))).table.to_pylist()
    assert row["merged"] == row["raw"]
    assert math.isclose(row["raw"], row["exact"], rel_tol=0.01)


async def test_no_rows_have_no_quantile(migrated_store: LocalStore) -> None:
    histogram = f"SELECT {histogram_sql('number')} AS h FROM numbers(0)"
    sql = f"""
        SELECT (SELECT {quantile_sql("h", 0.5)} FROM ({histogram})) AS merged,
               (SELECT {raw_quantile_sql("number", 0.5)} FROM numbers(0)) AS raw
    """
    assert (await migrated_store.query(Query(sql))).table.to_pylist() == [{"merged": None, "raw": None}]
