"""Message classes of foreign protobuf formats, made when they are imported: no generated code, no compiler.

Each set lives in a descriptor pool of its own, so that it cannot clash with what another package registered under
the same name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_TYPES: Final = {
    "double": 1,
    "int64": 3,
    "uint64": 4,
    "int32": 5,
    "bool": 8,
    "string": 9,
    "message": 11,
    "bytes": 12,
    "uint32": 13,
    "sint32": 17,
    "sint64": 18,
}
_FIELD: Final = re.compile(r"(repeated )?(\w+) (\w+) = (\d+)")


def messages(package: str, definitions: Mapping[str, str]) -> dict[str, Any]:
    """Message classes by name; a definition is its fields as a .proto file (proto3) has them, without enums.

    >>> messages("doc", {"Label": "string name = 1; string value = 2;"})["Label"](name="a").name
    'a'
    """
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    for name, fields in definitions.items():
        message = file.message_type.add(name=name)
        for repeated, kind, field, number in _FIELD.findall(fields):
            made = message.field.add(name=field, number=int(number), label=3 if repeated else 1)
            if kind in definitions:
                made.type, made.type_name = _TYPES["message"], f".{package}.{kind}"
            else:
                made.type = _TYPES[kind]
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}"))
        for name in definitions
    }
