"""What is kept of a model beside its artefact."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from airis_ray.aiops.custom.windows import LONGEST, SHORTEST
from airis_ray.errors import Unprocessable

NAME: Final = r"^[a-z0-9][a-z0-9_-]{0,62}$"
VERSION: Final = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$"
ASKED: Final = r"^[a-z0-9][a-z0-9_-]{0,62}(@[A-Za-z0-9][A-Za-z0-9_.-]{0,31})?$"
"""A name, or a name with a version."""

Name = Annotated[str, Field(pattern=NAME, description="lower-case letters, digits, `-` and `_`")]
Version = Annotated[str, Field(pattern=VERSION, description="letters, digits, `.`, `-` and `_`")]
Width = Annotated[
    int, Field(ge=SHORTEST, le=LONGEST, description="points of the windows that it is asked about")
]
Output = Literal["unusual", "usual", "reconstruction"]
"""What the graph gives of a window: a score that is higher the more unusual, or the more usual it is; or the window
again, whose mean squared error is the score."""


class Card(BaseModel):
    """A version of a model."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: Name
    version: Version
    width: Width
    output: Output
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="of the artefact")
    bytes: int = Field(description="of the artefact")
    created: str
    created_by: str = Field(description="id of the key that registered it")

    @property
    def id(self) -> str:
        """``name@version``."""
        return f"{self.name}@{self.version}"


def split(asked: str) -> tuple[str, str | None]:
    """Name and version of ``name`` or ``name@version``. Raises Unprocessable for anything else."""
    if not re.match(ASKED, asked):
        raise Unprocessable.field("/model", f"is {asked!r}; expected a name such as waves, or waves@2")
    name, _, version = asked.partition("@")
    return name, version or None
