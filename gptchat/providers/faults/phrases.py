"""How servers say what is wrong, in the words of many vendors and a few languages."""

from __future__ import annotations

import re

QUOTA = re.compile(
    r"exceeded your current quota|insufficient.{0,9}(?:quota|balance|credit|funds)|arrear|credit balance"
    r"|(?:out of|ran out of|no more|not enough|any|no|available) credits?\b|balance is (?:insufficient|too low)"
    r"|overdue balance"
    r"|(?:budget|spending limit|spend limit) .{0,20}(?:exceeded|reached)"
    r"|free tier .{0,40}exhausted"
    r"|(?:reached|exceeded|over) .{0,20}(?:spending|spend|billing|inference|usage|budget) (?:limit|cap)"
    r"|(?:quota|credits?|allowance|balance) (?:\w+ ){0,4}(?:used up|exhausted|depleted|run out|exceeded)"
    r"|(?:purchase|buy|add) (?:more )?(?:credits?|funds)|payment required|top.?up"
    r"|余额不足|余额为|欠费|额度不足|额度已用|额度.{0,6}(?:用尽|用完|耗尽)|充值|已用完|残高.{0,6}不足"
    r"|(?:saldo|créditos?).{0,24}(?:insuficiente|agotad)|guthaben.{0,24}(?:aufgebraucht|nicht ausreichend)"
    r"|crédits?.{0,24}(?:insuffisant|épuisé)",
    re.IGNORECASE,
)
BILLING = re.compile(r"billing", re.IGNORECASE)
"""Usually means that there is no credit, but a refused key (401) also links to the billing page for new keys."""
KEY = re.compile(
    r"(?:incorrect|invalid|wrong|missing|no|expired).{0,12}(?:api.?key|access token|credential)"
    r"|api.?key.{0,20}(?:not valid|invalid|expired|required)|a valid api.?key|login fail"
    r"|unauthori[sz]ed"
    r"|(?:authorization|authentication) failed"
    r"|身份验证"
    r"|令牌"
    r"|鉴权"
    r"|api.?key.{0,8}(?:错误|无效|不存在|已过期|失效)"
    r"|(?:无效|错误)的.{0,4}(?:密钥|api.?key)"
    r"|api.?schlüssel.{0,20}(?:ungültig|falsch)|clave (?:de )?(?:la )?api.{0,20}inv[áa]lid"
    r"|cl[ée] d.?api.{0,20}invalid|api.?キー.{0,20}無効|api.?키.{0,20}유효하지"
    r"|(?:ungültiger|inv[áa]lida?|無効な).{0,8}(?:api.?schlüssel|clave|api.?キー)|no connected db",
    re.IGNORECASE,
)
PERMISSION = re.compile(
    r"(?:location|region|country).{0,24}not (?:supported|available|allowed)|insufficient permission"
    r"|(?<!exist or you )(?:does|do) not have (?:access|permission)"
    r"|not allowed to (?:access|use|sample)"
    r"|(?:must|needs? to) be verified to use"
    r"|(?:organi[sz]ation|account|project|user|workspace) (?:\w+ ){0,4}"
    r"(?:disabled|deactivated|suspended|banned|blocked|restricted|locked)"
    r"|not (?:enabled|activated|found) for (?:your |this )?(?:account|organi[sz]ation|project)"
    r"|(?:guardrail|data policy|privacy) (?:restrictions|settings|and)"
    r"|账[号户].{0,8}(?:禁用|冻结|封禁|停用|锁定)|无权|没有权限|未开通|实名",
    re.IGNORECASE,
)
MODEL = re.compile(
    r"model.{0,80}(?:not.?(?:found|exist)|does.?n[o']t exist|unknown|not supported by)"
    r"|(?:no such|unknown|invalid|not a valid|not found the) model|model.{0,80}decommissioned"
    r"|model identifier is invalid|no endpoints found|^model: \S+$"
    r"|supported (?:\w+ )?models?(?: names?| ids?)? (?:are|is|include)|model.{0,80}(?:must|should) be one of"
    r"|deployment.{0,40}(?:not.?found|does not exist)"
    r"|unable to access .{0,20}model"
    r"|endpoint .{0,80}is not running"
    r"|no available (?:model|channel|provider|distributor)|无可用渠道|模型.{0,40}(?:不存在|未找到|已下线)"
    r"|mod[eè]l[loe]*.{0,60}(?:no existe|nicht gefunden|existiert nicht|introuvable|n'existe pas)"
    r"|モデル.{0,40}(?:見つかりません|存在しません)|모델.{0,40}(?:찾을 수 없|존재하지)",
    re.IGNORECASE | re.DOTALL,
)
GONE = re.compile(r"no available (?:model|channel|provider|distributor)|无可用渠道", re.IGNORECASE)
"""Said with 503 by relays that have nobody for the model: no retry helps."""
UNABLE = re.compile(
    r"no endpoints found that support|does not support (?:tools?|image|vision|function)", re.IGNORECASE
)
"""Said with 404 of a model that is there and lacks an ability."""
BUSY = re.compile(r"\bbusy\b|overloaded|繁忙|过载", re.IGNORECASE)
NAMES = re.compile(
    r"(?:models?(?: names?| ids?)? (?:are|is|include)|be one of):? *(?P<names>.+?)(?:[,.;]? but\b|\.\s|\.?$)",
    re.IGNORECASE | re.DOTALL,
)
"""Where a server that does not know a model lists those that it has."""
FILTER = re.compile(
    r"content.?(?:filter|policy|management|risk|exists risk)|data.?inspection|responsible.?ai|safety system"
    r"|(?:prompt|input|message|request|content|text|image)s? (?:\w+ ){0,4}flagged"
    r"|sen\w{0,4}tive (?:information|content|word)|contain(?:s|ing)? sen\w{0,4}tive|inappropriate content"
    r"|harmful content|unsafe (?:request|content|input|prompt)"
    r"|敏感|违规内容|内容.{0,6}(?:违规|不合规|审核)|安全审核",
    re.IGNORECASE,
)
PER = re.compile(
    r"token-limit|rate-limit|per.?(?:minute|second|hour|day)|\b[rt]p[md]\b|每分钟|每秒|限流", re.IGNORECASE
)
"""In a sentence about credit: it is a limit in time after all."""
RATE = re.compile(
    r"rate.?limit"
    r"|too many requests"
    r"|request limit reached"
    r"|requests per (?:minute|second|day)"
    r"|tokens per (?:minute|day)"
    r"|throttl"
    r"|请求过于频繁|频率|限流|并发|zu viele anfragen|demasiadas (?:solicitudes|peticiones)|trop de requêtes"
    r"|リクエストが多すぎ|レート制限|요청이 너무 많",
    re.IGNORECASE,
)
