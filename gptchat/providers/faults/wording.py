"""What the words of servers' errors mean, in several languages: the cause that a message states."""

from __future__ import annotations

import re
from functools import cache

from gptchat.core.limits import is_overflow

# Each cause is stated by a whole phrase, or by a subject and what is said of it in one sentence. The words are
# stems: English, Chinese, Japanese, Korean, Spanish, French, German, Portuguese, Italian, Russian.
_PHRASES = {
    "credit": r"""
        exceeded\ (?:your\ )?current\ quota | insufficient.?(?:quota|balance|credit|funds) | arrear
        | (?:run|ran|runs|is|are)\ out\ of\ (?:\w+\ )?(?:funds|credits?|money) | no\ (?:\w+\ )?funds
        | credit\ balance
        | no\ (?:\w+\ )?credits? | out\ of\ credits? | any\ credits | never\ purchased\ credits
        | balance\ is\ insufficient
        | overdue\ (?:balance|bill)
        | (?:account|bill|payment)\w*\ (?:is\ )?overdue | budget\ has\ been\ exceeded
        | free\ (?:tier|quota)\ .{0,40}(?:exhausted|used\ up)
        | (?:monthly|daily|maximum|allowed)?\ ?spending\ limit | payment\ (?:is\ )?required
        | (?:used|consumed)\ all\ available\ credits
        | credits?\ (?:are|is|have\ been)\ (?:depleted|exhausted|used) | purchase\ (?:more\ )?credits
        | set\ inference\ limit | requires?\ more\ credits
        | out\ of\ [\w\ ]{0,20}quota | trial\ (?:has\ )?(?:ended|expired)
        | subscription\ (?:has\ )?(?:ended|expired|lapsed) | 余额不足 | 餘額不足 | 欠费 | 欠費 | 额度不足
        |  额度已 | 额度用
        | 資源包 | 资源包 | 充值 | 充値 | 套餐.{0,6}(?:到期|过期)
        | (?:payez|recharg|rechargez|aufladen|recarg[au]|пополните|チャージ|충전)""",
    "rate": r"""
        rate.?limit | too\ many\ (?:requests|concurrent) | (?:requests?|tokens?)\ per\
        | per[\ _-](?:min|sec|hour|day) | \b[rt]p[mhds]\b | \bqps\b
        | throttl | concurren | slow\ down | (?:request|usage)\ limit\ (?:exceeded|reached)
        | tier\ capacity\ exceeded | flex\ capacity
        | please\ (?:re)?try\ (?:again\ )?(?:in|after)\ \d | \#token-limit
        | 频率 | 頻率 | 限流 | 限速 | 速率 | 并发 | 併發 | 请求(?:数)?(?:过多|太多|过于|次数|频) | 過於頻繁
        |  过于频繁 | 每分钟 | 每秒 | 太快 | 每日 | 每天
        | レート | リクエスト(?:数)?が多 | 回数制限 | 요청이\ 너무 | 요청\ (?:한도|제한|속도) | 속도\ 제한
        |  demasiadas\ (?:solicitudes|peticiones)
        | l[ií]mite\ de\ (?:frecuencia|velocidad|tasa|solicitudes|peticiones|taxa|requisi)
        | trop\ de\ (?:requ|demand) | limite\ de\ (?:d[ée]bit|requ) | zu\ viele\ (?:anfragen|requests)
        | ratenlimit | anfragelimit | muitas\ (?:solicita|requisi) | слишком\ много\ запрос | лимит\ запрос
        | troppe\ richieste""",
    "filter": r"""
        content.?(?:filter|policy|management|risk|exists\ risk|moderation) | data.?inspection | responsible.?ai
        | safety\ system | usage\ polic
        | (?:prompt|input|message|request|content|text|image)s?\ (?:\w+\ ){0,4}flagged
        | sens?i?tive\ ?(?:information|content|words?)
        | may\ contain\ sen\w*tive | inappropriate\ content | unsafe\ (?:request|content|prompt)
        | risk\ ?detection | prohibited\ content | harmful
        | 敏感 | 违规 | 違規 | 违禁 | 不当内容 | 不安全 | 内容安全 | 安全策略 | 内容策略 | 内容审核
        |  审核未?不?通?过?不?(?:通过|拒绝) | 风险 | 法律法规
        | 不適切 | コンテンツ.{0,10}(?:ポリシー|フィルタ) | 부적절 | 유해 | 콘텐츠.{0,8}(?:정책|필터)
        | pol[ií]tica\w*\ de\ (?:contenido|conte[úu]do|uso)
        | contenido\ (?:inapropiado|inadecuado|no\ permitido)
        | conte[úu]do\ (?:impr[óo]pri|inadequad) | contenu\ (?:inappropri|interdit|sensible)
        | politique\ (?:de\ contenu|d['’]utilisation) | unangemessen | inhaltsrichtlinie | inhaltsfilter
        | nutzungsrichtlinie | недопустим | политик\w+\ (?:контент|использ|безопас)
        | contenuti?\ (?:inappropriat|non\ consentit)""",
    "permission": r"""
        insufficient.permission | does\ not\ have\ (?:access|permission)
        | (?:not|n['’]t)\ (?:allowed|authorized|authorised|permitted|entitled)\ to\ (?:access|use|perform
        | call|invoke)
        | missing\ scopes? | must\ be\ verified
        | (?:organi[sz]ation|account|project|user)\ (?:has\ been|is|was)\ (?:disabled|suspended|locked|banned
        | frozen|blocked|deactivated)
        | (?:not|has\ not)\ agreed\ to
        | permission\ denied | no\ permission | currently\ not\ allowed | guardrail\ restrictions | data\ policy
        | not\ (?:been\ )?activated | has\ not\ activated | not\ found\ for\ account
        | 无权 | 無權 | 没有权限 | 权限不足 | 未开通 | 未開通 | 未激活 | 未购买 | 实名 | 未授权访问 | 锁定 | 封禁
        | [账帐賬帳][户号戶號].{0,6}(?:冻结|停用|禁用|注销)
        |  没有.{0,8}权限 | 暂未开放.{0,4}权限 | 権限
        | アクセスが拒否 | 許可されて | 권한
        | permisos? | sin\ acceso | autorisations?\ (?:insuffisant|requis|n[ée]cessaire) | acc[èe]s\ refus
        | berechtigung | zugriff\ (?:verweigert|nicht) | permiss[ãa]o | доступ\w*\ (?:запрещ|отказ)
        | нет\ (?:прав|доступ)
        | permess[oi]""",
    "region": r"""
        (?:country|region|territory|location|area)[^.]{0,40}(?:not\ (?:currently\ )?(?:supported|available
        | served|allowed)|unsupported|blocked|restricted|unavailable)
        | (?:unsupported|restricted)\ (?:country|region|location)
        | not\ (?:available|supported)\ in\ your\ (?:country|region|location)
        | (?:地区|区域|地域|国家)[^。]{0,12}(?:不支持|不可用|限制|未开放|対応して|利用でき|サポート) | 지역
        | (?:regi[óo]n|pa[íi]s)[^.]{0,30}(?:no|não) | no\ .{0,30}(?:regi[óo]n|pa[íi]s)
        | (?:pays|région)[^.]{0,30}pas | ihrer\ region | (?:стран|регион)\w*[^.]{0,20}не""",
    "key": r"""
        (?:incorrect|invalid|wrong|missing|no|expired|malformed|bad|unknown|unrecogni[sz]ed).{0,16}(?:api.?key
        | access.?(?:token|key)|credential|auth(?:entication|orization)?\b|signature|bearer|app_?key
        | subscription\ key|api.?token)
        | (?:api|access|subscription|secret|app).?(?:key|token).{0,40}(?:not\ valid|invalid|expired|required
        | missing|incorrect|wrong|revoked|disabled|not\ found|not\ exist|doesn)
        | a\ valid\ api.?key | login\ fail | (?:authentication|authorization)\ (?:fail|error|required)
        | unauthori[sz]ed(?!\ to) | not\ authenticated | unauthenticated | hmac\ signature
        | no\ connected\ db | could\ not\ validate\ credentials | jwt\
        | token\ (?:is\ |has\ )?(?:invalid|expired|not\ valid|revoked|malformed) | (?:invalid|expired)\ token
        | www-authenticate | 身份验证 | 身份認證 | 鉴权 | 令牌 | 密钥 | 密鑰 | 金鑰 | 秘钥 | 未登录
        |  认证失败 | apikey""",
    "model": r"""
        model.{0,80}(?:not.?(?:found|exist)|does.?n[o']t\ exist|unknown|not\ supported\ by|no\ longer\ (?:available
        | supported)|not\ (?:currently\ )?(?:available|loaded|deployed|served)|decommissioned|retired
        | has\ been\ (?:shut\ down|removed|deprecated|sunset))
        | (?:no\ such|unknown|invalid|not\ a\ valid|not\ found\ the|unsupported|missing)\ model(?!\w
        | \ (?:input|output|parameter|arg|role))
        | model\ identifier\ is\ invalid
        | no\ (?:endpoints?|channels?|providers?|deployments?)\ (?:found|available)(?!\ that\ support)
        | ^model:\ \S+$ | no\ available\ (?:model|channel|provider|deployment|upstream) | non-serverless\ model
        | dedicated\ endpoint .{0,120}\ not\ running
        | supported\ (?:\w+\ )?models?(?:\ names?|\ ids?)?\ (?:are|is|include)
        | model.{0,80}(?:must|should)\ be\ one\ of | deployment.{0,60}(?:not.?found|does\ not\ exist)
        | 无可用渠道 | 無可用渠道 | 没有可用.{0,6}(?:渠道|模型) | 无效的模型 | 未知模型 | 不支持(?:该
        | 此|这个|的)模型 | 暂不支持.{0,12}模型
        | モデル[^。]{0,80}(?:存在しま|見つか|無効|利用でき|廃止) | 모델[^.]{0,60}(?:찾을|존재하지|없습니다
        | 사용할\ 수\ 없)
        | modelo[^.]{0,80}(?:no\ (?:existe|encontrad|se\ encontr|est[áa]\ disponible)|não\ (?:existe
        | encontrad|foi\ encontrad|est[áa]\ dispon)|desconocid|desconhecid)
        | mod[èe]le[^.]{0,80}(?:introuvable|n['’]existe|inconnu|pas\ disponible)
        | modell[^.]{0,80}(?:nicht\ (?:gefunden|verf[üu]gbar|vorhanden)|existiert\ nicht|unbekannt)
        | (?:kein|unbekanntes)\ modell
        | модел[^.]{0,80}(?:не\ (?:найден|существует|доступ|поддерж)|неизвест)
        | (?:неизвест|несуществ)\w+\ модел
        | modello[^.]{0,60}(?:non\ (?:trovato|esiste|disponibile)|inesistente)
        | 模型[^。，]{0,60}(?:不存在|未找到|找不到|无效|已下线|已停止|已废弃|下架|不可用) | (?:找不到
        | 未找到|不存在)[^。，]{0,30}模型""",
    "busy": r"""
        overloaded
        | (?:server|model|service|engine|system)\ (?:is\ )?(?:currently\ |temporarily\ |too\ )?(?:busy
        | overloaded|unavailable|at\ capacity)
        | (?:upstream|backend)\ (?:is\ )?unavailable
        | temporarily\ unavailable
        | 繁忙 | 过载 | 過載 | 负载 | 混雑 | 過負荷 | 과부하 | 혼잡 | sobrecargad | surcharg[ée] | [üu]berlastet
        |  sobrecarregad
        | перегружен | sovraccaric""",
    "memory": r"""
        more\ system\ memory | out\ of\ memory | could\ not\ load\ model | failed\ to\ load\ model | cuda\ error
        | 显存不足 | 内存不足""",
    "timeout": r"""
        timed?[\ -]?out | 超时 | 逾時 | タイムアウト | 시간\ ?초과 | tiempo\ de\ espera
        | d[ée]lai\ .{0,20}d[ée]pass
        | zeit[üu]berschreitung | время\ ожидания""",
    "large": r"""
        (?:request|payload|body|entity|content|image|picture|file)\ (?:\w+\ ){0,3}too\ large
        | exceeded\ resource\ limits | (?:请求体|文件|图片)过大 | maximum\ (?:body|upload)\ size""",
}  # fmt: skip

