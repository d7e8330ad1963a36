"""The sample world as a whole: a trading company's registry, mail and address books, with the truth about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mailsync.demo import cardbooks
from mailsync.demo.books import BuiltInBooks
from mailsync.demo.company import OWN_DOMAIN, REPS, write_registry
from mailsync.demo.conversations import Everyday
from mailsync.demo.desk import SENT, Desk
from mailsync.demo.oddities import Oddities
from mailsync.demo.scenes import Scenes
from mailsync.demo.seeding import SeedMessage, seed_book, seed_mail
from mailsync.demo.servers import Dovecot
from mailsync.demo.subjects import SubjectWriter
from mailsync.demo.truth import Truth

SEED = 20240420
PASSWORDS = {rep.name: f"{rep.name}-demo" for rep in REPS}
#: The mailboxes of the demo's mail server. The old Sent mailbox has only its name, no special use.
MAILBOXES = {SENT: "\\Sent", "已发送": "", "Drafts": "\\Drafts", "Junk": "\\Junk", "Trash": "\\Trash"}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is laid into the servers, and what is true about it."""

    now: datetime
    mail: dict[str, list[SeedMessage]]  #: by account
    books: tuple[cardbooks.SampleBook, ...]
    truth: Truth

    def seed(self, dovecot: Dovecot, books: BuiltInBooks) -> None:
        """Lay mail and cards into the servers."""
        for account, messages in self.mail.items():
            seed_mail(dovecot, account, messages)
        for book in self.books:
            seed_book(books, book.user, book.name, book.cards)

    def write_files(self, folder: Path, dovecot: Dovecot, books: BuiltInBooks, *, language: str) -> Path:
        """Write registry, secrets and configuration into `folder`; answers the configuration file."""
        write_registry(folder / "registry")
        secrets = folder / "secrets"
        secrets.mkdir(mode=0o700, exist_ok=True)
        for name, password in PASSWORDS.items():
            (secrets / name).write_text(password + "\n")
        path = folder / "mailsync.toml"
        path.write_text(_configuration(dovecot, books, language), encoding="utf-8")
        return path


def build(now: datetime, seed: int = SEED) -> World:
    """Make the world as it stands at `now` (aware). The same `now` and `seed` make the same world, byte for byte."""
    desk = Desk(now, seed)
    Everyday(desk=desk, subjects=SubjectWriter(desk.rng)).write()
    Oddities(desk=desk).write()
    Scenes(desk=desk).write()
    books = tuple(cardbooks.books())
    truth = Truth(messages=desk.truths(), cards=tuple(card for book in books for card in book.truths))
    return World(now=desk.now, mail=desk.seeds(), books=books, truth=truth)


def servers(folder: Path) -> tuple[Dovecot, BuiltInBooks]:
    """The demo's two servers, not yet started, below `folder`."""
    places = [folder / "dovecot", folder / "address-books"]
    for place in places:
        place.mkdir()
    return Dovecot(places[0], PASSWORDS, special_use_names=MAILBOXES), BuiltInBooks(places[1], PASSWORDS)


def _configuration(dovecot: Dovecot, books: BuiltInBooks, language: str) -> str:
    accounts = "".join(
        f"""
[[accounts]]
name = "{rep.name}"
address = "{rep.address}"
aliases = ["sales@{OWN_DOMAIN}"]
imap = {{ url = "{dovecot.url()}", user = "{rep.name}", password_file = "secrets/{rep.name}" }}

[[accounts.books]]
url = "{books.url(rep.name, "contacts")}"
user = "{rep.name}"
password_file = "secrets/{rep.name}"
scope = "owner:{rep.address}"
"""
        for rep in REPS
    )
    return f"""\
# The demo's configuration: three reps and one company book. Nothing is confirmed yet.
database = "sqlite:///mailsync.db"
state_dir = "state"
language = "{language}"
timezone = "Asia/Shanghai"
own_domains = ["{OWN_DOMAIN}"]

[registry]
source = "registry/"
{accounts}
[server]
enabled = true
port = {books.port}
data_dir = "{books.server.folder}"
confirmed = false
"""
