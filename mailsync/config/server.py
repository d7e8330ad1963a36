"""`[server]`: the built-in address-book server, for companies whose mail server has no CardDAV."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from mailsync.config.base import WithScope

#: The name of the built-in book's account: `book:company` in commands and reports.
ACCOUNT = "book:company"


class Server(WithScope):
    """Where the built-in server listens, and where it keeps its books."""

    enabled: bool = False
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 5232
    data_dir: Path | None = None  #: None: `books` in the state directory
    book: str = "Customers"  #: the company book's name, as clients show it
    confirmed: bool = True  #: the book is mailsync's own: nobody else's cards are in it
    name: str | None = None  #: the host name in the certificate
    certificate_file: Path | None = None
    key_file: Path | None = None
    insecure: bool = False

    @model_validator(mode="after")
    def _passwords_are_safe(self) -> Server:
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("give certificate_file and key_file, or neither")
        if is_loopback(self.host) or self.insecure:
            return self
        if self.certificate_file is None:
            raise ValueError(
                f"passwords for {self.host} would go in clear text: give certificate_file and key_file, keep "
                "127.0.0.1 behind a proxy that speaks https, or allow it with insecure = true"
            )
        if self.name is None:
            raise ValueError("give name, the host name that the certificate is for")
        return self


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
