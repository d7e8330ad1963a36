"""What stands on the help page of a registry workbook: every column in English and Chinese. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mailsync.registry.headings import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column, explained."""

    field: str
    english: str
    chinese: str
    example: str


def _column(field: str, english: str, chinese: str, example: str) -> Column:
    return Column(field=field, english=english, chinese=chinese, example=example)


#: (English, Chinese)
RULES = (
    (
        "Three sheets: shows, customers, people. Headings may be English or Chinese, columns in any order.",
        "三张表：shows 展会、customers 客户、people 人员。表头中英文都可以，列的顺序随意。",
    ),
    (
        "Import it with: mailsync registry import FILE. Run twice it changes nothing.",
        "导入：mailsync registry import 文件名。重复导入不会改变任何内容。",
    ),
    (
        "A row that cannot be read is reported with its number and the reason; the others are imported.",
        "读不了的行会报告行号和原因，其余照常导入。",
    ),
    (
        "An empty cell changes nothing. “-” blanks a field, with --force.",
        "空单元格不改变任何内容。要清空一个字段，填“-”并加 --force。",
    ),
    (
        "A customer needs a code. New codes are given by: mailsync customers add",
        "客户必须有编号。新编号用 mailsync customers add 发放。",
    ),
    (
        "A code is never given twice. Deleting a row deletes nobody.",
        "编号从不重复发放。删掉一行不会删除任何人。",
    ),
)

COLUMNS: Mapping[Kind, tuple[Column, ...]] = {
    "shows": (
        _column("letter", "Letter(s) of the show, never I or O", "展会字母，不用 I 和 O", "D"),
        _column("name", "What people call the show", "展会名称", "Canton Fair 2026"),
        _column("date", "Day it begins", "开始日期", "2026-04-15"),
        _column("city", "City", "城市", "Guangzhou"),
        _column("coded", "yes: visitors get codes of this letter", "yes：来访客户使用该字母的编号", "yes"),
    ),
    "customers": (
        _column(
            "code",
            "Show letter and card number, or channel number",
            "展会字母加名片序号，或渠道编号",
            "D12, 012",
        ),
        _column("company", "Company as on its card", "公司全称", "Gibson Importing Pty Ltd"),
        _column("short_name", "As cards and folders say it", "通讯录和文件夹里的简称", "Gibson Importing"),
        _column("country", "ISO code or name", "国家代码或名称", "AU, Australia, 澳大利亚"),
        _column(
            "abbreviation",
            "2–4 letters or digits; proposed when empty",
            "2–4 个字母或数字；空着会自动给出",
            "GI",
        ),
        _column("full_code", "From the first order on", "首单之后的订单编号", "D12 AUGI"),
        _column("channel", "“show”, or where the customer came from", "show，或客户来源", "LinkedIn"),
        _column("show", "Letter or name of the show", "展会字母或名称", "D"),
        _column("first_contact", "Date", "首次联系日期", "2026-04-16"),
        _column(
            "stage", "lead, prospect, sample, order, dormant", "阶段：线索、意向、样品、订单、休眠", "sample"
        ),
        _column("stage_since", "Since when", "该阶段开始日期", "2026-05-02"),
        _column("grade", "A (orders within a month) to E (no need)", "A（一月内下单）至 E（无需求）", "B"),
        _column("owner", "The rep's e-mail address", "业务员邮箱", "li.na@ourcompany.example"),
        _column("merged_into", "Code of the customer it is one with", "与哪个客户是同一家（其编号）", "D12"),
    ),
    "people": (
        _column("id", "Your own id of the person, if any", "您自己的人员编号，可空", "1001"),
        _column("codes", "Codes of the customers the person serves", "服务的客户编号，可多个", "D12 E05"),
        _column("role", "contact, forwarder or inspector", "联系人、货代或验货", "forwarder"),
        _column("name", "Person's name", "姓名", "Jane Roe"),
        _column("company", "Where the person works", "所在公司", "Gibson Importing"),
        _column("region", "Where the person is, if elsewhere", "所在地区", "SH"),
        _column("email", "Main address", "主要邮箱", "jane@gibson.example"),
        _column("email2", "More addresses, separated by ;", "其他邮箱，用分号分隔", "jr@gibson.example"),
        _column("phone", "Phone", "电话", "+61 2 5550 1234"),
        _column("title", "Job title", "职位", "Buyer"),
    ),
}
