"""A mailbox as a listing shows it, and what each is for: special use first, then its name in the world's languages. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from mailsync.mailbox.headers import MailboxRole
from mailsync.text import Sentence

#: Invisible, at the end of a name that its server spells otherwise than in modified UTF-7, as raw UTF-8 or with a bare
#: `&`: what stands before it is said to the server as it is (`wire.encode_name`).
AS_SPELT = "\N{WORD JOINER}"

#: What says what a mailbox is for.
Evidence = Literal["configuration", "special-use", "name"]

Overrides = Mapping[MailboxRole, Sequence[str]]


class Counters(NamedTuple):
    """Where a mailbox stands; None where the server did not say it (RFC 9051 STATUS, RFC 7162)."""

    uidvalidity: int | None
    uidnext: int | None
    highestmodseq: int | None
    messages: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A mailbox of the account. Counters are None where the server did not say them (RFC 9051 STATUS, RFC 7162)."""

    name: str  #: decoded, or with `AS_SPELT` at the end
    separator: str | None  #: of the hierarchy; None on a server without one
    flags: frozenset[str] = frozenset()  #: LIST attributes, lower case: "\\noselect", "\\sent" …
    subscribed: bool | None = None
    uidvalidity: int | None = None
    uidnext: int | None = None
    highestmodseq: int | None = None
    messages: int | None = None

    @property
    def shown_name(self) -> str:
        """The name as people read and write it."""
        return self.name.removesuffix(AS_SPELT)

    @property
    def selectable(self) -> bool:
        return not self.flags & {"\\noselect", "\\nonexistent"}

    @property
    def counters(self) -> Counters:
        return Counters(self.uidvalidity, self.uidnext, self.highestmodseq, self.messages)

    @property
    def role(self) -> MailboxRole:
        """What its special use says (RFC 6154), "other" where it says nothing; `roles` looks at the name as well."""
        if self.name == "INBOX":
            return "inbox"
        return next((role for flag, role in _SPECIAL_USE.items() if flag in self.flags), "other")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The mailboxes of an account, and what about them could not be read."""

    folders: tuple[Folder, ...]
    problems: tuple[Sentence, ...] = ()


_SPECIAL_USE: dict[str, MailboxRole] = {
    "\\sent": "sent",
    "\\drafts": "drafts",
    "\\junk": "junk",
    "\\trash": "trash",
    "\\archive": "archive",
    # Views of messages that lie elsewhere: they are never read.
    "\\all": "all",
    "\\allmail": "all",
    "\\flagged": "all",
    "\\starred": "all",
    "\\important": "all",
    # XLIST of older servers.
    "\\spam": "junk",
}

#: Where Gmail keeps its own mailboxes; "[Google Mail]" in accounts of some countries.
_GOOGLE = frozenset({"[Gmail]", "[Google Mail]"})

#: Names that mail programs and providers give, in their languages; compared without letter case.
NAMES: dict[MailboxRole, tuple[str, ...]] = {
    "sent": (
        *("Sent", "Sent Messages", "Sent Items", "Sent Mail", "Sent-Mail", "sent_mail", "Outbox Sent"),
        *("已发送", "已发送邮件", "已发邮件", "已发送的邮件", "已发送消息", "已发送项目", "发件箱"),
        *("寄件備份", "已寄出", "已傳送", "寄件匣", "已傳送的郵件", "寄件備份匣"),
        *("送信済み", "送信済みメール", "送信済みアイテム", "送信済みメッセージ"),
        *("보낸 편지함", "보낸 메일함", "보낸편지함", "보낸메일함"),
        *("Gesendet", "Gesendete Objekte", "Gesendete Elemente", "Gesendete Nachrichten"),
        *("Envoyés", "Éléments envoyés", "Messages envoyés", "Courrier envoyé"),
        *("Enviados", "Elementos enviados", "Mensajes enviados", "Correo enviado"),
        *("Itens enviados", "Mensagens enviadas", "Enviadas", "Itens Enviados"),
        *("Inviata", "Posta inviata", "Inviati", "Messaggi inviati"),
        *("Verzonden", "Verzonden items", "Verzonden berichten"),
        *(
            "Отправленные",
            "Отправленные письма",
            "Исходящие отправленные",
            "Надіслані",
            "Отправленные сообщения",
        ),
        *("Wysłane", "Elementy wysłane", "Gönderilmiş Öğeler", "Gönderilmiş", "Gönderilenler"),
        *(
            "Skickat",
            "Skickade objekt",
            "Skickade",
            "Sendt",
            "Sendte elementer",
            "Sendt post",
            "Sendte e-mails",
        ),
        *("Lähetetyt", "Lähetetyt viestit", "Odeslané", "Odeslaná pošta", "Elküldött", "Elküldött elemek"),
        *("Απεσταλμένα", "Trimise", "Elemente trimise", "Poslano", "Poslané", "Изпратени"),
        *("العناصر المرسلة", "المرسل", "البريد المرسل", "דואר יוצא", "פריטים שנשלחו", "נשלחו"),
        *("Đã gửi", "Thư đã gửi", "Mục đã gửi", "ส่งแล้ว", "รายการที่ส่ง", "จดหมายที่ส่ง"),
        *("Terkirim", "Item Terkirim", "Pesan Terkirim", "भेजे गए"),
    ),
    "drafts": (
        *(
            "Drafts",
            "Draft",
            "草稿",
            "草稿箱",
            "草稿夹",
            "草稿匣",
            "下書き",
            "임시 보관함",
            "임시보관함",
            "임시 저장",
        ),
        *("Entwürfe", "Brouillons", "Brouillon", "Borradores", "Borrador", "Rascunhos", "Bozze", "Concepten"),
        *("Черновики", "Чернетки", "Robocze", "Kopie robocze", "Szkice", "Taslaklar", "Utkast", "Kladder"),
        *("Luonnokset", "Koncepty", "Piszkozatok", "Πρόχειρα", "Ciorne", "المسودات", "مسودات", "טיוטות"),
        *("Thư nháp", "Bản nháp", "Nháp", "ฉบับร่าง", "แบบร่าง", "Draf", "Konsep"),
    ),
    "junk": (
        *("Junk", "Junk E-mail", "Junk Email", "Junk Mail", "Spam", "Bulk Mail", "Bulk"),
        *(
            "垃圾邮件",
            "垃圾箱邮件",
            "垃圾郵件",
            "广告邮件",
            "廣告郵件",
            "病毒邮件",
            "迷惑メール",
            "스팸 메일함",
            "스팸함",
            "정크 메일",
        ),
        *(
            "Junk-E-Mail",
            "Spamverdacht",
            "Unerwünscht",
            "Werbung",
            "Courrier indésirable",
            "Indésirables",
            "Pourriel",
        ),
        *(
            "Correo no deseado",
            "No deseado",
            "Lixo Eletrônico",
            "Lixo eletrónico",
            "Posta indesiderata",
            "Indesiderata",
        ),
        *(
            "Ongewenste e-mail",
            "Ongewenst",
            "Спам",
            "Нежелательная почта",
            "Небажана пошта",
            "Wiadomości-śmieci",
        ),
        *(
            "Önemsiz",
            "Önemsiz E-posta",
            "Gereksiz",
            "Skräppost",
            "Søppelpost",
            "Uønsket e-mail",
            "Uønsket post",
        ),
        *("Roskaposti", "Nevyžádaná pošta", "Levélszemét", "Ανεπιθύμητα", "Mesaje nedorite"),
        *(
            "البريد العشوائي",
            "البريد غير المرغوب فيه",
            "דואר זבל",
            "Thư rác",
            "จดหมายขยะ",
            "อีเมลขยะ",
            "Sampah Spam",
        ),
    ),
    "trash": (
        *("Trash", "Deleted", "Deleted Items", "Deleted Messages", "Bin", "Rubbish", "Wastebasket"),
        *(
            "已删除",
            "已删除邮件",
            "已删除的邮件",
            "已删除消息",
            "已删除项目",
            "废件箱",
            "垃圾箱",
            "回收站",
            "垃圾桶",
        ),
        *(
            "刪除的郵件",
            "已刪除的郵件",
            "已刪除",
            "垃圾筒",
            "ゴミ箱",
            "削除済みアイテム",
            "削除済み",
            "휴지통",
            "지운 편지함",
            "지운편지함",
        ),
        *(
            "Papierkorb",
            "Gelöscht",
            "Gelöschte Objekte",
            "Gelöschte Elemente",
            "Corbeille",
            "Éléments supprimés",
        ),
        *(
            "Papelera",
            "Elementos eliminados",
            "Eliminados",
            "Lixeira",
            "Itens excluídos",
            "Itens Excluídos",
            "Lixo",
        ),
        *(
            "Cestino",
            "Posta eliminata",
            "Prullenbak",
            "Verwijderde items",
            "Корзина",
            "Удаленные",
            "Удалённые",
        ),
        *(
            "Видалені",
            "Кошик",
            "Kosz",
            "Elementy usunięte",
            "Çöp Kutusu",
            "Çöp",
            "Silinmiş Öğeler",
            "Silinmiş",
        ),
        *(
            "Papperskorgen",
            "Borttaget",
            "Borttagna objekt",
            "Papirkurv",
            "Papirkurven",
            "Slettet post",
            "Slettede elementer",
        ),
        *(
            "Roskakori",
            "Poistetut",
            "Koš",
            "Odstraněná pošta",
            "Kuka",
            "Törölt elemek",
            "Κάδος",
            "Διαγραμμένα",
        ),
        *(
            "Coș de gunoi",
            "Elemente șterse",
            "المهملات",
            "العناصر المحذوفة",
            "سلة المهملات",
            "אשפה",
            "פריטים שנמחקו",
        ),
        *("Thùng rác", "Mục đã xóa", "ถังขยะ", "รายการที่ลบ", "Sampah", "Item Terhapus"),
    ),
    "archive": (
        *(
            "Archive",
            "Archives",
            "归档",
            "存档",
            "邮件归档",
            "封存",
            "アーカイブ",
            "보관함",
            "보관",
            "Archiv",
            "Archivo",
        ),
        *("Arquivo", "Arquivo Morto", "Archivio", "Archief", "Архив", "Архів", "Archiwum", "Arşiv", "Arkiv"),
        *("Arkisto", "Archív", "Archívum", "Αρχειοθήκη", "Arhivă", "الأرشيف", "أرشيف", "ארכיון"),
        *("Lưu trữ", "เก็บถาวร", "Arsip"),
    ),
}

_ROLE_OF_NAME = {name.casefold(): role for role, names in NAMES.items() for name in names}

#: Roles whose mailboxes are never read: neither filed nor evidence (DOMAIN 8), or only views of other mailboxes.
UNREAD: frozenset[MailboxRole] = frozenset({"drafts", "junk", "trash", "all"})


def roles(folders: Iterable[Folder], overrides: Overrides | None = None) -> dict[str, MailboxRole]:
    """The role of each mailbox, by name. An account may have several Sent mailboxes: phone, Outlook and webmail each
    make their own.

    `overrides` (configuration): role → names that have it, whatever the server says. A name in the table of languages
    counts at the top of the hierarchy and directly below INBOX; below that it is a person's own folder.
    """
    return {name: role for name, (role, _) in roles_and_evidence(folders, overrides).items()}


def roles_and_evidence(
    folders: Iterable[Folder], overrides: Overrides | None = None
) -> dict[str, tuple[MailboxRole, Evidence]]:
    """`roles`, each with what decided it."""
    chosen = {name: role for role, names in (overrides or {}).items() for name in names}
    return {folder.name: _decide(folder, chosen) for folder in folders}


def _decide(folder: Folder, chosen: Mapping[str, MailboxRole]) -> tuple[MailboxRole, Evidence]:
    if folder.shown_name in chosen:
        return chosen[folder.shown_name], "configuration"
    if folder.role != "other":
        return folder.role, "special-use"
    # Nobody makes folders below Gmail's root: what is not known there is All Mail, Starred or Important in some language.
    unknown: MailboxRole = "all" if _below_google(folder) else "other"
    return _ROLE_OF_NAME.get(_top_name(folder).casefold(), unknown), "name"


def _below_google(folder: Folder) -> bool:
    root, _, rest = folder.shown_name.partition(folder.separator or "/")
    return root in _GOOGLE and bool(rest)


def _top_name(folder: Folder) -> str:
    """The name without an INBOX prefix (Courier, Cyrus) or a provider's root ("[Gmail]"); empty deeper down."""
    if folder.separator is None:
        return folder.shown_name
    parts = folder.shown_name.split(folder.separator)
    if len(parts) > 1 and (parts[0].upper() == "INBOX" or parts[0] in _GOOGLE):
        parts = parts[1:]
    return parts[0] if len(parts) == 1 else ""
