"""CardDAV servers that fail, lie or attack: a clear error each time, and nothing is taken from them."""

from __future__ import annotations

import gzip
import itertools
import ssl
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mailsync.addressbook.book import Book
from mailsync.addressbook.carddav import CardDavClient
from mailsync.addressbook.profile import Profile
from mailsync.addressbook.transport import AnswerTooLarge, DavLogin
from mailsync.errors import AccountError, CollectionError, ItemError, MailsyncError
from mailsync.run.ports import PreconditionFailed

BOOK = "/li.na/contacts/"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the server answers: a status, headers, a body."""

    status: int = 207
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the server was asked."""

    method: str
    path: str
    headers: dict[str, str]


class _QuietServer(ThreadingHTTPServer):
    """Clients that hang up are what is tested here."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Tests print nothing."""


class Scripted:
    """A server on loopback that answers each request from a list; the last reply is repeated."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.requests: list[Request] = []
        script = self

        class _Answering(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                script.requests.append(
                    Request(method=self.command, path=self.path, headers=dict(self.headers.items()))
                )
                reply = script.replies.pop(0) if len(script.replies) > 1 else script.replies[0]
                if "Date" in reply.headers:
                    self.send_response_only(reply.status)
                else:
                    self.send_response(reply.status)
                for name, value in ({"Content-Length": str(len(reply.body))} | reply.headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)

            do_GET = do_PUT = do_DELETE = do_PROPFIND = do_REPORT = answer

            def log_message(self, *_arguments: object) -> None:
                """Tests print nothing."""

        self._server = _QuietServer(("127.0.0.1", 0), _Answering)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def encrypt(self, context: ssl.SSLContext) -> None:
        """Speak TLS from now on."""
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )

    def __enter__(self) -> Scripted:
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def still() -> float:
    """A clock that stands."""
    return 0.0


def client(
    url: str, *, clock: Callable[[], float] = still, most: int = 1 << 20, naps: list[float] | None = None
) -> CardDavClient:
    login = DavLogin(url=url, user="li.na", password="pass-word", most_bytes=most)
    return CardDavClient(login, clock=clock, sleep=(naps if naps is not None else []).append)


def plain_book(dav: CardDavClient) -> Book:
    """A book on a server that is known to show cards as they are."""
    book = dav.book(BOOK)
    book.profile = Profile(converts=False)
    return book


def listing(*hrefs: str, end: str = "</d:multistatus>", head: str = "", token: str = "t1") -> bytes:
    members = "".join(
        f'<d:response><d:href>{href}</d:href><d:propstat><d:prop><d:getetag>"1"</d:getetag></d:prop>'
        "<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
        for href in (BOOK, *hrefs)
    )
    return (
        f'<?xml version="1.0"?>{head}<d:multistatus xmlns:d="DAV:">{members}'
        f"<d:sync-token>{token}</d:sync-token>{end}"
    ).encode()


BOMB = '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=listing("/li.na/contacts/a.vcf", end="")),
        Reply(body=listing("/li.na/contacts/a.vcf")[:-40]),
        Reply(body=b""),
        Reply(status=200, body=b"<html>Log in</html>", headers={"Content-Type": "text/html"}),
        Reply(body=b"<html><body>Log in</body></html>"),
        Reply(status=204),
        Reply(status=404),
        Reply(status=403),
        Reply(status=302, headers={"Location": "/elsewhere/"}),
        Reply(body=listing(head=BOMB)),
        Reply(body=listing(head='<!DOCTYPE d SYSTEM "file:///etc/passwd">')),
        Reply(body=b"<d:multistatus xmlns:d='DAV:'>" + b"<a>" * 5000),
        Reply(body=b"\x1f\x8b not gzip", headers={"Content-Encoding": "gzip"}),
        Reply(body=b'<d:multistatus xmlns:d="DAV:"></d:multistatus>'),
    ],
    ids=[
        *("half", "cut", "empty", "page", "page as 207", "no content", "gone", "forbidden", "redirect"),
        *("bomb", "external entity", "deep", "not gzip", "no members"),
    ],
)
def test_an_answer_that_is_no_listing_is_refused_whole(reply: Reply) -> None:
    with Scripted(reply) as server, client(server.url) as dav:
        book = dav.book(BOOK)
        for ask in (book.listing, lambda: book.changes(None), lambda: book.changes("t0")):
            with pytest.raises(CollectionError):
                ask()


def test_hrefs_outside_the_book_are_ignored_and_named() -> None:
    foreign = (
        "/bob/contacts/x.vcf",
        "/li.na/contacts/../x.vcf",
        "/li.na/contacts/sub/x.vcf",
        "http://other.example/li.na/contacts/x.vcf",
        "/li.na/contacts/%0d%0ax.vcf",
        "/li.na/contacts/..",
    )
    with (
        Scripted(Reply(body=listing("/li.na/contacts/a.vcf", *foreign))) as server,
        client(server.url) as dav,
    ):
        found = dav.book(BOOK).changes(None)
    assert dict(found.changed) == {"/li.na/contacts/a.vcf": '"1"'}
    assert len(found.ignored) == len(foreign)


@pytest.mark.parametrize("listed", ['"1"', 'W/"1"', "1", ' "1" '])
@pytest.mark.parametrize("sent", ['"1"', 'W/"1"'])
def test_an_etag_is_the_same_one_however_a_server_or_a_proxy_writes_it(listed: str, sent: str) -> None:
    replies = (
        Reply(body=listing(f"{BOOK}a.vcf").replace(b'"1"', listed.encode())),
        Reply(status=200, headers={"ETag": sent}, body=b"x"),
        Reply(status=204, headers={"ETag": sent.replace("1", "2")}),
    )
    with Scripted(*replies) as server, client(server.url) as dav:
        book = plain_book(dav)
        (etag,) = book.changes(None).changed.values()
        held = book.read(f"{BOOK}a.vcf")
        assert held is not None and held.etag == etag == '"1"'
        assert book.write(f"{BOOK}a.vcf", b"y", etag=etag) == '"2"'
        assert server.requests[-1].headers["If-Match"] == '"1"'


def test_all_homes_of_a_login_are_looked_into_and_what_is_only_to_be_read_is_said() -> None:
    def found(*members: str) -> Reply:
        body = f'<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav">{"".join(members)}</d:multistatus>'
        return Reply(body=body.encode())

    def member(href: str, properties: str) -> str:
        return (
            f"<d:response><d:href>{href}</d:href><d:propstat><d:prop>{properties}</d:prop>"
            "<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
        )

    book = "<d:resourcetype><d:collection/><c:addressbook/></d:resourcetype>"
    read_only = f"{book}<d:current-user-privilege-set><d:privilege><d:read/></d:privilege></d:current-user-privilege-set>"
    homes = "<c:addressbook-home-set><d:href>/one/</d:href><d:href>/shared/</d:href></c:addressbook-home-set>"
    script = (
        found(member("/", "<d:current-user-principal><d:href>/me/</d:href></d:current-user-principal>")),
        found(member("/me/", homes)),
        found(member("/one/", "<d:resourcetype><d:collection/></d:resourcetype>"), member("/one/a/", book)),
        found(member("/shared/b/", read_only)),
    )
    with Scripted(*script) as server, client(server.url) as dav:
        infos = dav.discover()
    assert [(info.url.removeprefix(server.url), info.writable) for info in infos] == [
        ("/one/a/", True),
        ("/shared/b/", False),
    ]


def test_an_absolute_href_of_the_book_is_a_path() -> None:
    with Scripted(Reply()) as server, client(server.url) as dav:
        server.replies = [Reply(body=listing(f"{server.url}/li.na/contacts/a%20b.vcf"))]
        assert list(dav.book(BOOK).changes(None).changed) == ["/li.na/contacts/a%20b.vcf"]


def test_the_login_is_not_sent_to_another_server() -> None:
    with Scripted(Reply(status=200)) as other, Scripted(Reply()) as server, client(server.url) as dav:
        server.replies = [Reply(status=301, headers={"Location": f"{other.url}/dav/"})]
        with pytest.raises(CollectionError, match="another server"):
            dav.discover()
        with pytest.raises(CollectionError, match="another server"):
            plain_book(dav).read(f"{other.url}/x.vcf")
        assert not other.requests


def test_a_redirect_in_circles_ends() -> None:
    with Scripted(Reply(status=301, headers={"Location": "/"})) as server, client(server.url) as dav:
        with pytest.raises(CollectionError, match="circles"):
            dav.discover()
        assert len(server.requests) == 4


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_redirected_write_is_a_failure_and_not_a_read(status: int) -> None:
    with (
        Scripted(Reply(status=status, headers={"Location": "/x"}), Reply(status=200)) as server,
        client(server.url) as dav,
    ):
        with pytest.raises(CollectionError, match="redirects"):
            dav.book(BOOK).write(f"{BOOK}a.vcf", b"x", etag='"1"')
        assert [request.method for request in server.requests] == ["PUT"]


@pytest.mark.parametrize("status", [403, 409, 413, 415, 422, 500, 507])
def test_a_refused_card_is_that_cards_error(status: int) -> None:
    with Scripted(Reply(status=status, body=b"no room")) as server, client(server.url) as dav:
        with pytest.raises(ItemError, match="no room") as refusal:
            dav.book(BOOK).write(f"{BOOK}a.vcf", b"x", etag='"1"')
        assert not isinstance(refusal.value, PreconditionFailed)


def test_a_card_with_a_uid_that_is_taken_says_so() -> None:
    body = b'<d:error xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"><c:no-uid-conflict/></d:error>'
    with (
        Scripted(Reply(status=409, body=body)) as server,
        client(server.url) as dav,
        pytest.raises(ItemError, match="UID"),
    ):
        dav.book(BOOK).create(f"{BOOK}a.vcf", b"x")


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again_after_the_time_it_names(status: int) -> None:
    naps: list[float] = []
    busy = Reply(status=status, headers={"Retry-After": "7"})
    with (
        Scripted(busy, busy, Reply(body=listing())) as server,
        client(server.url, naps=naps) as dav,
    ):
        assert dict(dav.book(BOOK).changes("t0").changed) == {}
    assert naps == [7.0, 7.0]


@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        ("Thu, 26 Nov 2026 18:00:09 GMT", 9.0),
        ("Thu, 26 Nov 2026 17:00:00 GMT", 0.0),
        ("soon", 1.0),
        ("", 1.0),
    ],
)
def test_the_time_it_names_may_be_a_date_by_its_own_clock(asked: str, waited: float) -> None:
    naps: list[float] = []
    headers = {"Retry-After": asked, "Date": "Thu, 26 Nov 2026 18:00:00 GMT"}
    with (
        Scripted(Reply(status=503, headers=headers), Reply(body=listing())) as server,
        client(server.url, naps=naps) as dav,
    ):
        dav.book(BOOK).changes("t0")
    assert naps == [waited]


def test_a_server_that_stays_busy_is_left_for_the_next_run() -> None:
    naps: list[float] = []
    with (
        Scripted(Reply(status=503)) as server,
        client(server.url, naps=naps) as dav,
        pytest.raises(AccountError, match="busy"),
    ):
        dav.book(BOOK).listing()
    assert naps == [1.0, 2.0, 4.0, 8.0]


def test_a_server_that_asks_for_an_hour_is_not_waited_for() -> None:
    naps: list[float] = []
    with (
        Scripted(Reply(status=503, headers={"Retry-After": "3600"})) as server,
        client(server.url, naps=naps) as dav,
        pytest.raises(AccountError),
    ):
        dav.book(BOOK).listing()
    assert naps == []


def test_a_locked_card_is_written_when_the_lock_is_gone() -> None:
    naps: list[float] = []
    with (
        Scripted(Reply(status=423), Reply(status=204, headers={"ETag": '"2"'})) as server,
        client(server.url, naps=naps) as dav,
    ):
        assert dav.book(BOOK).write(f"{BOOK}a.vcf", b"x", etag='"1"') == '"2"'
        assert server.requests[-1].headers["If-Match"] == '"1"'
    assert len(naps) == 1


def test_a_server_that_locks_gets_one_write_after_the_other_from_then_on() -> None:
    busy, answers = threading.Lock(), Counter[int]()

    class Locking(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            free = busy.acquire(blocking=False)
            status = 204 if free else 423
            answers[status] += 1
            if free:
                time.sleep(0.03)
                busy.release()
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Tests print nothing."""

    server = _QuietServer(("127.0.0.1", 0), Locking)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    login = DavLogin(url=f"http://127.0.0.1:{server.server_port}", user="li.na", password="pass-word")
    with CardDavClient(login) as dav, ThreadPoolExecutor(4) as pool:
        book = plain_book(dav)
        list(pool.map(lambda n: book.write(f"{BOOK}{n}.vcf", b"x", etag='"1"'), range(40)))
        assert book.connections == 1
    server.shutdown()
    server.server_close()
    assert answers[204] == 40 and 0 < answers[423] <= 6  # those that were under way with the first


