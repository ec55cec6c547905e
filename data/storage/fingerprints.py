"""What changes when a file does, without reading it where a server says."""

import hashlib

from data.storage.failures import told
from data.storage.places import is_local, path_of
from data.storage.remote import BLOCK_SIZE, opened


def fingerprint(url: str) -> str:
    """What changes when the file does: "sha256:..." of its content, or what a server says of it without a download.

    That is "etag:...:<bytes>" or "modified:...:<bytes>". fsspec's own `ukey` will not do: of a web page it is a hash
    of the address.
    """
    with told(url, "read"):
        if is_local(url):
            with path_of(url).open("rb") as stream:
                return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()
        fs, path = opened(url)
        info = fs.info(path)
        for kind, names in (("etag", ("ETag", "etag")), ("modified", ("Last-Modified", "LastModified", "mtime"))):
            if said := next((info[name] for name in names if info.get(name)), None):
                stamp = str(said).strip('"')
                return f"{kind}:{stamp}:{info.get('size')}"
        content = hashlib.sha256()
        with fs.open(path, "rb", block_size=BLOCK_SIZE) as stream:
            while piece := stream.read(BLOCK_SIZE):
                content.update(piece)
        return "sha256:" + content.hexdigest()
