import io
import sys

from tasks.progress import log, progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_on_a_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stderr", screen := Terminal())
    monkeypatch.setenv("TERM", "xterm")
    with progress("train") as report:
        report(0.5, "loss 1.234")
    assert "train" in screen.getvalue()
    assert "100%" in screen.getvalue()


def test_one_line_where_there_is_no_terminal(capsys):
    with progress("train") as report:
        report(0.5, "")
    assert capsys.readouterr() == ("", "train     0.0 s\n")


def test_a_bar_that_fails_is_not_full(monkeypatch):
    monkeypatch.setattr(sys, "stderr", screen := Terminal())
    try:
        with progress("train") as report:
            report(0.25, "")
            raise ValueError
    except ValueError:
        pass
    assert "100%" not in screen.getvalue()


def test_a_logger_outside_of_a_run():
    log().info("no run, no error")