def test_a_refused_login_is_tried_once_and_names_the_user() -> None:
    with Scripted(Reply(status=401, headers={"WWW-Authenticate": "Basic realm=x"})) as server:
        with client(server.url) as dav, pytest.raises(AccountError, match=r"li\.na") as refusal:
            dav.discover()
        assert len(server.requests) == 1
    assert "pass-word" not in str(refusal.value)


def test_a_digest_login_is_answered() -> None:
    challenge = {"WWW-Authenticate": 'Digest realm="x", nonce="n", qop="auth", algorithm=MD5'}
    with (
        Scripted(
            Reply(status=401, headers=challenge), Reply(status=401, headers=challenge), Reply(body=listing())
        ) as server,
        client(server.url) as dav,
    ):
        dav.book(BOOK).changes("t0")
        assert server.requests[-1].headers["Authorization"].startswith("Digest ")


def test_a_server_with_a_problem_ends_the_account() -> None:
    with (
        Scripted(Reply(status=500)) as server,
        client(server.url) as dav,
        pytest.raises(AccountError, match="500"),
    ):
        dav.book(BOOK).listing()


def test_an_endless_answer_is_cut_off() -> None:
    with (
        Scripted(Reply(body=listing(*(f"{BOOK}{n}.vcf" for n in range(2000))))) as server,
        client(server.url, most=1000) as dav,
        pytest.raises(AnswerTooLarge),
    ):
        dav.book(BOOK).listing()


