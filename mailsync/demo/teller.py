"""Typing mailsync's commands for the demo: each printed before its output, run as a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from mailsync.demo.throwaway import DemoError
from mailsync.demo.truth import Disagreement
from mailsync.text import N_, translator

LISTED = 12
DAEMON_ENDS_WITHIN = 15.0


@dataclass(frozen=True, kw_only=True)
class Teller:
    """Says things in the reader's language, runs commands, and remembers what went wrong."""

    config: Path
    language: str
    out: TextIO  #: a real file: the commands write to it as well
    program: tuple[str, ...] = (sys.executable, "-m", "mailsync")
    failures: list[str] = field(default_factory=list)

    def step(self, why: str, *words: str, ends: Sequence[int] = (0,)) -> None:
        """Run one command, its output as it is. `ends`: exit codes that are fine."""
        self.say(why)
        self.line(f"$ {self.typed(*words)}")
        answer = self._run(words, self.out)
        self._check_end(words, answer.returncode, ends)

    def results(self, why: str, *words: str, ends: Sequence[int] = (0,)) -> list[dict[str, Any]]:
        """A command's JSON lines; only how much they are is printed."""
        self.say(why)
        words = (*words, "--json")
        self.line(f"$ {self.typed(*words)}")
        answer = self._run(words, subprocess.PIPE)
        self._check_end(words, answer.returncode, ends)
        results = [json.loads(line) for line in answer.stdout.splitlines()]
        self.say(N_("({count} JSON objects, {size} kB)"), count=len(results), size=len(answer.stdout) // 1000)
        return results

    def run_until_interrupted(self, *words: str) -> None:
        """Run a command that does not end by itself, until Ctrl-C or SIGTERM; then end it in order."""
        self.line(f"$ {self.typed(*words)}")
        # Its own process group: Ctrl-C reaches us alone.
        daemon = subprocess.Popen(
            self._command(words), stdin=subprocess.DEVNULL, start_new_session=True, env=_environment()
        )
        try:
            self._check_end(words, daemon.wait(), (0,))
        except KeyboardInterrupt:
            self.say(N_("Ending."))
        finally:
            _end(daemon)

    def typed(self, *words: str) -> str:
        """The command as one would type it."""
        return shlex.join(["mailsync", "--config", str(self.config), *words])

    def fail(self, template: str, **fields: object) -> None:
        """Remember and say that something is not as it should be."""
        self.failures.append(translator(self.language)(template).format(**fields))
        self.line(f"✗ {self.failures[-1]}")

    def spell_out(self, differences: Sequence[Disagreement]) -> None:
        for one in differences[:LISTED]:
            self.line(f"    {one.what}: {one.expected} ≠ {one.said}")
        if len(differences) > LISTED:
            self.line(f"    … {len(differences) - LISTED}")

    def say(self, template: str, **fields: object) -> None:
        self.line("\n" + translator(self.language)(template).format(**fields))

    def line(self, text: str) -> None:
        self.out.write(text + "\n")
        self.out.flush()

    def _run(self, words: Sequence[str], out: TextIO | int) -> subprocess.CompletedProcess[bytes]:
        # Its own session: Ctrl-C reaches us alone, and the command ends without a word of its own.
        return subprocess.run(
            self._command(words),
            stdout=out,
            stdin=subprocess.DEVNULL,
            check=False,
            env=_environment(),
            start_new_session=True,
        )

    def _command(self, words: Sequence[str]) -> Sequence[str]:
        return [*self.program, "--config", str(self.config), *words]

    def _check_end(self, words: Sequence[str], code: int, ends: Sequence[int]) -> None:
        if code not in ends:
            self.fail(N_("`mailsync {command}` ended with {code}"), command=" ".join(words), code=code)
        if code == 1:
            raise DemoError(N_("The demo stops here: `mailsync {command}` failed"), command=" ".join(words))


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGTERM ends the demo as Ctrl-C does, so that servers and folders never stay behind."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    former = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


def _environment() -> dict[str, str]:
    """Without MAILSYNC_… variables: they would beat the demo's configuration and point to somebody's real database."""
    return {name: value for name, value in os.environ.items() if not name.upper().startswith("MAILSYNC_")}


def _end(daemon: subprocess.Popen[bytes]) -> None:
    """End the daemon in order, and what it left by its process group."""
    if daemon.poll() is None:
        daemon.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            daemon.wait(DAEMON_ENDS_WITHIN)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(daemon.pid, signal.SIGKILL)
    daemon.wait()
