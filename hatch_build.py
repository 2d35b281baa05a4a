"""Builds the compiled OTLP decoder: into a wheel, for an editable install, or in place (``python hatch_build.py``).

Without a C compiler the build goes on, and the decoder is the Python one, with the same answers and about a
fiftieth of the speed.
"""

from __future__ import annotations

import sysconfig
import tempfile
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # in place, with nothing but setuptools at hand
    BuildHookInterface = object

ROOT = Path(__file__).parent
MODULE = "airis_ray.telemetry.otlp._native"
SOURCES = ROOT / "airis_ray/telemetry/otlp/native"
# One binary for every Python from 3.11 on; builds without a GIL have no stable interface and get one of their own.
STABLE = not sysconfig.get_config_var("Py_GIL_DISABLED")


class CustomBuildHook(BuildHookInterface):
    """What hatchling calls before it collects the files of a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and tag the wheel for the platform; without a compiler it stays a pure one.

        The browser recorder comes along where it was built (``make recorder``).
        """
        build_data["artifacts"].append("airis_ray/gateway/assets/*.js")
        if self.target_name != "wheel" or not build():
            return
        build_data["pure_python"] = False
        build_data["artifacts"].append("airis_ray/telemetry/otlp/_native.*")
        if STABLE:
            platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data["tag"] = f"cp311-abi3-{platform}"
        else:
            build_data["infer_tag"] = True


def build() -> bool:
    """Compile the module beside its Python sources; False, with a line that says why, where that is impossible."""
    try:
        from setuptools import Distribution, Extension
        from setuptools.command.build_ext import build_ext
        from setuptools.errors import BaseError, CompileError, LinkError
    except ImportError as error:
        return _without(f"{error.name} is not installed")
    extension = Extension(
        MODULE,
        sources=[str(path) for path in sorted(SOURCES.glob("*.c"))],
        depends=[str(path) for path in SOURCES.glob("*.h")],
        define_macros=[("Py_LIMITED_API", "0x030B0000")] if STABLE else [],
        extra_compile_args=["-std=c11", "-O3", "-g0", "-fvisibility=hidden"],
        py_limited_api=STABLE,
    )
    command = build_ext(Distribution({"name": "airis-ray", "ext_modules": [extension]}))
    command.build_lib = str(ROOT)
    command.force = True
    with tempfile.TemporaryDirectory() as scratch:
        command.build_temp = scratch
        try:
            command.ensure_finalized()
            command.run()
        except (BaseError, CompileError, LinkError, OSError) as error:
            return _without(str(error))
    return True


def _without(reason: str) -> bool:
    print(f"airis-ray: the OTLP decoder stays in Python, because it could not be compiled: {reason}")  # noqa: T201 - the build's line
    return False


if __name__ == "__main__" and build():
    print(f"airis-ray: built {MODULE}")  # noqa: T201 - the build's line
