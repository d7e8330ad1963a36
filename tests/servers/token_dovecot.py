"""A Dovecot that lets people in by tokens, which it checks itself (JWT, RFC 7519, signed with a shared key)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path

from mailsync.demo.servers import Dovecot

KEY = b"a key of thirty-two bytes, or so"

PASSDB = """\
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth2.conf
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
auth_failure_delay = 0
"""


class TokenDovecot(Dovecot):
    """`mechanism`: XOAUTH2 or OAUTHBEARER, beside PLAIN. `most` connections a user."""

    def __init__(self, folder: Path, users: dict[str, str], mechanism: str, most: int = 3) -> None:
        super().__init__(folder, users, tls=False)
        self.mechanism, self.most = mechanism, most

    def _configuration(self) -> str:
        keys = self.folder / "keys/default/HS256"
        keys.mkdir(parents=True, exist_ok=True)
        (keys / "default").write_bytes(base64.b64encode(KEY))
        self._write(
            "oauth2.conf",
            f"introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix={self.folder}/keys/\n"
            "username_attribute = sub\n",
        )
        text = (
            super()
            ._configuration()
            .replace("auth_mechanisms = plain login", f"auth_mechanisms = plain {self.mechanism.lower()}")
        )
        text = text.replace("userip_connections = 200", f"userip_connections = {self.most}")
        text = text.replace("driver = passwd-file\n", "driver = passwd-file\n  mechanisms = plain\n")
        return text + PASSDB.format(folder=self.folder)


def token(user: str, *, seconds: int = 3600, key: bytes = KEY) -> str:
    """An access token for `user` that is valid for so long."""
    now = int(time.time())
    parts = [{"alg": "HS256", "typ": "JWT"}, {"sub": user, "iat": now - 60, "exp": now + seconds}]
    signed = ".".join(_encoded(json.dumps(part).encode()) for part in parts)
    return f"{signed}.{_encoded(hmac.new(key, signed.encode(), hashlib.sha256).digest())}"


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
