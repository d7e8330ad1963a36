"""Countries: what people type for them → ISO 3166-1 alpha-2 (DOMAIN 4, FORMATS 1). Pure."""

from __future__ import annotations

import gettext
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache

import pycountry
from babel import Locale

#: Names people use that neither ISO 3166-1 nor CLDR lists.
_ALIASES = {
    "AE": ("UAE", "U.A.E.", "Emirates", "阿联酋", "阿拉伯联合酋长国"),
    "BA": ("Bosnia", "波黑"),
    "BO": ("Bolivia",),
    "BN": ("Brunei",),
    "CD": ("DRC", "DR Congo", "Democratic Republic of the Congo", "民主刚果"),
    "CG": ("Congo Brazzaville", "刚果"),
    "CI": ("Ivory Coast", "象牙海岸"),
    "CN": ("Mainland China", "PR China", "P.R. China", "PRC", "中国大陆", "中华人民共和国"),
    "CZ": ("Czech Republic", "Czechia", "捷克共和国"),
    "DE": ("Deutschland", "联邦德国"),
    "DO": ("Dominican Rep.", "Dominicana"),
    "ES": ("España",),
    "FM": ("Micronesia",),
    "GB": ("UK", "U.K.", "Great Britain", "Britain", "大不列颠", "联合王国"),
    "HK": ("Hongkong", "HKSAR", "香港", "中国香港"),
    "IR": ("Iran",),
    "IT": ("Italia",),
    "KP": ("North Korea", "北朝鲜"),
    "KR": ("Korea", "South Korea", "ROK", "S. Korea", "南韩", "大韩民国"),
    "KZ": ("哈萨克",),
    "LA": ("Laos",),
    "LK": ("锡兰",),
    "MD": ("Moldova",),
    "MK": ("Macedonia", "FYROM", "马其顿"),
    "MM": ("Burma",),
    "MO": ("Macao", "Macau", "澳门", "中国澳门"),
    "MX": ("México",),
    "MY": ("大马",),
    "NL": ("Holland", "The Netherlands", "尼德兰"),
    "NZ": ("新西兰", "纽西兰"),
    "PS": ("Palestine",),
    "RU": ("Russia", "俄国", "俄罗斯联邦"),
    "SA": ("KSA", "Saudi", "沙特", "沙特阿拉伯"),
    "SY": ("Syria",),
    "TR": ("Turkey", "土耳其"),
    "TW": ("Taiwan", "台湾", "臺灣", "中国台湾"),
    "TZ": ("Tanzania",),
    "US": ("USA", "U.S.A.", "U.S.", "United States of America", "America", "美国", "美利坚合众国"),
    "VA": ("Vatican", "梵蒂冈"),
    "VE": ("Venezuela",),
    "VN": ("Vietnam", "Viet Nam"),
    "ZA": ("RSA", "南非共和国"),
}
#: Parts of countries that people write into a country cell. As a region they are places of their own.
_PARTS = {
    "GB": ("England", "Scotland", "Wales", "Northern Ireland", "英格兰", "苏格兰", "威尔士", "北爱尔兰")
}


def country_code(text: str) -> str | None:
    """The alpha-2 code of a country given as alpha-2, alpha-3, or name in English or Chinese; None for others."""
    typed = _fold(text)
    return _codes().get(typed) or _names().get(typed) or _parts().get(typed)


def place(text: str) -> str:
    """A region for display: the *name* of a country becomes its alpha-2 code, everything else stays as written.

    Two-letter values (`SH`, `NB`, `GD`) and airport-like ones (`PER`, `CAN`) are places, never checked against ISO.
    """
    return text if len(text.strip()) <= 2 and text.isascii() else _names().get(_fold(text), text)


def _fold(text: str) -> str:
    """Letters and digits only, without accents and case; "the" in front and "&" for "and" do not count."""
    plain = unicodedata.normalize("NFKD", text.replace("&", " and ")).casefold().strip()
    letters = "".join(letter for letter in plain if letter.isalnum())
    return letters.removeprefix("the")


@lru_cache(maxsize=1)
def _codes() -> Mapping[str, str]:
    return {
        _fold(code): country.alpha_2
        for country in pycountry.countries
        for code in (country.alpha_2, country.alpha_3)
    } | {"uk": "GB"}


@lru_cache(maxsize=1)
def _names() -> Mapping[str, str]:
    return {_fold(name): code for code, name in _each_name()} | {
        _fold(name): code
        for code, names in _ALIASES.items()
        for name in names
        if len(_fold(name)) > 2 or not name.isascii()
    }


@lru_cache(maxsize=1)
def _parts() -> Mapping[str, str]:
    return {_fold(name): code for code, names in _PARTS.items() for name in names}


def _each_name() -> Iterator[tuple[str, str]]:
    """ISO's own names come last, so that they win over CLDR's shorter ones."""
    known = {country.alpha_2 for country in pycountry.countries}
    for language in ("zh_Hans", "zh_Hant", "en"):
        for code, name in Locale.parse(language).territories.items():
            if code in known:
                yield code, name
    chinese = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, languages=["zh_CN"])
    for country in pycountry.countries:
        yield country.alpha_2, chinese.gettext(country.name)
        for attribute in ("common_name", "official_name", "name"):
            if name := getattr(country, attribute, None):
                yield country.alpha_2, name
