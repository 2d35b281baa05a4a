"""What a reader's SQL may be: one SELECT over the tables of telemetry, with functions that stay inside it.

ClickHouse's ``readonly = 1`` alone lets scalar ``file()``, ``INTO OUTFILE``, ``BACKUP`` and ``KILL QUERY``
through, and ``merge()`` goes around ``additional_table_filters``. So the text is read before it is sent: tables and
table functions are allowed by name, functions that reach out of the query are denied by name, and what is in doubt
is refused.
"""

from __future__ import annotations

import re
from collections.abc import Set

from airis_ray.errors import InvalidInput
from airis_ray.store.lexer import Kind, Token, scan
from airis_ray.store.protocol import TENANT_TABLES
from airis_ray.store.select_walk import Rules, SelectWalk, refused

SYSTEM_TABLES: frozenset[str] = frozenset(
    {
        "system.aggregate_function_combinators",
        "system.build_options",
        "system.collations",
        "system.columns",
        "system.contributors",
        "system.data_type_families",
        "system.databases",
        "system.formats",
        "system.functions",
        "system.keywords",
        "system.licenses",
        "system.numbers",
        "system.numbers_mt",
        "system.one",
        "system.settings",
        "system.table_engines",
        "system.table_functions",
        "system.tables",
        "system.time_zones",
        "system.zeros",
        "system.zeros_mt",
    }
)
"""Tables that clients ask when they connect or complete, and that hold nobody's rows."""

READABLE_TABLES: frozenset[str] = frozenset(TENANT_TABLES) | SYSTEM_TABLES

TABLE_FUNCTIONS: frozenset[str] = frozenset(
    {"numbers", "numbers_mt", "zeros", "zeros_mt", "generateseries", "generate_series", "values", "primes"}
)
"""Table functions that make their rows up (lower case)."""

QUERY_SETTINGS: frozenset[str] = frozenset(
    {
        "group_by_use_nulls",
        "join_algorithm",
        "join_use_nulls",
        "max_block_size",
        "max_bytes_before_external_group_by",
        "max_bytes_before_external_sort",
        "max_threads",
        "optimize_read_in_order",
        "transform_null_in",
        "use_query_condition_cache",
    }
)
"""Settings that may stand in a reader's SETTINGS clause: they change the plan, and lift no limit."""

DENIED_FUNCTION = re.compile(
    # files, models and programs on the server
    r"file|catboostevaluate|modelevaluate|evalmlmethod|naivebayesclassifier\w*|executable|python|eval"
    # dictionaries, Join tables and catalogues
    r"|dict(get|has|isin)\w*|joinget(ornull)?|region(to|in|hierarchy)\w*|hascolumnintable|pgtableisvisible"
    # the network
    r"|ai(redact|similarity|filter|classify|embed|extract|generate|translate)|reversednsquery|zookeeper\w*"
    # the process and its environment
    r"|addressto\w+|demangle|logtrace|trap|sleep(eachrow)?|getmacro|getserversetting|getserverport|tcpport"
    r"|showcertificate|getclienthttpheader|currentrequesturl|filesystem(available|capacity|unreserved)"
    r"|generateserialid|transaction(id|latestsnapshot|oldestsnapshot)|__\w+"
    # IN written as a function takes a table where a reader of the SQL sees an expression
    r"|(global)?(not)?(null)?in(ignoreset)|globalin|(global)?notin|(global)?(not)?nullin|(global)?notnullin\w*",
    re.IGNORECASE | re.ASCII,
)
"""Names refused wherever they stand as a whole name: ``arrayMap(file, …)`` and ``APPLY(file)`` are calls too."""

_READS_ELSEWHERE = re.compile(
    r"arrowstream|azureblobstorage|azureblobstoragecluster|bigquery|cluster|clusterallreplicas|cosn"
    r"|deltalake|deltalakeazure|deltalakeazurecluster|deltalakecluster|deltalakelocal|deltalakes3"
    r"|deltalakes3cluster|dictionary|filecluster|filesystem|fuzzjson|fuzzquery|gcs|generaterandom|hdfs"
    r"|hdfscluster|hudi|hudicluster|iceberg|icebergazure|icebergazurecluster|icebergcluster"
    r"|iceberghdfs|iceberghdfscluster|iceberglocal|iceberglocalcluster|icebergs3|icebergs3cluster"
    r"|input|jdbc|loop|merge|mergetreeanalyzeindexes|mergetreeindex|mergetreeprojection"
    r"|mergetreetextindex|mongodb|mysql|odbc|oss|paimon|paimonazure|paimonhdfs|paimonlocal|paimons3"
    r"|postgresql|prometheusquery|prometheusqueryrange|redis|remote|remotesecure|s3|s3cluster|sqlite"
    r"|timeseriesdata|timeseriesmetrics|timeseriesselector|timeseriestags|url|urlcluster|view"
    r"|viewexplain|viewifpermitted|ytsaurus",
    re.IGNORECASE | re.ASCII,
)
"""Table functions that reach out, refused in calls wherever they stand: IN has taken table functions as well."""

