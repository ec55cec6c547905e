"""Archives that tests make, and those of our own that they look into."""

import tarfile
from pathlib import Path


def unpack(archive: str | Path, folder: Path) -> Path:
    """Write the members into the folder, which it returns. tarfile's `filter` is not in every Python 3.11."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as opened:
        for info in opened:
            stream = opened.extractfile(info)
            assert stream is not None
            assert "/" not in info.name
            (folder / info.name).write_bytes(stream.read())
    return folder
