"""The teller types commands, shows them, and takes note of every end that is not as expected."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailsync.demo.teller import Teller, ended_by_signals
from mailsync.demo.throwaway import DemoError
from mailsync.demo.truth import Disagreement

#: Stands where mailsync would: prints its arguments, or one JSON object, and ends with the code it is told.
PROGRAM = """
import os, sys
words = sys.argv[3:]
if "--json" in words:
    print('{"run": "r1"}')
else:
    print("typed", *words, os.environ.get("MAILSYNC_DATABASE", "-"))
sys.exit(int(words[1]) if len(words) > 1 and words[1].isdigit() else 0)
"""


class _Told:
    """A teller that writes into a file."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "told.txt"
        self.out = self.path.open("w", encoding="utf-8")
        self.teller = Teller(
            config=Path("demo.toml"), language="en", out=self.out, program=(sys.executable, "-c", PROGRAM)
        )

    @property
    def text(self) -> str:
        self.out.flush()
        return self.path.read_text(encoding="utf-8")


@pytest.fixture
def told(tmp_path: Path) -> Iterator[_Told]:
    made = _Told(tmp_path)
    yield made
    made.out.close()


def test_a_step_shows_the_command_before_its_output(told: _Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILSYNC_DATABASE", "postgresql://real/one")
    told.teller.step("Now.", "who", "D12")
    # The environment of the person who runs the demo never reaches it.
    assert told.text == "\nNow.\n$ mailsync --config demo.toml who D12\ntyped who D12 -\n"
    assert not told.teller.failures


def test_unexpected_ends_are_failures(told: _Told) -> None:
    told.teller.step("Fine.", "plan", "20", ends=(0, 20))
    told.teller.step("Bad.", "tidy", "12")
    assert told.teller.failures == ["`mailsync tidy 12` ended with 12"]
    with pytest.raises(DemoError, match="tidy 1` failed"):
        told.teller.step("Broken.", "tidy", "1")


def test_results_are_read_as_json_lines(told: _Told) -> None:
    assert told.teller.results("Read.", "journal") == [{"run": "r1"}]
    assert "$ mailsync --config demo.toml journal --json" in told.text


def test_a_daemon_that_ends_badly_by_itself_is_a_failure(told: _Told) -> None:
    told.teller.run_until_interrupted("run", "30")
    assert told.teller.failures == ["`mailsync run 30` ended with 30"]


def test_long_lists_are_cut(told: _Told) -> None:
    told.teller.spell_out([Disagreement(what=f"m{n}", expected="D12", said="E05") for n in range(15)])
    assert told.text.splitlines()[0] == "    m0: D12 ≠ E05" and told.text.endswith("… 3\n")


def test_sigterm_ends_the_demo_as_ctrl_c_does() -> None:
    with pytest.raises(KeyboardInterrupt), ended_by_signals():
        os.kill(os.getpid(), 15)
