"""Why a mail server let nobody in, in words that say what to do: for known providers, where their passwords are made."""

from __future__ import annotations

import re

from mailsync.errors import AccountError
from mailsync.mailbox.login import ImapLogin, harmless
from mailsync.text import N_

#: Response codes (RFC 5530, RFC 9051) of a server that would let this person in at another time.
_BUSY_CODES = frozenset({"UNAVAILABLE", "LIMIT", "INUSE"})
#: Codes that do not say why.
_IN_WORDS = frozenset({"ALERT", "CAPABILITY", "NO", "BYE"})
#: What servers and providers say in words when there are too many connections or logins.
_BUSY = re.compile(
    r"too many|maximum (number|connections)|simultaneous|connection limit|rate limit|exceed|try again later"
    r"|temporar(y|ily)|频繁|过多|稍后",
    re.I,
)
_CODE = re.compile(r"\[([A-Z0-9-]+)[^\]]*\]")

#: By the end of the host name.
_PROVIDERS: dict[tuple[str, ...], str] = {
    ("gmail.com", "googlemail.com"): N_(
        "{server} refused the login of {user}: {answer} Gmail takes no account password here. Switch on 2-step"
        " verification, make an app password at https://myaccount.google.com/apppasswords and give that one,"
        " or sign in by token_command."
    ),
    ("outlook.com", "office365.com", "office365.cn", "partner.outlook.cn", "hotmail.com"): N_(
        "{server} refused the login of {user}: {answer} Microsoft takes no passwords over IMAP any more:"
        " sign in by token_command, and see that IMAP is switched on for this mailbox."
    ),
    ("yahoo.com", "aol.com", "yahoo.co.jp"): N_(
        "{server} refused the login of {user}: {answer} Yahoo takes no account password here. Make an app password"
        " (Account info, Security, Generate app password) and give that one."
    ),
    ("mail.me.com", "icloud.com"): N_(
        "{server} refused the login of {user}: {answer} iCloud takes no account password here. Make an app-specific"
        " password at https://account.apple.com (Sign-In and Security) and give that one."
    ),
    ("qq.com", "foxmail.com"): N_(
        "{server} refused the login of {user}: {answer} Tencent takes no account password here. Open the mailbox in"
        " a browser, Settings (设置), Account (账户), switch on IMAP and give the authorisation code (授权码) made there;"
        " in company mail it is the client password (客户端专用密码)."
    ),
    ("163.com", "126.com", "yeah.net", "188.com", "vip.163.com", "netease.com"): N_(
        "{server} refused the login of {user}: {answer} NetEase takes no account password here. Open the mailbox in"
        " a browser, Settings (设置), POP3/SMTP/IMAP, switch on IMAP and give the authorisation code (授权码) made there."
    ),
}

_BUSY_NOW = N_(
    "{server} does not let {user} in at the moment: {answer} It is tried again at the next run. If this goes on,"
    " close other mail programs of this mailbox, or have the server's connection limit raised."
)
_ANY = N_(
    "{server} refused the login of {user}: {answer} Check user name and password"
    " (many providers want an app password or authorisation code, and IMAP switched on in their settings)."
)


def login_refused(login: ImapLogin, answer: str) -> AccountError:
    """The error for a login that was answered with `answer`."""
    return AccountError(
        _template(login, answer),
        server=login.server,
        user=login.user,
        authorization=login.authorization,
        answer=harmless(login, answer),
    )


def account_closed(login: ImapLogin, answer: str) -> AccountError:
    """The error for a login that was let in, and then not shown its mailboxes. Microsoft does so to a token that is not
    for this mailbox, and to a mailbox without IMAP ("User is authenticated but not connected")."""
    template = N_(
        "{server} lets {user} in, but shows no folders: {answer} See that {user} is the name of this mailbox, that IMAP"
        " is switched on for it, and that a token of token_command allows IMAP."
    )
    return AccountError(
        _BUSY_NOW if is_busy(answer) else template,
        server=login.server,
        user=login.user,
        answer=harmless(login, answer),
    )


def is_busy(answer: str) -> bool:
    """Whether a server that says this would let the person in at another time."""
    code = _CODE.search(answer)
    if code is not None and code[1] not in _IN_WORDS:
        return code[1] in _BUSY_CODES
    return _BUSY.search(answer) is not None


def _template(login: ImapLogin, answer: str) -> str:
    if is_busy(answer):
        return _BUSY_NOW
    if login.authorization and "AUTHORIZATIONFAILED" in answer:
        return N_(
            "{server} does not let {user} into the mailbox of {authorization}: {answer}"
            " Have the administrator give this login the right to it."
        )
    if login.token is not None:
        return N_(
            "{server} refused the token of {user}: {answer} Run token_command by hand: the token must be valid,"
            " for this mailbox, and allow IMAP."
        )
    return next((text for ends, text in _PROVIDERS.items() if _belongs(login.host, ends)), _ANY)


def _belongs(host: str, ends: tuple[str, ...]) -> bool:
    return any(f".{host.lower()}".endswith(f".{end}") for end in ends)