_SUMS_OVER_TENANTS = frozenset(
    {
        "active_parts",
        "as_select",
        "create_table_query",
        "data_compressed_bytes",
        "data_paths",
        "data_uncompressed_bytes",
        "engine_full",
        "lifetime_bytes",
        "lifetime_rows",
        "marks_bytes",
        "metadata_path",
        "parts",
        "total_bytes",
        "total_bytes_in_memory",
        "total_bytes_uncompressed",
        "total_marks",
        "total_rows",
    }
)


def check_select(sql: str, *, tables: Set[str] = READABLE_TABLES, database: str = "default") -> None:
    """Raise InvalidInput, with the reason and the position, unless ``sql`` is one SELECT that may be run.

    ``tables`` are names of ``database``, or qualified names of other databases. FORMAT and INTO OUTFILE are
    refused; a SETTINGS clause may hold :data:`QUERY_SETTINGS` alone.
    """
    tokens = list(scan(sql))
    while tokens and tokens[-1].is_sign(";"):
        tokens.pop()
    if not tokens:
        raise InvalidInput("the SQL is empty; expected one SELECT")
    used = _check_tables(tokens, tables, database)
    _check_words(tokens)
    if used & {"system.tables", "system.columns"}:
        _check_catalogue_columns(tokens)


def _check_tables(tokens: list[Token], tables: Set[str], database: str) -> set[str]:
    used: set[str] = set()

    def table(token: Token, parts: list[str]) -> None:
        local = parts[1:] if len(parts) == 2 and parts[0] == database else parts
        if len(local) > 2 or any("." in part for part in local) or ".".join(local) not in tables:
            raise refused(token, f"the table {'.'.join(parts)} is not there or may not be read")
        used.add(".".join(local))

    def table_function(token: Token) -> None:
        if token.text.lower() not in TABLE_FUNCTIONS:
            raise refused(token, f"the table function {token.text} may not be used here")

    def with_name(token: Token) -> None:
        if token.text.lower().startswith(("airis_", "otel_", "hyperdx_", "system", "information_schema")):
            raise refused(token, f"WITH may not name a query like a table of the platform ({token.text})")

    SelectWalk(tokens, Rules(table, table_function, with_name)).run()
    return used


def _check_words(tokens: list[Token]) -> None:
    """Refuse what makes something else of a SELECT, and functions that reach out of it."""
    padded = [*tokens, _END, _END, _END]
    before = _END
    for index, token in enumerate(tokens):
        following = padded[index + 1]
        if token.is_identifier:
            is_column = before.is_sign(".") and not following.is_sign("(")
            # The keyword IN is the walk's; in quotes it is the function.
            is_in = token.kind is Kind.NAME and token.text.lower() == "in"
            if not is_column and (is_in or DENIED_FUNCTION.fullmatch(token.text)):
                raise refused(token, f"{token.text} may not be used here")
            if following.is_sign("(") and _READS_ELSEWHERE.fullmatch(token.text):
                raise refused(token, f"the table function {token.text} may not be used here")
            if before.is_sign(":") and token.is_word("IDENTIFIER"):
                raise refused(token, "parameters may be values, not names")
        if token.kind is Kind.WORD and not before.is_sign("."):
            _check_word(token, following)
            if token.is_word("SETTINGS"):
                _check_settings(padded, index + 1)
        before = token


def _check_word(token: Token, following: Token) -> None:
    if token.is_word("OUTFILE", "INSERT", "RECURSIVE") or (
        token.is_word("PARALLEL") and following.is_word("WITH")
    ):
        raise refused(token, f"{token.text.upper()} may not be used here")
    if token.is_word("FORMAT") and following.is_identifier:
        raise refused(token, "leave FORMAT out: the format of the answer is chosen by the request")


def _check_settings(tokens: list[Token], index: int) -> None:
    while True:
        name, equals, value = tokens[index : index + 3]
        is_plain = value.kind in (Kind.STRING, Kind.NUMBER) or value.is_word("TRUE", "FALSE")
        if not (name.is_identifier and equals.is_sign("=") and is_plain):
            raise refused(tokens[index - 1], "expected name = value after SETTINGS")
        if name.text not in QUERY_SETTINGS:
            raise refused(name, f"the setting {name.text} may not be set here")
        index += 3
        if not tokens[index].is_sign(","):
            break
        index += 1
    # Behind anything else, the server's reading of where the list ends would count and not this one.
    if tokens[index] is not _END and not tokens[index].is_sign(")"):
        raise refused(tokens[index], "SETTINGS stand at the end of the statement")


def _check_catalogue_columns(tokens: list[Token]) -> None:
    """``system.tables`` and ``system.columns`` tell how much all tenants store: not those columns."""
    before, before_that = _END, _END
    for token in tokens:
        if token.is_identifier and token.text.lower() in _SUMS_OVER_TENANTS:
            raise refused(token, f"the column {token.text} may not be read")
        is_count = before.is_sign("(") and before_that.is_word("COUNT")
        is_star = token.is_sign("*") and (
            before.is_word("SELECT", "DISTINCT")
            or before.is_sign(",", ".")
            or (before.is_sign("(") and not is_count)
        )
        if is_star or (token.is_word("COLUMNS") and not before.is_sign(".")):
            raise refused(token, "name the columns of system.tables and system.columns that are wanted")
        before, before_that = token, before


_END = Token(Kind.SIGN, "", -1, -1)
