"""The XML of WebDAV and CardDAV: request bodies, and multi-status answers as values (RFC 4918, 6352, 6578). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree

from mailsync.errors import CollectionError
from mailsync.text import N_

DAV = "{DAV:}"
CARD = "{urn:ietf:params:xml:ns:carddav}"
_PREFIXES = {"d": "DAV:", "c": "urn:ietf:params:xml:ns:carddav"}

Element = etree._Element


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One resource of a multi-status answer."""

    href: str  #: as the server wrote it
    status: int  #: of the resource; 200 where the server gave only its properties
    properties: Mapping[str, Element]  #: the found ones by `{namespace}name`

    def text(self, name: str) -> str | None:
        found = self.properties.get(name)
        return found.text if found is not None else None

    def has(self, name: str, child: str) -> bool:
        """Whether the property `name` contains the element `child` anywhere."""
        found = self.properties.get(name)
        return found is not None and next(found.iter(child), None) is not None

    def hrefs(self, name: str) -> list[str]:
        """The hrefs a property lists (current-user-principal, addressbook-home-set)."""
        found = self.properties.get(name)
        return [] if found is None else [href.text.strip() for href in found.iter(f"{DAV}href") if href.text]


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiStatus:
    """A whole multi-status answer."""

    members: tuple[Member, ...]
    sync_token: str | None


def propfind(properties: Iterable[str]) -> bytes:
    """PROPFIND body asking for these properties (RFC 4918 9.1)."""
    return _body(_element(f"{DAV}propfind", _properties(properties)))


def multiget(hrefs: Iterable[str], *, version: str | None = None) -> bytes:
    """addressbook-multiget body for these hrefs (RFC 6352 8.7); `version`: the vCard version to show them in."""
    wanted = _properties((f"{DAV}getetag", f"{DAV}getcontentlength"))
    data = etree.SubElement(wanted, f"{CARD}address-data")
    if version is not None:
        data.attrib.update({"content-type": "text/vcard", "version": version})
    return _body(
        _element(f"{CARD}addressbook-multiget", wanted, *(_text(f"{DAV}href", href) for href in hrefs))
    )


def having_version(version: str) -> bytes:
    """addressbook-query body for the cards that are stored in this vCard version (RFC 6352 8.6, 10.5)."""
    match = _text(f"{CARD}text-match", version)
    match.attrib.update({"collation": "i;octet", "match-type": "equals"})
    by_name = _element(f"{CARD}prop-filter", match)
    by_name.set("name", "VERSION")
    wanted = _properties((f"{DAV}getetag",))
    return _body(_element(f"{CARD}addressbook-query", wanted, _element(f"{CARD}filter", by_name)))


def sync_collection(token: str) -> bytes:
    """sync-collection body (RFC 6578 3.2); an empty token asks for everything.

    Never with a limit: a server was seen to answer it with part of the changes and the final token.
    """
    return _body(
        _element(
            f"{DAV}sync-collection",
            _text(f"{DAV}sync-token", token),
            _text(f"{DAV}sync-level", "1"),
            _properties((f"{DAV}getetag",)),
        )
    )


def parse(body: bytes, url: str) -> MultiStatus:
    """Read a multi-status answer. Raises `CollectionError` for anything else, also for a half one or one with a DTD."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise CollectionError(
            N_("{url} sent a damaged or half answer ({reason}); nothing was taken from it"),
            url=url,
            reason=error.msg or "",
        ) from error
    docinfo: Any = root.getroottree().docinfo
    if docinfo.doctype:
        raise CollectionError(N_("{url} sent XML with a document type, which is refused"), url=url)
    if root.tag != f"{DAV}multistatus":
        raise CollectionError(
            N_("{url} did not answer as an address book (no multi-status): is it the right URL?"), url=url
        )
    return MultiStatus(
        members=tuple(_member(response) for response in root.findall(f"{DAV}response")),
        sync_token=root.findtext(f"{DAV}sync-token") or None,
    )


def error_condition(body: bytes) -> frozenset[str]:
    """The preconditions a DAV error body names (RFC 4918 16), without namespaces; empty for other bodies."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(body, parser) if body.strip() else None
    except (etree.XMLSyntaxError, ValueError):
        return frozenset()
    if root is None or root.tag != f"{DAV}error":
        return frozenset()
    return frozenset(etree.QName(child).localname for child in root if isinstance(child.tag, str))


def _member(response: Element) -> Member:
    found: dict[str, Element] = {}
    for propstat in response.findall(f"{DAV}propstat"):
        if _status(propstat.findtext(f"{DAV}status")) == 200:
            found.update(
                (str(element.tag), element) for group in propstat.findall(f"{DAV}prop") for element in group
            )
    return Member(
        href=(response.findtext(f"{DAV}href") or "").strip(),
        status=_status(response.findtext(f"{DAV}status")),
        properties=found,
    )


def _status(line: str | None) -> int:
    """`HTTP/1.1 404 Not Found` → 404; 200 where the server said nothing."""
    words = (line or "").split()
    return int(words[1]) if len(words) > 1 and words[1].isdecimal() else 200


def _element(tag: str, *children: Element) -> Element:
    element = etree.Element(tag, nsmap=_PREFIXES)
    element.extend(children)
    return element


def _text(tag: str, text: str) -> Element:
    element = etree.Element(tag)
    element.text = text
    return element


def _properties(names: Iterable[str]) -> Element:
    return _element(f"{DAV}prop", *(etree.Element(name) for name in names))


def _body(element: Element) -> bytes:
    return etree.tostring(element, encoding="utf-8", xml_declaration=True)
