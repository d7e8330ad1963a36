"""What a session cost: counted by the session itself, the same on every machine. Pure."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(slots=True, kw_only=True)
class Traffic:
    """Counters of one session since they were last taken, over all its connections, logins among them."""

    connections: int = 0
    commands: int = 0
    turns: int = 0  #: writes that followed on a read: each waits for one round trip
    bytes_up: int = 0  #: of IMAP, before TLS
    bytes_down: int = 0
    rows: int = 0  #: messages whose headers were read
    _listening: bool = True  # the greeting is the server's turn

    def sent(self, size: int) -> None:
        """One write of `size` bytes."""
        self.bytes_up += size
        self.turns += self._listening
        self._listening = False

    def heard(self, size: int) -> None:
        """One read of `size` bytes."""
        self.bytes_down += size
        self._listening = True

    def take(self) -> dict[str, int]:
        """The counters by name; they begin anew."""
        names = [one.name for one in fields(self) if not one.name.startswith("_")]
        taken = {name: getattr(self, name) for name in names}
        for name in names:
            setattr(self, name, 0)
        return taken
