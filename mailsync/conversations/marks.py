"""The words that mail programs and gateways put in front of a subject: reply and forward marks of every language, and
gateway tags (DOMAIN 6). Pure tables, compared after NFKC and case folding.
"""

from __future__ import annotations

import unicodedata

_REPLY = """
re ré aw antw antwort sv vs odp odg odgovor res r rif rép réponse ynt yanıt yanit απ σχετ απάντηση bls balas vá válasz atb ats
răsp cvb ответ отв відп адк одг одговор отн מענה השב رد پاسخ ตอบ ตอบกลับ
trả_lời reply 回复 回復 回覆 答复 答覆 回信 返信 답장 회신 respuesta risposta resposta svar vastaus antwoord odpowiedź odpověď
automatic_reply auto_reply autoreply automatische_antwort réponse_automatique respuesta_automática
risposta_automatica 自动回复 自動回覆 自动答复 自動答覆 自动回覆 自動返信 자동_회신
"""
_FORWARD = """
fw fwd forward forwarded wg rv tr enc i vb vl fs doorst pd trs továbbítás továbbítva tov ilt i̇lt i̇let ynlndr πρθ yml
redir npr proslj posr pro ed videresend прсл пересл fwd_fw הועבר העברה إعادة_توجيه هدایت ส่งต่อ chuyển_tiếp
转发 转寄 轉寄 轉發 転送 전달 reenviado reenvío renv inoltra inoltro encaminhado weitergeleitet
"""
_RECALL = "recall 撤回 回收 召回"
_GATEWAY = """
external ext extern external_email external_mail external_sender external_message outside_email externe extern_mail
spam 外部 外部邮件 外部郵件 外部メール 外来邮件 外部发件人 垃圾邮件 广告邮件
"""
#: Written between stars, braces, angle brackets or parentheses these are a gateway's too: `***SPAM***`, `{Spam?}`.
_WRAPPED = """
possible_spam suspected_spam probable_spam likely_spam bulk caution warning phishing suspicious secure encrypted
unverified untrusted ext_email 可疑邮件 可疑 疑似垃圾邮件 广告 警告 加密
"""


def fold_word(text: str) -> str:
    """The form in which marks are compared: NFKC, case folded, dots and blanks at the ends gone."""
    if text.isascii():
        return text.lower().strip(" .")
    return unicodedata.normalize("NFKC", text.casefold()).strip(" .")


def _words(*tables: str) -> frozenset[str]:
    return frozenset(fold_word(word.replace("_", " ")) for table in tables for word in table.split())


#: Peeled when a colon follows.
MARKS = _words(_REPLY, _FORWARD, _RECALL, _GATEWAY)
#: Peeled from the end of a subject when in parentheses: `samples (fwd)`.
TRAILING = _words("fwd fw wg doorst 转发 轉寄 轉發 转寄 回复 回復 回覆 答复")
#: Peeled from the front when wrapped in stars, braces, angle brackets or parentheses.
WRAPPED = _words(_GATEWAY, _WRAPPED)
#: No mark is longer, counter and blanks included.
LONGEST = 40

#: Opening → closing bracket of mailing-list and gateway tags.
TAG_BRACKETS = {"[": "]", "【": "】", "〔": "〕", "〖": "〗"}
#: Opening → closing wrapper of gateway words only.
GATEWAY_BRACKETS = {"{": "}", "<": ">", "(": ")", "*": "*"}
#: Opening → closing bracket or quote in which people put a code.
CODE_BRACKETS = TAG_BRACKETS | {
    "(": ")",
    "{": "}",
    "<": ">",
    "「": "」",
    "『": "』",
    "《": "》",
    "〈": "〉",
    '"': '"',
    "'": "'",
    "“": "”",
    "‘": "’",
    "«": "»",
    "„": "“",
}
#: A longer bracket is no tag.
LONGEST_TAG = 80