_SUBJECTS = {
    "key": r"""
        api.?key | api.?キー | api.?키 | キー(?!ワ) | 認証 | 인증 | 토큰이 | トークンが(?:無効|期限)
        |  clave | credencial
        | autenticaci[óo]n | cl[ée]\ (?:d['’])?api | identifiants | authentification | schl[üu]ssel
        | authentifizierung | anmelde | chave | autentica[çc] | ключ | авториз | аутентиф | chiave | apikey
        | sleutel | klucz | anahtar | kunci | khóa | appkey | (?:your|the|this)\ key\b""",
    "credit": r"""
        残高 | クレジット | 利用枠 | 잔액 | 크레딧 | 할당량 | saldo | cr[ée]ditos? | cr[ée]dits? | guthaben
        |  kontingent | solde
        | баланс | средств | кредит | crediti | cuota | quota | credits? | balance | 余额 | 餘額 | 额度
        |  額度 | 配额
        | tegoed | [śs]rodk | bakiye | kredi | số\ dư | wallet | funds | 余量 | 账号余额 | 帐号""",
    "window": r"""
        コンテキスト | トークン | 入力 | プロンプト | 컨텍스트 | 토큰 | 입력 | 프롬프트 | contexto | contexte
        |  kontext | контекст | токен
        | запрос | entrada | entrée | eingabe | mensagem | prompt | tokens? | 上下文 | 输入 | 輸入 | 提示词
        |  context
        | input
        | invoer | wej[śs]ci | girdi | bağlam | ngữ\ cảnh | konteks | messages?""",
    "model": r"""
        mod[eè]l | modelo | modell | модел | モデル | 모델 | 模型 | mô\ hình | engine | deployment""",
    "filter": r"""
        content | prompt | policy | contenido | conte[úu]do | contenu | inhalt | контент | コンテンツ
        |  内容 | 输入 | 콘텐츠
        | inhoud | treści | içerik | nội\ dung""",
    "rate": r"""
        request | quer(?:y|ies) | call | solicitud | peticion | requ[êe]te | anfrage | requisi | запрос
        |  richiest | リクエスト
        | 요청 | 请求 | 請求 | verzoek | żąda | istek | yêu\ cầu | permintaan | usage | 调用""",
}  # fmt: skip
_SAID = {
    "key": r"""
        invalid | incorrect | wrong | expired | missing | required | 无效 | 無效 | 错误 | 錯誤 | 不正确
        |  失败 | 失敗 | 过期 | 過期
        | 失效 | 有误 | 未提供 | 缺少 | 不存在 | 为空 | 不合法 | 無効 | 正しくあり | 期限切れ | 間違
        |  不正 | 必要 | 유효하지 | 잘못 | 만료 | 실패 | 필요
        | 올바르지 | inv[áa]lid | incorrect | caducad | expirad | falta | requerid | manquant | expir[ée] | erron
        | ung[üu]ltig | falsch | abgelaufen | fehlt | fehlgeschlagen | incorret | ausente | неверн | недейств
        | ист[её]к | отсутств | некоррект | non\ valid | scadut | errat
        | ongeldig | nieprawid | wygas | geçersiz | hatalı | tidak\ (?:valid|sah) | không\ hợp\ lệ | \bbad\b
        |  not\ valid | revoked | recogni[sz]e""",
    "credit": r"""
        insufficient | not\ enough | exhaust | depleted | used\ up | run\ out | exceeded | negative | too\ low
        | reached | 不足 | 用完 | 用尽 | 耗尽 | 不够 | 超出 | 为负 | 已用 | 足りま | 使い切 | 超え | 上限
        |  부족 | 소진 | 초과 | insuficiente
        | agotad | sin\ | insuffisant | épuisé | aufgebraucht | ersch[öo]pft | unzureichend | reicht\ nicht
        | nicht\ ausreichend | esgotad | недостаточно | исчерпан | закончил | insufficiente | esaurit
        | no\ (?:tiene|hay)\ suficiente
        | onvoldoende | niewystarcz | yetersiz | tidak\ cukup | không\ đủ | empty | add\ funds | zero""",
    "window": r"""
        長すぎ | 超え | 超過 | 超过 | 超出 | 过长 | 太长 | 너무\ (?:깁|길|긴) | 초과 | 넘 | excede | supera
        |  demasiado\ larg
        | muito\ long | dépass | trop\ long | [üu]berschreit | [üu]berschritt | zu\ lang | превыш
        | слишком\ (?:длинн|больш) | troppo\ lung | exceed | too\ long
        | te\ lang | zbyt\ d[łl]ug | çok\ uzun | terlalu\ panjang | quá\ dài | (?:maximum|max|limit|most
        | cap)\ (?:is|of|allowed)""",
    "model": r"""
        not\ (?:found|exist|available|installed|known|recogni[sz]ed|served|hosted|offered) | unknown
        |  n['’]t\ exist | retired | removed
        | discontinued | sunset | no\ existe | não\ existe | descontinuad | retirad | introuvable | n['’]existe
        |  retir[ée]
        | nicht\ (?:gefunden|vorhanden|verf) | unbekannt | existiert | abgeschaltet | не\ (?:найд|сущ
        | дост) | неизвест | снят
        | non\ (?:(?:è|e)\ )?(?:trovat|esiste|disp) | 存在しま | 見つか | ご?利用(?:いただけ|でき) | 終了
        |  찾을\ 수 | 존재하지 | 없습니다 | 종료
        | 不存在 | 退役 | 下线 | 下架 | 停用 | 找不到 | 未找到 | 不可用 | bestaat\ niet | niet\ (?:gevonden
        | beschik) | nie\ (?:istnieje|znalez)
        | bulunamad | mevcut\ değil | không\ (?:tồn|tìm) | tidak\ (?:ditemukan|ada|tersedia)""",
    "filter": r"""
        violat | blocked\ (?:by|due|for) | disallowed | prohibited | offensive | toxic | abus | 차단
        |  위반 | 违反 | 拒绝 | 涉及 | 拦截 | 屏蔽
        | bloquead | infring | viol[ae] | bloqu[ée] | verst[öo][ßs] | blockiert | наруша | заблок | ブロック
        |  違反 | 規約
        | geblokkeerd | narusza | engellendi | vi\ phạm | melanggar""",
    "rate": r"""
        too\ (?:many|fast|frequent) | limit\ (?:hit|reached|exceeded) | \bcap\b | 过多 | 过快 | 频繁
        |  上限 | 多すぎ | 너무\ 많 | demasiad | excesiv
        | trop\ | zu\ (?:viele|schnell|h[äa]ufig) | muit[ao]s | слишком | tropp[eio] | te\ veel | zbyt\ wiele
        |  çok\ fazla | quá\ nhiều
        | terlalu\ banyak""",
}  # fmt: skip
_OF_A_FIELD = re.compile(r"\bfield|parameter|argument|propert|参数|字段|パラメータ", re.IGNORECASE)
"""Messages about a part of the request, in which single words prove nothing."""
_SENTENCE = re.compile(r"[。！？；\n]|[.!?;](?=\s|$)")
_LONGEST = 4000  # characters of a message that are searched


@cache
def _phrase(cause: str) -> re.Pattern[str]:
    return re.compile(_PHRASES[cause], re.IGNORECASE | re.VERBOSE | re.DOTALL)


@cache
def _pair(cause: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    flags = re.IGNORECASE | re.VERBOSE
    return re.compile(_SUBJECTS[cause], flags), re.compile(_SAID[cause], flags)


def states(cause: str, message: str) -> int:
    """Whether `message` states `cause` (of `_PHRASES`, or `window`): 2 by a phrase, 1 by single words, else 0."""
    text = message[:_LONGEST]
    if cause == "window":
        if is_overflow(text):
            return 2
        # A bound of the reply, of a rate or of an account is not the window
        if re.search(r"max_\w*tokens\b|rate|limit.{0,20}per|per.(?:min|day)|分|quota|credit", text, re.IGNORECASE):
            return 0
    elif _phrase(cause).search(text):
        return 2
    if cause not in _SUBJECTS or (cause != "window" and _OF_A_FIELD.search(text)):
        return 0
    subject, said = _pair(cause)
    return int(any(subject.search(one) and said.search(one) for one in _SENTENCE.split(text)[:40]))