def test_a_compressed_bomb_is_cut_off() -> None:
    bomb = gzip.compress(b" " * 5_000_000)
    with (
        Scripted(Reply(body=bomb, headers={"Content-Encoding": "gzip"})) as server,
        client(server.url) as dav,
        pytest.raises(AnswerTooLarge),
    ):
        dav.book(BOOK).listing()


def card(name: str) -> bytes:
    return (
        f'<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"><d:response><d:href>{BOOK}{name}'
        '</d:href><d:propstat><d:prop><d:getetag>"1"</d:getetag><c:address-data>BEGIN:VCARD</c:address-data>'
        "</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response></d:multistatus>"
    ).encode()


def test_one_card_that_breaks_the_server_is_named_and_the_others_are_read() -> None:
    broken = Reply(status=500, body=b"Traceback")
    with (
        Scripted(broken, broken, Reply(body=card("b.vcf"))) as server,
        client(server.url) as dav,
    ):
        found, named = plain_book(dav).read_most([f"{BOOK}{name}.vcf" for name in "ab"])
    assert (sorted(found), named) == ([f"{BOOK}b.vcf"], [f"{BOOK}a.vcf"])
    assert len(server.requests) == 3


def test_a_server_that_fails_on_everything_is_not_asked_for_each_card() -> None:
    with (
        Scripted(Reply(status=500)) as server,
        client(server.url) as dav,
        pytest.raises(AccountError, match="HTTP 500"),
    ):
        dav.book(BOOK).read_most([f"{BOOK}{number}.vcf" for number in range(500)])
    assert len(server.requests) < 50


