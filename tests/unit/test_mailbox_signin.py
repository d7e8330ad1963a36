"""Signing in as servers want it, and what is said where they let nobody in."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest

from mailsync.errors import AccountError
from mailsync.mailbox.imap import ImapLogin, ImapSession
from mailsync.mailbox.refusals import login_refused
from tests.scripted_imap import ScriptedImap

TOKEN = "ya29.secret-token"
WORDS = {
    "OAUTHBEARER": "n,a={whose},\1host=127.0.0.1\1port={port}\1auth=Bearer ya29.secret-token\1\1",
    "XOAUTH2": "user={whose}\1auth=Bearer ya29.secret-token\1\1",
}


def by_token(server: ScriptedImap, user: str = "li.na@x.example", **more: str) -> ImapLogin:
    return replace(server.login, user=user, password="", token=lambda: TOKEN, **more)  # type: ignore[arg-type]


def refusal(login: ImapLogin) -> str:
    with pytest.raises(AccountError) as caught:
        ImapSession(login).connect()
    assert TOKEN not in str(caught.value) and TOKEN not in repr(login)
    return str(caught.value)


@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
@pytest.mark.parametrize("at_once", [True, False])
def test_a_token_is_said_as_its_mechanism_wants(mechanism: str, at_once: bool) -> None:
    offered = f"IMAP4rev1 AUTH=PLAIN AUTH={mechanism}{' SASL-IR' if at_once else ''}"
    with ScriptedImap(capabilities=offered) as server:
        login = by_token(server, authorization="shop=a,b@x.example")
        with ImapSession(login):
            words = server.heard[1:3]
        whose = "shop=3Da=2Cb@x.example" if mechanism == "OAUTHBEARER" else "shop=a,b@x.example"
        said = (words[0] if at_once else words[1]).split()[-1]
        assert words[0].split()[:2] == ["AUTHENTICATE", mechanism]
        assert base64.b64decode(said).decode() == WORDS[mechanism].format(whose=whose, port=login.port)


@pytest.mark.parametrize("mechanism, end", [("OAUTHBEARER", "AQ=="), ("XOAUTH2", "")])
@pytest.mark.parametrize("at_once", [" SASL-IR", ""])
def test_the_challenge_of_a_refused_token_is_answered(mechanism: str, end: str, at_once: str) -> None:
    told = base64.b64encode(json.dumps({"status": "invalid_token", "scope": "mail"}).encode())
    script = {"AUTHENTICATE": b"+ " + told + b"\r\nTAG NO sorry\r\n"}
    with ScriptedImap(script, capabilities=f"IMAP4rev1 AUTH={mechanism}{at_once}") as server:
        text = refusal(by_token(server))
        assert server.heard[-1] == f"(secret) {end}"
    assert "refused the token of li.na@x.example: sorry (invalid_token)" in text and "token_command" in text


@pytest.mark.parametrize("challenge", [b"no base64 at all", b"W10=", b"e30=", b""])
def test_any_other_challenge_ends_as_well(challenge: bytes) -> None:
    script = {"AUTHENTICATE": b"+ " + challenge + b"\r\nTAG NO [AUTHENTICATIONFAILED] no\r\n"}
    with ScriptedImap(script, capabilities="IMAP4rev1 SASL-IR AUTH=XOAUTH2 AUTH=PLAIN") as server:
        assert "refused the token" in refusal(by_token(server))
        assert "refused the login" in refusal(server.login)
        assert server.heard[-1] == "(secret) *"


def test_a_server_without_tokens_is_told_from_a_refusal() -> None:
    with ScriptedImap() as server:
        assert "no OAUTHBEARER, no XOAUTH2" in refusal(by_token(server))
        assert "AUTHENTICATE" not in server.verbs()


def test_without_a_token_nothing_is_opened() -> None:
    def none() -> str:
        raise AccountError("token_command failed")

    with ScriptedImap() as server:
        with pytest.raises(AccountError, match="token_command failed"):
            ImapSession(replace(server.login, token=none)).connect()
        assert server.heard == []


@pytest.mark.parametrize(
    "answer",
    [
        b"[UNAVAILABLE] Temporary authentication failure",
        b"[LIMIT] li.na geheim-word",
        b"[INUSE] locked",
        b"[ALERT] Too many simultaneous connections. (Failure)",
        b"Maximum number of connections from user+IP exceeded",
    ],
)
def test_a_busy_server_is_another_time_and_no_wrong_password(answer: bytes) -> None:
    with ScriptedImap({"AUTHENTICATE": b"TAG NO " + answer + b"\r\n"}) as server:
        text = refusal(server.login)
    assert "in at the moment" in text and "tried again at the next run" in text and "geheim" not in text


def test_a_busy_server_may_say_so_instead_of_a_greeting() -> None:
    with ScriptedImap(greeting=b"* BYE Too many connections from your address") as server:
        assert "moment: Too many connections from your address It is tried again" in refusal(server.login)


@pytest.mark.parametrize(
    "answer",
    [
        b"[AUTHENTICATIONFAILED] Too many wrong passwords",
        b"Login fail. Account is abnormal, password is incorrect, login frequency limited, or system is busy",
    ],
)
def test_a_wrong_password_stays_one(answer: bytes) -> None:
    with ScriptedImap({"AUTHENTICATE": b"TAG NO " + answer + b"\r\n"}) as server:
        assert "Check user name and password" in refusal(server.login)


def test_a_master_without_the_right_is_told_so() -> None:
    script = {"AUTHENTICATE": b"TAG NO [AUTHORIZATIONFAILED] no\r\n"}
    with ScriptedImap(script) as server:
        text = refusal(replace(server.login, user="master", authorization="li.na"))
    assert "not let master into the mailbox of li.na" in text


@pytest.mark.parametrize(
    "host, words",
    [
        ("imap.gmail.com", "myaccount.google.com/apppasswords"),
        ("outlook.office365.com", "token_command"),
        ("imap.mail.yahoo.com", "Generate app password"),
        ("imap.mail.me.com", "account.apple.com"),
        ("imap.qq.com", "授权码"),
        ("imap.exmail.qq.com", "客户端专用密码"),
        ("imap.163.com", "授权码"),
        ("imap.qiye.163.com", "授权码"),
        ("imap.yeah.net", "授权码"),
        ("mail.notgmail.com", "many providers want an app password"),
    ],
)
def test_known_providers_say_where_their_passwords_are_made(host: str, words: str) -> None:
    login = ImapLogin.of_url(f"imaps://{host}", user="li.na", password="geheim-word")
    text = str(login_refused(login, "LOGIN geheim-word failed"))
    assert words in text and host in text and "LOGIN *** failed" in text
