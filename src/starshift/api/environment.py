"""Where a run happens, as far as it bears on repeating it."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

from starshift.execution import cores
from starshift.records import Environment

LIBRARIES = ("keras", "tensorflow-cpu", "tensorflow", "jax", "openvino", "numpy", "scikit-learn", "pillow")


def environment() -> Environment:
    """This machine and the libraries that compute on it, those that are installed."""
    versions = {}
    for library in LIBRARIES:
        try:
            versions[library] = version(library)
        except PackageNotFoundError:
            continue
    return Environment(
        starshift=version("starshift"),
        python=platform.python_version(),
        platform=platform.platform(terse=True),
        processor=_processor(),
        cores=cores(),
        memory_gib=round(_memory_bytes() / 2**30, 1),
        versions=versions,
    )


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()


def _memory_bytes() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, AttributeError, OSError):
        return 0  # Windows has no sysconf; 0 is shown as unknown
