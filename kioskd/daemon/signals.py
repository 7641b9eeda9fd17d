"""Signals that stop the daemon in order. None of them may end it in the middle of a pulse.

Held by every thread from the first moment of `kioskd run` to the last, and taken by one thread that
waits for them. So whichever comes before there is a loop, after it or again, the strikes are
secured and the exit code is 0. A loop that is busy keeps nobody from noticing.

Deliberately not here: SIGKILL and SIGSTOP, which nobody can hold, and the signals of a fault of
the program itself (SIGSEGV, SIGABRT). The next start secures first, and `kioskd secure` does.
"""

import signal
from collections.abc import Callable
from threading import Thread
from typing import Final

STOPPING: Final = frozenset(
    {
        signal.SIGHUP,  # the terminal was closed
        signal.SIGINT,
        signal.SIGQUIT,
        signal.SIGTERM,
        # Nobody means anything by these; unhandled, each of them ends a process at once.
        signal.SIGALRM,
        signal.SIGIO,
        signal.SIGPROF,
        signal.SIGPWR,
        signal.SIGUSR1,
        signal.SIGUSR2,
        signal.SIGVTALRM,
        signal.SIGXCPU,
    }
)
# A terminal pauses a program with these; a paused daemon cannot end a pulse.
PAUSING: Final = frozenset({signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU})


def hold() -> None:
    """Keep what comes from now on for `answer`; what pauses is kept for ever.

    Before any thread is started: a thread that does not hold them would let them end the process.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING | PAUSING)


def answer(stop: Callable[[], None]) -> None:
    """Call `stop`, in a thread, for every signal that stops; those held so far included."""
    hold()
    awaited = {number for number in STOPPING if not _meant_to_outlive_its_terminal(number)}
    Thread(target=_wait, args=(awaited, stop), name="signals", daemon=True).start()


def _wait(awaited: set[signal.Signals], stop: Callable[[], None]) -> None:
    while True:
        signal.sigwait(awaited)
        stop()


def _meant_to_outlive_its_terminal(number: signal.Signals) -> bool:
    # What nohup does. Background jobs of a shell ignore SIGINT too, but are asked to stop by it.
    return number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN
