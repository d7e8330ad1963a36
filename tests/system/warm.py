"""Commands that start warm: one process has imported mailsync and forks for each command.

Most of a short command's time is Python importing libraries (1 to 2 s here), and the tests of this folder type some
hundreds of commands. Each command still is a process of its own that goes through `mailsync.__main__` with its own
arguments, environment, output and exit code. `Company.start` starts `python -m mailsync` itself.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).parents[2]


class Starter:
    """The process that forks; ends when its input does."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.system.warm"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # else a second line that came with the first would wait unseen by `select`
            cwd=ROOT,
        )

    def run(
        self, arguments: list[str], environment: Mapping[str, str], *, seconds: float
    ) -> tuple[int, str, str]:
        """Exit code, standard output and standard error of one command, which is killed after so many seconds."""
        with tempfile.TemporaryDirectory(prefix="mailsync-typed-") as folder:
            asked = {
                "arguments": arguments,
                "environment": dict(environment),
                "folder": folder,
                "cwd": str(Path.cwd()),
            }
            stdin = self._process.stdin
            assert stdin is not None
            stdin.write(json.dumps(asked).encode() + b"\n")
            pid = self._answer(60)
            try:
                code = self._answer(seconds)
            except subprocess.TimeoutExpired:
                os.kill(pid, signal.SIGKILL)
                self._answer(60)
                raise
            out, err = (Path(folder, name).read_text("utf-8") for name in ("out", "err"))
        return code, out, err

    def close(self) -> None:
        self._process.communicate(timeout=60)

    def _answer(self, seconds: float) -> int:
        stdout = self._process.stdout
        assert stdout is not None
        if not select.select([stdout], [], [], seconds)[0]:
            raise subprocess.TimeoutExpired("mailsync", seconds)
        return int(stdout.readline())


@functools.cache
def starter() -> Starter:
    """The one of this test process."""
    made = Starter()
    atexit.register(made.close)
    return made


def _command(asked: dict[str, object]) -> NoReturn:
    """Become the command; in the forked process."""
    from mailsync.__main__ import main

    code = 1
    try:
        for number, name in ((0, os.devnull), (1, f"{asked['folder']}/out"), (2, f"{asked['folder']}/err")):
            opened = os.open(name, os.O_RDWR | os.O_CREAT, 0o600)
            os.dup2(opened, number)
            os.close(opened)
        os.chdir(str(asked["cwd"]))
        os.environ.clear()
        os.environ.update(asked["environment"])  # type: ignore[call-overload]
        time.tzset()
        sys.argv = ["mailsync", *asked["arguments"]]  # type: ignore[misc]
        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def serve() -> None:
    """Fork for each line of standard input; answer the process id, then the exit code."""
    import mailsync.cli.main
    import mailsync.lookup
    import mailsync.tidy.running  # noqa: F401

    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            answers.close()
            _command(asked)
        answers.write(f"{pid}\n".encode())
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        answers.write(f"{code}\n".encode())


if __name__ == "__main__":
    serve()
