import os
import subprocess
import sys
import time
from functools import partial
from itertools import count

import pytest

from data import apart, nltk_data, record
from data.errors import CorpusError, FormatError


def test_results_come_in_the_order_of_the_items():
    results = list(apart.each(partial(pow, 2), range(20), processes=3))
    assert results == [2**i for i in range(20)]


def test_items_are_read_only_a_few_ahead():
    read = []
    items = (read.append(i) or i for i in count())
    results = apart.each(abs, items, processes=2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    results.close()
    assert len(read) <= 3 + 1 + apart.AHEAD * 2


def test_one_process_is_this_one():
    assert list(apart.each(os.getpgid, [0], processes=1)) == [os.getpgid(0)]


def test_errors_are_raised_here():
    with pytest.raises(ZeroDivisionError):
        list(apart.each(partial(divmod, 1), [1, 0], processes=2))


def test_errors_of_ours_say_what_they_said():
    with pytest.raises(CorpusError, match=r"^corpora/none: nltk's data package none is not installed"):
        list(apart.each(nltk_data.check, ["corpora/none"], processes=2))


def test_errors_with_places_say_where():
    with pytest.raises(FormatError, match=r"^record: byte 0: "):
        list(apart.each(record.decode, [b"\xff"], processes=2))


def test_errors_that_pickle_cannot_bring_back_are_told():
    code = "class Odd(Exception):\n  def __init__(self, a, b): super().__init__(a)\nraise Odd(1, 2)"
    with pytest.raises(RuntimeError, match=r"(?s)^Traceback .*\n[^\n]*Odd[^\n]*1\n$"):
        list(apart.each(exec, [code], processes=2))


def test_a_process_that_dies():
    with pytest.raises(ChildProcessError, match="ended with 3; was there enough memory"):
        list(apart.each(os._exit, [3], processes=2))


def test_nothing_is_left_running():
    results = apart.each(time.sleep, [0.0, 60.0, 60.0], processes=2)
    next(results)
    begun = time.monotonic()
    results.close()
    assert time.monotonic() - begun < 10


def test_what_the_work_prints_is_no_answer(capfd):
    assert list(apart.each(print, ["one", "two"], processes=2)) == [None, None]
    out, err = capfd.readouterr()
    assert out == ""
    assert sorted(err) == sorted("one\ntwo\n")  # two processes may write into each other's lines


def test_files_of_the_current_folder_are_not_imported(tmp_path):
    (tmp_path / "random.py").write_text("raise SystemExit('wrong')")
    code = "import sys; from data.apart import each; print(list(each(abs, [-1, 2], processes=2)))"
    done = subprocess.run(
        [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {apart._ROOT!r}); {code}"],
        cwd=tmp_path, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "[1, 2]\n"