def test_cards_too_many_for_one_answer_are_asked_for_in_halves() -> None:
    with (
        Scripted(Reply(body=b"x" * 5000), Reply(body=card("a.vcf")), Reply(body=card("b.vcf"))) as server,
        client(server.url, most=1000) as dav,
    ):
        assert sorted(plain_book(dav).read_many([f"{BOOK}a.vcf", f"{BOOK}b.vcf"])) == [
            f"{BOOK}a.vcf",
            f"{BOOK}b.vcf",
        ]


def test_a_slow_answer_ends_with_the_deadline() -> None:
    seconds = itertools.count(0.0, 100.0)
    with (
        Scripted(Reply(body=listing() + b" " * 500_000)) as server,
        client(server.url, clock=lambda: next(seconds)) as dav,
        pytest.raises(AccountError, match="in time"),
    ):
        dav.book(BOOK).listing()


def test_changes_in_parts_are_put_together() -> None:
    more = (
        "<d:response><d:href>/li.na/contacts/</d:href>"
        "<d:status>HTTP/1.1 507 Insufficient Storage</d:status></d:response></d:multistatus>"
    )
    with (
        Scripted(
            Reply(body=listing(f"{BOOK}a.vcf", end=more, token="t1")),
            Reply(body=listing(f"{BOOK}b.vcf", token="t2")),
        ) as server,
        client(server.url) as dav,
    ):
        found = dav.book(BOOK).changes(None)
    assert (sorted(found.changed), found.token) == ([f"{BOOK}a.vcf", f"{BOOK}b.vcf"], "t2")


