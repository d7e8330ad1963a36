"""`mailsync check` on the mail server: what it is, what it can do, what its folders are for and by which evidence."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailsync.mailbox.imap import ImapLogin, ImapSession
from tests.conftest import BookUser, MailUser
from tests.system.company import Company


@pytest.fixture
def company(tmp_path: Path, dotted_mail_user: MailUser, book_user: BookUser) -> Company:
    return Company.found(tmp_path, dotted_mail_user, book_user, letters=0)


def test_it_says_what_the_server_is_and_how_it_decided(company: Company) -> None:
    user = company.mail
    with ImapSession(ImapLogin.of_url(user.url, user=user.name, password=user.password)) as session:
        assert session.create(["INBOX.已发送", "INBOX.Elsewhere"]) == {}
    config = company.config.read_text()
    company.config.write_text(config + '[accounts.mailboxes]\nsent = ["INBOX.Elsewhere"]\n')
    told = " ".join(company.run("check").out.split())
    assert "separator “.”, prefix “INBOX.” (Dovecot)" in told
    assert "Messages are moved with MOVE" in told
    for folder in (
        "INBOX.Sent (as the server says)",
        "INBOX.已发送 (by its name)",
        "INBOX.Elsewhere (as configured)",
    ):
        assert folder in told
    assert "Folder for junk: INBOX.Junk (as the server says)" in told


@pytest.mark.parametrize(
    ("mode", "words"), [("copy", "copied with COPY"), ("report-only", "the filing mode is report-only")]
)
def test_it_says_how_messages_will_be_filed(company: Company, mode: str, words: str) -> None:
    company.configure(more=f'language = "en"\n[defaults.filing]\nmode = "{mode}"')
    assert words in " ".join(company.run("check").out.split())
