"""Signing in to a real Dovecot by OAuth2 tokens, and meeting its limit of connections."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from mailsync import config
from mailsync.cli import settings
from mailsync.demo.servers import MASTER_PASSWORD
from mailsync.demo.throwaway import throwaway_folder
from mailsync.errors import AccountError
from mailsync.mailbox.imap import ImapLogin, ImapSession
from mailsync.tidy.servers import imap_session
from tests.conftest import MailUser
from tests.servers.token_dovecot import TokenDovecot, token

USERS = {"u1": "pass-word", "u2": "pass-word"}


@pytest.fixture(scope="module", params=["XOAUTH2", "OAUTHBEARER"])
def server(request: pytest.FixtureRequest) -> Iterator[TokenDovecot]:
    with throwaway_folder() as folder, TokenDovecot(folder, USERS, request.param) as running:
        yield running


def login(server: TokenDovecot, *tokens: str) -> ImapLogin:
    """One that has these tokens, one after the other."""
    waiting = iter(tokens)
    return ImapLogin.of_url(server.url(), user="u1", password="", token=lambda: next(waiting))


def test_a_token_opens_the_mailbox_and_is_asked_for_anew_each_time(server: TokenDovecot) -> None:
    session = ImapSession(login(server, token("u1"), token("u1", seconds=1800)))
    for _ in range(2):
        with session:
            assert session.state("INBOX") is not None


@pytest.mark.parametrize(
    "bad",
    [token("u1", seconds=-60), token("u1", key=b"another key"), token("u2"), "gibberish"],
    ids=["expired", "forged", "of-somebody-else", "gibberish"],
)
def test_a_token_that_is_not_good_is_a_refused_login(server: TokenDovecot, bad: str) -> None:
    with pytest.raises(AccountError) as caught:
        ImapSession(login(server, bad)).connect()
    text = str(caught.value)
    assert "refused the token of u1" in text and "token_command" in text and bad not in text


def test_beyond_the_limit_of_connections_it_is_another_time(server: TokenDovecot) -> None:
    by_password = ImapLogin.of_url(server.url(), user="u2", password="pass-word")
    with ExitStack() as stack:
        for _ in range(server.most):
            stack.enter_context(ImapSession(by_password))
        with pytest.raises(AccountError, match=r"in at the moment.*Maximum number of connections"):
            ImapSession(by_password).connect()


def configured(folder: Path, url: str, keys: str) -> ImapSession:
    """The session of an account as the configuration has it."""
    file = folder / "mailsync.toml"
    file.write_text(
        f'[[accounts]]\nname = "li.na"\naddress = "li.na@x.example"\nimap = {{ url = "{url}", {keys} }}\n'
    )
    (account,) = settings.accounts(config.load(file))
    assert account.mail is not None
    return imap_session(account.mail)


def test_the_configuration_names_a_token_command(server: TokenDovecot, tmp_path: Path) -> None:
    with configured(tmp_path, server.url(), f'user = "u1", token_command = "echo {token("u1")}"') as session:
        assert session.state("INBOX") is not None


def test_the_configuration_names_a_master(mail_user: MailUser, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(MASTER_PASSWORD)
    keys = f'user = "master", authorization = "{mail_user.name}", password_file = "secret"'
    with configured(tmp_path, mail_user.url, keys) as session:
        session.create(["D12"])
    with ImapSession(
        ImapLogin.of_url(mail_user.url, user=mail_user.name, password=mail_user.password)
    ) as own:
        assert own.state("D12") is not None
