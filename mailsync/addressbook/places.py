"""Country names → ISO 3166-1 alpha-2, in English and Chinese (the place of a display name, DOMAIN 4). Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import lru_cache

#: Names people type that neither ISO 3166-1 nor CLDR lists.
_SPOKEN = {
    "America": "US",
    "USA": "US",
    "U.S.A.": "US",
    "U.S.": "US",
    "United States of America": "US",
    "Great Britain": "GB",
    "England": "GB",
    "Scotland": "GB",
    "Wales": "GB",
    "Northern Ireland": "GB",
    "Holland": "NL",
    "The Netherlands": "NL",
    "Korea": "KR",
    "South Korea": "KR",
    "Turkey": "TR",
    "Türkiye": "TR",
    "Vietnam": "VN",
    "UAE": "AE",
    "Emirates": "AE",
    "Ivory Coast": "CI",
    "Czech Republic": "CZ",
    "Macao": "MO",
    "Macau": "MO",
    "Hong Kong": "HK",
    "Taiwan": "TW",
    "P.R. China": "CN",
    "PR China": "CN",
    "P.R.C.": "CN",
    "PRC": "CN",
    "中华人民共和国": "CN",
    "香港": "HK",
    "澳门": "MO",
    "台湾": "TW",
    "阿联酋": "AE",
}


def country_code(name: str) -> str | None:
    """The alpha-2 code of a country's name, in any letter case; None where `name` is no country's name.

    A code is no name: `SH`, `GD` and `AU` come back as None.
    """
    folded = _fold(name)
    return _names().get(folded) if len(folded) > 2 or not folded.isascii() else None


def _fold(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


@lru_cache(maxsize=1)
def _names() -> Mapping[str, str]:
    import pycountry
    from babel import Locale

    names: dict[str, str] = {}
    iso = {country.alpha_2 for country in pycountry.countries}
    for language in ("zh_Hans", "zh_Hant", "en"):
        for code, name in Locale.parse(language).territories.items():
            if code in iso:
                names[_fold(name)] = code
    for country in pycountry.countries:
        for field in ("name", "official_name", "common_name"):
            if name := getattr(country, field, None):
                names[_fold(name)] = country.alpha_2
    return names | {_fold(name): code for name, code in _SPOKEN.items()}
