import os
import re
from pathlib import Path

import pytest

from data import streams
from data.named import NAMED, Named

ROWS = sorted(NAMED.items())


@pytest.mark.parametrize(("name", "row"), ROWS)
def test_every_row_is_complete(name: str, row: Named) -> None:
    assert row.about
    assert re.fullmatch(r"[a-z0-9_-]+", name)
    if row.addresses:
        assert all(address.startswith("https://") for address in row.addresses)
        assert re.fullmatch(r"md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}", row.checksum)
        assert row.file
        assert streams.is_archive(row.file) == bool(row.member)
    else:
        assert name == "docs" or row.local


def test_one_file_has_one_checksum() -> None:
    by_file = {row.file: row.checksum for row in NAMED.values() if row.addresses}
    assert all(by_file[row.file] == row.checksum for row in NAMED.values() if row.addresses)


@pytest.mark.skipif(not os.environ.get("EMBERTEXT_DATA"), reason="EMBERTEXT_DATA is not set")
@pytest.mark.parametrize("local", sorted({row.local for row in NAMED.values() if row.local}))
def test_the_data_folder_holds_it(local: str) -> None:
    assert (Path(os.environ["EMBERTEXT_DATA"]) / local).is_file()