def test_changes_that_never_come_to_an_end_are_refused() -> None:
    more = (
        "<d:response><d:href>/li.na/contacts/</d:href>"
        "<d:status>HTTP/1.1 507 Insufficient Storage</d:status></d:response></d:multistatus>"
    )
    with (
        Scripted(Reply(body=listing(f"{BOOK}a.vcf", end=more, token="t1"))) as server,
        client(server.url) as dav,
        pytest.raises(CollectionError, match="never finished"),
    ):
        dav.book(BOOK).changes(None)


def test_a_server_that_is_away_says_so() -> None:
    with Scripted(Reply()) as server:
        url = server.url
    with client(url) as dav, pytest.raises(AccountError, match="cannot be reached"):
        dav.discover()


def test_a_password_is_not_sent_unencrypted_to_other_machines() -> None:
    for url in ("http://dav.example/", "http://192.0.2.1/"):
        with pytest.raises(AccountError, match="unencrypted"):
            client(url)
    with pytest.raises(MailsyncError):
        client("ftp://dav.example/")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for localhost, its key behind it in the same file."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")),
        ],
        check=True,
        capture_output=True,
    )
    both = folder / "both.pem"
    both.write_bytes((folder / "cert.pem").read_bytes() + (folder / "key.pem").read_bytes())
    return both


@pytest.fixture
def encrypted(certificate: Path) -> Iterator[str]:
    """The URL of a server with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Scripted(Reply(body=listing())) as server:
        server.encrypt(context)
        yield server.url.replace("http://127.0.0.1", "https://localhost")


def test_a_self_signed_certificate_is_refused_with_what_to_do(encrypted: str) -> None:
    with client(encrypted) as dav, pytest.raises(AccountError, match=r"self-signed.*ca_file"):
        dav.discover()


def test_a_certificate_named_as_trusted_is_trusted(encrypted: str, certificate: Path) -> None:
    login = DavLogin(url=encrypted, user="li.na", password="x", ca_file=certificate)
    with CardDavClient(login) as dav:
        assert dict(dav.book(BOOK).changes("t0").changed) == {}


def test_a_certificate_for_another_name_is_refused(encrypted: str, certificate: Path) -> None:
    login = DavLogin(
        url=encrypted.replace("localhost", "127.0.0.1"), user="li.na", password="x", ca_file=certificate
    )
    with CardDavClient(login) as dav, pytest.raises(AccountError, match="cannot be trusted"):
        dav.discover()


def test_a_missing_ca_file_is_named(tmp_path: Path) -> None:
    login = DavLogin(url="https://localhost/", user="li.na", password="x", ca_file=tmp_path / "none.pem")
    with pytest.raises(AccountError, match=r"none\.pem"):
        CardDavClient(login)
