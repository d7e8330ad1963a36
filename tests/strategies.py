"""Names, texts and addresses as the trade really writes them, for Hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

#: Names people type: capitals, Chinese, full width, slashes, quotes, double blanks, and what clients tear apart.
SAMPLE_NAMES = (
    "Jane Roe",
    "JANE ROE",
    "JANE  ROE",
    "王伟",
    "阿丽 Li",
    "Ｊａｎｅ　Ｒｏｅ",
    "Jane/Purchasing",
    "O'Neil",
    '"Jane" Roe',
    "Roe, Jane",
    "Jean-Luc Müller",
    "Gibson Importing Co., Ltd",
    "A/B;C:D<E>F(G)",
    "back\\slash",
    "Jane\tRoe\r\nEMAIL:evil@x.example",
    "D12 JANE Roe",
    "Zoë \u202eevil",
    "-",
    "/",
    ",",
    "  ",
    "",
)

#: Any text a registry cell may hold, control characters included, lone surrogates not.
texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40)
names = st.one_of(
    st.sampled_from(SAMPLE_NAMES),
    texts,
    st.lists(st.sampled_from(SAMPLE_NAMES), min_size=2, max_size=3).map(" ".join),
)
#: One line of text, as it may stand in a card after reading.
plain_names = names.map(lambda name: " ".join("".join(c if c.isprintable() else " " for c in name).split()))

local_parts = st.from_regex(r"[a-z][a-z0-9._+-]{0,12}[a-z0-9]", fullmatch=True)
domains = st.sampled_from(
    ("gibson.example", "shunda.example", "tuv.example", "müller.example", "贸易.example")
)
addresses = st.builds(lambda local, domain: f"{local}@{domain}", local_parts, domains)

show_codes = st.builds(
    lambda letter, number: f"{letter}{number:02d}",
    st.sampled_from("ABCDEFGHJKLMNPQRSTUVWXYZ"),
    st.integers(1, 199),
)
channel_codes = st.integers(1, 1899).map("{:03d}".format)
codes = st.one_of(show_codes, channel_codes)


def _line(name: str, value: str) -> str:
    return f"{name}:{value}"


_escaped = plain_names.map(lambda name: name.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;"))
_untouched = st.one_of(
    st.builds(_line, st.sampled_from(("TEL;TYPE=work", "item1.TEL", "X-CUSTOM", "x-Mixed_Case")), _escaped),
    st.builds(_line, st.just("NOTE"), _escaped),
    st.builds(_line, st.just("item1.X-ABLabel"), st.just("_$!<HomePage>!$_")),
    st.builds(_line, st.just('ADR;LABEL="1 King St: 2"'), st.just(";;1 King St;Sydney;;2000;Australia")),
    st.just("PHOTO;ENCODING=b;TYPE=JPEG:" + "\r\n ".join(["QUJD" * 15] * 3)),
    st.just("NOTE:folded\r\n  twice\r\n\t here"),
    st.builds(_line, st.sampled_from(("EMAIL", "EMAIL;TYPE=INTERNET", "item2.EMAIL;PREF=1")), addresses),
    st.just("ORG:Gibson, Importing;Dep"),
    st.just("no colon at all"),
)
_named = st.one_of(
    st.builds(_line, st.sampled_from(("FN", "fn", "item3.FN", "FN;LANGUAGE=en")), _escaped),
    st.builds(lambda a, b: f"N:{a};{b};;;", _escaped, _escaped),
    st.builds(lambda items: "NICKNAME:" + ",".join(items), st.lists(_escaped, min_size=1, max_size=2)),
    st.builds(lambda items: "CATEGORIES:" + ",".join(items), st.lists(_escaped, min_size=1, max_size=9)),
    st.just("CATEGORIES:"),
    st.just("CATEGORIES:a very long category of people,\r\n  and another one,third"),
)


@st.composite
def cards(draw: st.DrawFn) -> bytes:
    """A vCard 3.0 or 4.0 with everything clients put into one, in any order, with CRLF or LF, with or without BOM."""
    version = draw(st.sampled_from(("3.0", "4.0")))
    lines = draw(st.lists(st.one_of(_untouched, _named), max_size=9))
    text = "\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""])
    if draw(st.booleans()):
        text = text.replace("\r\n", "\n")
    return (b"\xef\xbb\xbf" if draw(st.booleans()) else b"") + text.encode("utf-8")
