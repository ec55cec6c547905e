"""What file systems raise, as one line that says where, what and the remedy."""

import contextlib
import errno
from collections.abc import Iterator

from data.errors import CorpusError, StorageError
from data.storage.places import is_local

_CREDENTIALS = "give keys that may do this (for s3://, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)"
_REACH = "check the network and the endpoint (for s3://, AWS_ENDPOINT_URL)"


def failure(error: OSError, url: str, verb: str) -> StorageError:
    """What an `OSError` means to a person who wanted to `verb` the place `url`, in one line."""
    what, remedy = _reason(error, url)
    return StorageError(f"cannot {verb} it: {what}", where=url, remedy=remedy)


@contextlib.contextmanager
def told(url: str, verb: str) -> Iterator[None]:
    """Turn what file systems raise into a `StorageError`. Our own mistakes stay what they are."""
    try:
        yield
    except (StorageError, CorpusError):
        raise
    except OSError as error:
        raise failure(error, url, verb) from error
    except ImportError as error:
        raise StorageError(f"cannot {verb} it: {error}", where=url, remedy="pip install that package") from error
    except ValueError as error:
        known = "use a path or a URL like s3://bucket/key"
        raise StorageError(f"cannot {verb} it: {_line(error)}", where=url, remedy=known) from error
    except Exception as error:
        if not type(error).__module__.startswith(("botocore", "aiobotocore", "aiohttp", "requests")):
            raise
        remedy = _CREDENTIALS if "Credentials" in type(error).__name__ else _REACH
        raise StorageError(f"cannot {verb} it: {_line(error)}", where=url, remedy=remedy) from error


def _reason(error: OSError, url: str) -> tuple[str, str]:
    """What an `OSError` means to a person, and what to do."""
    local = is_local(url)
    if isinstance(error, FileNotFoundError):
        return (
            ("no such file or folder", "check the spelling")
            if local
            else (
                "no such object or bucket",
                "check the spelling, and create the bucket if it is new",
            )
        )
    if isinstance(error, PermissionError):
        return "permission denied", "choose a place you may use, or change its permissions" if local else _CREDENTIALS
    if isinstance(error, NotADirectoryError | FileExistsError) and local:
        return "a part of the path is a file, not a folder", "choose another place"
    if isinstance(error, IsADirectoryError):
        return "it is a folder", "give a file's name"
    if error.errno == errno.EROFS:
        return "the file system is read-only", "choose another place"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "no space is left", "free some space or choose another place"
    if isinstance(error, ConnectionError | TimeoutError):
        return _line(error) or "no connection", _REACH
    return _line(error), "choose another place" if local else _REACH


def _line(error: BaseException) -> str:
    """One line of it. Some servers answer with a number alone: then what their client's library made of that."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    if isinstance(error, OSError) and error.errno and not error.strerror and error.__cause__:
        text = str(error.__cause__)
    return " ".join(text.split()) or type(error).__name__
