"""Logging in to a real server: certificates, STARTTLS, the master user, a wrong password."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailsync.demo.servers import MASTER_PASSWORD
from mailsync.errors import AccountError
from mailsync.mailbox.imap import ImapLogin, ImapSession
from tests.conftest import MailUser


def tls(user: MailUser, **more: object) -> ImapLogin:
    login = ImapLogin.of_url(
        user.server.url(tls=True), user=user.name, password=user.password, ca_file=user.server.ca_file
    )
    return replace(login, **more)  # type: ignore[arg-type]


def refusal(login: ImapLogin) -> str:
    with pytest.raises(AccountError) as caught:
        ImapSession(login).connect()
    assert login.password not in str(caught.value)
    return str(caught.value)


def test_a_known_certificate_is_enough(mail_user: MailUser) -> None:
    with ImapSession(tls(mail_user)) as session:
        assert session.state("INBOX") is not None


def test_a_self_signed_certificate_is_refused(mail_user: MailUser) -> None:
    text = refusal(tls(mail_user, ca_file=None))
    assert "no known authority" in text and "ca_file" in text and "nothing was sent" in text


def test_a_certificate_for_another_name_is_refused(mail_user: MailUser) -> None:
    # A way to write 127.0.0.1 that the certificate does not name.
    text = refusal(tls(mail_user, host="127.1"))
    assert "another name than 127.1" in text


def test_starttls_is_verified_as_well(mail_user: MailUser) -> None:
    login = tls(mail_user, host="localhost", port=mail_user.server.port, security="starttls")
    with ImapSession(login) as session:
        assert session.state("INBOX") is not None
    assert "no known authority" in refusal(replace(login, ca_file=None))


def test_tls_on_a_plain_port_says_so(mail_user: MailUser) -> None:
    assert "does not speak TLS" in refusal(tls(mail_user, port=mail_user.server.port))


def test_a_wrong_password_names_server_and_user(mail_user: MailUser) -> None:
    text = refusal(tls(mail_user, password="not-the-word"))
    assert "refused the login" in text and mail_user.name in text and str(mail_user.server.tls_port) in text


@pytest.mark.parametrize("as_identity", [True, False])
def test_a_master_opens_anybodys_mail(mail_user: MailUser, as_identity: bool) -> None:
    login = tls(mail_user, password=MASTER_PASSWORD)
    if as_identity:
        login = replace(login, user="master", authorization=mail_user.name)
    else:
        login = replace(login, user=mail_user.server.master_user(mail_user.name))
    with ImapSession(login) as session:
        session.create(["D12"])
    with ImapSession(tls(mail_user)) as session:
        assert session.state("D12") is not None


def test_an_unknown_host_and_a_closed_port(mail_user: MailUser) -> None:
    assert "no server named no.such.invalid" in refusal(tls(mail_user, host="no.such.invalid"))
    assert "Nothing answers" in refusal(tls(mail_user, port=1))
