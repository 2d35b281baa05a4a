"""CEL rules of custom resources (``x-kubernetes-validations``), with the functions that Kubernetes adds to CEL."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from itertools import pairwise
from typing import Any
from urllib.parse import ParseResult, urlparse

import cel
from cel.stdlib import add_stdlib_to_context

from tests.support.kube.quantities import amount

_RESERVED = re.compile(
    r"true|false|null|in|as|break|const|continue|else|for|function|if|import|let|loop|package|namespace|return"
    r"|var|void|while"
)


def property_name(name: str) -> str:
    """A property's name in CEL: what is no identifier is escaped."""
    if _RESERVED.fullmatch(name):
        return f"__{name}__"
    for sign, escaped in (("__", "__underscores__"), (".", "__dot__"), ("-", "__dash__"), ("/", "__slash__")):
        name = name.replace(sign, escaped)
    return name


def holds(rule: str, value: Any) -> bool:
    """Whether a rule holds for ``self`` = ``value``. Raises what CEL raises where it cannot be evaluated."""
    context = cel.Context({"self": value}, _FUNCTIONS)
    add_stdlib_to_context(context)
    return bool(_program(rule).execute(context))


@lru_cache(maxsize=2048)
def _program(rule: str) -> cel.Program:
    return cel.compile(rule)


def _address(text: str) -> bool:
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def _network(text: str) -> bool:
    try:
        return "/" in text and bool(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return False


def _url(text: str) -> dict[str, str]:
    parts: ParseResult = urlparse(text)
    return {"scheme": parts.scheme, "host": parts.netloc, "path": parts.path}


def _quantity(text: object) -> float:
    return float(amount(str(text)))


def _is_quantity(text: object) -> bool:
    try:
        amount(str(text))
    except ValueError:
        return False
    return True


_FUNCTIONS = {
    "isURL": lambda text: (
        bool(urlparse(text).scheme) and (bool(urlparse(text).netloc) or text.startswith("/"))
    ),
    "url": _url,
    "getScheme": lambda url: url["scheme"],
    "getHost": lambda url: url["host"],
    "getEscapedPath": lambda url: url["path"],
    "isIP": _address,
    "isCIDR": _network,
    "isQuantity": _is_quantity,
    "quantity": _quantity,
    "isLessThan": lambda one, other: one < other,
    "isGreaterThan": lambda one, other: one > other,
    "compareTo": lambda one, other: (one > other) - (one < other),
    "isSorted": lambda items: all(one <= other for one, other in pairwise(items)),
    "find": lambda text, pattern: found[0] if (found := re.search(pattern, text)) else "",
    "findAll": lambda text, pattern: [match[0] for match in re.finditer(pattern, text)],
}
