"""Compiles the C accelerator into the wheel, where there is a compiler; where not, the wheel is pure Python.

``FRAMELIFT_GUARDS_ACCELERATOR`` decides otherwise: ``0`` leaves it out, ``1`` makes a failure to compile an error.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SWITCH = "FRAMELIFT_GUARDS_ACCELERATOR"


class AcceleratorHook(BuildHookInterface):
    """The build hook of the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and add the result to a wheel that is tagged for this Python and platform."""
        wanted = os.environ.get(SWITCH, "")
        if wanted == "0" or version == "editable":
            return
        folder = tempfile.TemporaryDirectory()
        name = f"_accelerator{sysconfig.get_config_var('EXT_SUFFIX')}"
        target = Path(folder.name) / name
        failure = compile_accelerator(Path(self.root) / "native", target)
        if failure is None:
            self.folder = folder
            build_data["pure_python"] = False
            build_data["infer_tag"] = True
            build_data["force_include"][str(target)] = f"framelift_guards/{name}"
            return
        folder.cleanup()
        if wanted == "1":
            raise RuntimeError(f"{SWITCH}=1, but the accelerator cannot be compiled: {failure}")
        self.app.display_warning(f"framelift-guards is built without its accelerator: {failure}")

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was compiled; the wheel holds it."""
        if hasattr(self, "folder"):
            self.folder.cleanup()


def compile_accelerator(source: Path, target: Path) -> str | None:
    """Compile the C files of a folder into one extension module; return why that failed, or None."""
    compiler = os.environ.get("LDSHARED") or sysconfig.get_config_var("LDSHARED")
    if not compiler:  # not a Unix
        return "this Python does not say how extension modules are linked"
    headers = sysconfig.get_path("include")
    command = [*shlex.split(compiler), "-O2", "-fPIC", "-fvisibility=hidden", f"-I{headers}"]
    command += [*map(str, sorted(source.glob("*.c"))), "-o", str(target)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return None if done.returncode == 0 else f"{shlex.join(command)} failed:\n{done.stderr}"
