"""One hardened HTTP session to one DAV server: one origin, a total deadline, a size cap, no silent redirects.

httpx speaks HTTP; the sockets below it get a deadline for the whole request, since its own timeouts start anew with
every byte a slow server sends.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpcore
import httpx

from mailsync.errors import AccountError, CollectionError
from mailsync.text import N_

TRIES = 5  #: for answers that ask to come again
LONGEST_WAIT = 60.0  #: seconds, of one wait
SOON = 0.25  #: seconds, when the only one in our way is our own other write
BUSY = (429, 503)
LOCKED = 423
MOST_CONNECTIONS = 8  #: at once, from one session
QUESTIONS = frozenset(("GET", "OPTIONS", "PROPFIND", "REPORT"))


@dataclass(frozen=True, slots=True, kw_only=True)
class DavLogin:
    """Where a DAV server is and how it is entered."""

    url: str
    user: str
    password: str
    ca_file: Path | None = None
    insecure: bool = False  #: allow plain http to other hosts than this machine
    connect_seconds: float = 10.0
    idle_seconds: float = 120.0  #: a large book's first sync-token takes a server this long
    total_seconds: float = 300.0
    most_bytes: int = 64 * 1024 * 1024  #: of one answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole HTTP answer. `headers` by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


class AnswerTooLarge(CollectionError):
    """The answer outgrew the cap; asking for fewer cards may help."""


class Session:
    """Requests to one origin, from any number of threads. Raises `AccountError` for logins, TLS and servers away,
    `CollectionError` for answers that make no sense."""

    def __init__(
        self,
        login: DavLogin,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._login = login
        self.user = login.user
        self._clock = clock
        self._sleep = sleep
        self.base = httpx.URL(login.url)
        self._refuse_base()
        self._deadline = _Deadline(clock)
        self._one_writer = threading.Lock()
        self.was_locked = False  #: a write was answered “locked” (HTTP 423) because another one was under way
        self._auth: httpx.Auth = httpx.BasicAuth(login.user, login.password)
        self._client = httpx.Client(
            transport=_Transport(_tls(login), self._deadline),
            timeout=httpx.Timeout(login.idle_seconds, connect=login.connect_seconds),
            follow_redirects=False,
            trust_env=False,
            headers={"User-Agent": "mailsync", "Accept-Encoding": "gzip"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    def ours(self, url: str) -> bool:
        """Whether `url` lies on the origin the login belongs to."""
        return _origin(self.base.join(url)) == _origin(self.base)

    def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        again_when: Iterable[int] = BUSY,
    ) -> Answer:
        """One request, repeated while the server answers one of `again_when`. The answer may be any other status but
        401."""
        again = tuple(again_when)
        for attempt in range(1, TRIES + 1):
            with self._turn(method):
                answer = self._once(method, url, body, headers or {})
            in_our_own_way = answer.status == LOCKED and not self.was_locked
            self.was_locked = self.was_locked or answer.status == LOCKED
            if answer.status not in again:
                return answer
            wait = SOON if in_our_own_way else _wait(answer, attempt)
            if attempt < TRIES and wait <= LONGEST_WAIT:
                self._sleep(wait)
            else:
                break
        if answer.status in BUSY:
            raise AccountError(
                N_("{url} is busy (HTTP {status}) and stayed so: the next run tries again"),
                url=answer.url,
                status=answer.status,
            )
        return answer

    def _turn(self, method: str) -> AbstractContextManager[object]:
        """Once a server was seen to lock, writes go over one after the other, from however many threads."""
        if self.was_locked and method not in QUESTIONS:
            return self._one_writer
        return nullcontext()

    def _once(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        target = self.base.join(url)
        if _origin(target) != _origin(self.base):
            raise CollectionError(
                N_("{url} lies on another server than {base}: the login is not sent there"),
                url=target,
                base=_origin_text(self.base),
            )
        answer = self._send(method, target, body, headers)
        if answer.status == 401 and _wants_digest(answer) and isinstance(self._auth, httpx.BasicAuth):
            self._auth = httpx.DigestAuth(self._login.user, self._login.password)
            answer = self._send(method, target, body, headers)
        if answer.status == 401:
            raise AccountError(
                N_("{url} refused the login of {user} (HTTP 401): check user and password"),
                url=_origin_text(self.base),
                user=self._login.user,
            )
        return answer

    def _send(self, method: str, target: httpx.URL, body: bytes, headers: Mapping[str, str]) -> Answer:
        try:
            return self._attempt(method, target, body, headers)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
            # A kept connection that the server closed meanwhile; a question may simply be asked again.
            if method not in QUESTIONS:
                raise self._away(error, target) from error
        try:
            return self._attempt(method, target, body, headers)
        except httpx.TransportError as error:
            raise self._away(error, target) from error

    def _attempt(self, method: str, target: httpx.URL, body: bytes, headers: Mapping[str, str]) -> Answer:
        self._deadline.start(self._login.total_seconds)
        try:
            with self._client.stream(
                method, target, content=body or None, headers=dict(headers), auth=self._auth
            ) as response:
                return Answer(
                    status=response.status_code,
                    headers={name.lower(): value for name, value in response.headers.items()},
                    body=self._read(response, target),
                    url=str(target),
                )
        except httpx.TimeoutException as error:
            raise AccountError(
                N_("{url} did not answer in time: is the server up, is the address right?"), url=target
            ) from error
        except httpx.ConnectError as error:
            raise self._away(error, target) from error
        except httpx.DecodingError as error:
            raise CollectionError(
                N_("{url} sent a damaged answer: {reason}"), url=target, reason=error
            ) from error

    def _read(self, response: httpx.Response, target: httpx.URL) -> bytes:
        pieces, size = [], 0
        for piece in response.iter_bytes():
            size += len(piece)
            if size > self._login.most_bytes:
                raise AnswerTooLarge(
                    N_("{url} sent more than {most} bytes in one answer; it was cut off"),
                    url=target,
                    most=self._login.most_bytes,
                )
            pieces.append(piece)
        return b"".join(pieces)

    def _away(self, error: httpx.TransportError, target: httpx.URL) -> AccountError:
        reason = str(error)
        if "self-signed" in reason or "self signed" in reason:
            return AccountError(
                N_(
                    "{url} shows a self-signed certificate: put it (or its CA) into a file and name it as ca_file"
                ),
                url=_origin_text(target),
            )
        if "CERTIFICATE_VERIFY_FAILED" in reason or "certificate" in reason.lower():
            return AccountError(
                N_(
                    "the certificate of {url} cannot be trusted ({reason}): renew it, or name its CA as ca_file"
                ),
                url=_origin_text(target),
                reason=reason,
            )
        return AccountError(
            N_("{url} cannot be reached ({reason}): is the server up, is the address right?"),
            url=_origin_text(target),
            reason=reason or type(error).__name__,
        )

    def _refuse_base(self) -> None:
        scheme, host, _ = _origin(self.base)
        if scheme not in ("http", "https") or not host:
            raise CollectionError(N_("{url} is no http or https URL"), url=self._login.url)
        if scheme == "http" and not self._login.insecure and not _is_loopback(host):
            raise AccountError(
                N_("{url} would send the password unencrypted: use https (or allow it with insecure = true)"),
                url=self._login.url,
            )


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    port = url.port or {"http": 80, "https": 443}.get(url.scheme, 0)
    return url.scheme, url.host, port


def _origin_text(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _wants_digest(answer: Answer) -> bool:
    offers = answer.headers.get("www-authenticate", "").lower()
    return "digest" in offers and "basic" not in offers


def _wait(answer: Answer, attempt: int) -> float:
    """Seconds to wait: what Retry-After asks (RFC 9110 10.2.3), else twice as long each time."""
    asked = answer.headers.get("retry-after", "").strip()
    if asked.isdecimal():
        return float(asked)
    try:
        # A date is one by the server's own clock.
        until = parsedate_to_datetime(asked) - parsedate_to_datetime(answer.headers.get("date", ""))
    except (TypeError, ValueError):
        return 0.5 * 2.0**attempt
    return max(0.0, until.total_seconds())


def _tls(login: DavLogin) -> ssl.SSLContext:
    if login.url.startswith("http:"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used; it would trust nobody
    context = ssl.create_default_context()
    if login.ca_file is not None:
        try:
            context.load_verify_locations(cafile=login.ca_file)
        except OSError as error:
            raise AccountError(
                N_("the CA file {path} cannot be read: {reason}"), path=login.ca_file, reason=error
            ) from error
    return context


# ----- the deadline below httpx


class _Deadline(threading.local):
    """When the request under way must be over; each thread has its own."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._at = 0.0

    def start(self, seconds: float) -> None:
        self._at = self._clock() + seconds

    def within(self, timeout: float | None) -> float:
        """The smaller of `timeout` and what is left. Raises when nothing is, however fast bytes still come."""
        left = self._at - self._clock()
        if left <= 0:
            raise httpcore.ReadTimeout("the whole request took too long")
        return left if timeout is None else min(timeout, left)


class _Stream(httpcore.NetworkStream):
    """A socket whose every wait ends with the request's deadline."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.within(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.within(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._deadline.within(timeout))
        return _Stream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.SyncBackend):
    def __init__(self, deadline: _Deadline) -> None:
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        stream = super().connect_tcp(
            host, port, self._deadline.within(timeout), local_address, socket_options
        )
        return _Stream(stream, self._deadline)


class _Transport(httpx.HTTPTransport):
    """httpx's own transport with the pool's sockets under a deadline."""

    def __init__(self, context: ssl.SSLContext, deadline: _Deadline) -> None:
        super().__init__(verify=context, trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=MOST_CONNECTIONS,
            retries=0,
            network_backend=_Backend(deadline),
        )
