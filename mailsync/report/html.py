"""The report as one HTML page: self-contained, nothing fetched from anywhere, every text escaped."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from mailsync.report.layout import Layout

#: Rows shown of one table; the JSON report has them all.
ROWS = 300
#: HTML language tags (BCP 47) of our languages.
TAGS = {"en": "en", "zh_CN": "zh-Hans-CN"}


def page(layout: Layout) -> str:
    """The page of one report, UTF-8 text."""
    environment = Environment(
        loader=PackageLoader("mailsync.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("report.html")
    return template.render(layout=layout, tag=TAGS.get(layout.language, "en"))
