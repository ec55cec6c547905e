"""Loops that several algorithms share, compiled by numba when first called and kept on disk from then on.

numba keys a compiled kernel by its own file alone, although helpers from other files are inlined into it. The cache
therefore has a folder of its own for each state of the sources, outside of them, so that a changed helper is never
missed and a read-only installation works too. NUMBA_CACHE_DIR, where set, goes before.
"""

import hashlib
import os
import tempfile
from pathlib import Path

import numba
import platformdirs


def _cache_folder() -> Path:
    here = Path(__file__).parent
    sources = sorted([*here.glob("*.py"), *here.parent.glob("*/*kernels.py")])
    state = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    folder = platformdirs.user_cache_path("embertext") / "kernels" / state
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="embertext-kernels-"))  # no home to write to: compile anew in each process


if not os.environ.get("NUMBA_CACHE_DIR"):
    numba.config.CACHE_DIR = str(_cache_folder())  # type: ignore[attr-defined]
