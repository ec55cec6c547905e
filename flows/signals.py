"""A signal to end must end the run, wherever it arrives.

Its handler raises an exception in whatever Python the main thread is at. Inside a finaliser, a weak reference's
callback or a call back from compiled code that exception is dropped, with a note on stderr, and the run would go on as
if nobody had asked. So the signal is sent once more.
"""

import os
import signal
import sys
from threading import Timer
from typing import TYPE_CHECKING

from prefect.exceptions import TerminationSignal

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

SENT_AGAIN = 0.1  # seconds: a finaliser is over by then; one that is not drops it again, and it is sent again
RAISED: dict[type[BaseException], int] = {
    KeyboardInterrupt: signal.SIGINT,
    TerminationSignal: signal.SIGTERM,  # by Prefect's handler, while a flow runs
    SystemExit: signal.SIGTERM,  # by the command's own, before and after
}


class SendAgain:
    """What Python calls for a dropped exception: sends the signal behind it again; others it leaves to who was before.

    As a context it is undone afterwards.
    """

    def __init__(self) -> None:
        self.before = sys.unraisablehook
        sys.unraisablehook = self

    def __call__(self, dropped: "UnraisableHookArgs") -> None:
        """See `sys.unraisablehook`."""
        number = RAISED.get(dropped.exc_type)
        if number is None:
            self.before(dropped)
            return
        again = Timer(SENT_AGAIN, os.kill, (os.getpid(), number))
        again.daemon = True
        again.start()

    def __enter__(self) -> "SendAgain":
        return self

    def __exit__(self, *_: object) -> None:
        sys.unraisablehook = self.before
