"""Extract context limits and request sizes from the error messages of servers."""

from __future__ import annotations

import re

_N = r"(?P<limit>\d[\d,]{0,14})"
_R = r"(?P<requested>\d[\d,]{0,14})"

# Chinese servers word it freely: a bound, with its number in the same clause. Bounds of a rate, of an account, of
# the reply, of files or in characters are not the window.
_ZH = (
    r"^(?=[\s\S]*(?:token|上下文|长度|超长|过长))"
    r"(?![\s\S]*(?:每(?:分钟|秒|小时|天|日)|频率|[RT]PM|额度|配额|余额|账[户号]|有效期|过期|密钥|令牌"
    r"|max_\w*tokens|输出|生成|图片|文件))[\s\S]*?"
)
_TOKENS = r"(?![\d,]|\s*(?:个)?(?:字|条|张|次|[KMG]B))"

_LIMITS = (
    # llama.cpp (its JSON field is the most reliable), its older wording, old llama-cpp-python
    rf'"n_ctx"\s*:\s*{_N}',
    rf"exceeds? (?:the )?(?:available )?context (?:size|window) (?:of |\(){_N}",
    # OpenAI, Azure, DeepSeek, OpenRouter, vLLM, SGLang; xAI says "prompt length"
    rf"(?:maximum|max) (?:context|prompt|model|input|sequence) (?:length|window|size) (?:of|is|=|:)\s*{_N}",
    # Anthropic, also with input and reply added: "context limit: 190000 + 20000 > 200000"
    rf"prompt is too long: [\d,]+ tokens > {_N} maximum",
    rf"exceed context limit: [\d,]+ \+ [\d,]+ > {_N}",
    # Gemini, Vertex
    rf"maximum number of (?:input )?tokens allowed(?: is)?:? \(?{_N}",
    rf"input token count is [\d,]+ but (?:the )?model only supports up to {_N}",
    # DashScope (qwen)
    rf"range of input length should be \[\d+, ?{_N}\]",
    # Mistral
    rf"too large for model with {_N} maximum context length",
    # old vLLM, TensorRT, Volcengine
    rf"longer than the maximum model length of {_N}",
    rf"exceeds? (?:the )?max(?:imum)? (?:input |context |sequence )?length:? \(?(?:of )?{_N}",
    # SGLang
    rf"longer than the model'?s context length \({_N} tokens",
    # Moonshot; GitHub
    rf"exceeded model token limit:? {_N}",
    rf"prompt token count of [\d,]+ exceeds the limit of {_N}",
    # text-generation-inference, Together
    rf"`?max_new_tokens`? must be <= {_N}",
    rf"`?inputs`? must have less than {_N} tokens",
    # SiliconFlow
    rf"less than max_seq_len \({_N}\)",
    # LM Studio
    rf"loaded with (?:a )?context length of (?:only )?{_N}",
    # Cohere
    rf"too many tokens:.* limit for this model is {_N} tokens",
    # GitHub Models, ChatAnywhere, Cerebras, LM Studio
    rf"total number of tokens .{{0,40}}cannot exceed {_N}",
    rf"request body too large for .{{1,80}} model\. max size: {_N} tokens",
    rf"number of (?:prompt|input) tokens .{{0,40}}is limited to {_N}",
    rf"length of the messages or completion\. current length is [\d,]+ while limit is {_N}",
    rf"context length \(n_keep: [\d,]+ ?>=? ?n_ctx: {_N}",
    # text-generation-inference
    rf"`inputs` tokens \+ `max_new_tokens` must be <= {_N}",
    # Chinese servers
    rf"{_ZH}(?:最大|上限|最多|限制|支持|小于|不(?:能|得|可|应)(?:超过|大于|多于))[^\d,，。；]{{0,16}}{_N}{_TOKENS}",
    rf"{_ZH}(?:超过|超出|大于)[^\d,，。；]{{0,16}}{_N}{_TOKENS}",
)

_REQUESTED = (
    rf'"n_prompt_tokens"\s*:\s*{_R}',
    # OpenAI, Azure, vLLM, OpenRouter: a sum with the reply first, then the prompt's share of it
    rf"requested (?:about )?[\d,]+ tokens \({_R} (?:tokens )?(?:of|in|from) [\w ]{{0,12}}(?:input|message|prompt)",
    rf"request \({_R} tokens\) exceeds",
    rf"requested tokens \({_R}\) exceed",
    rf"(?:messages|request|prompt|input)s? (?:resulted in|contains?|has) (?:at least )?{_R} (?:input )?tokens",
    rf"(?:you )?requested (?:about )?{_R} (?:output )?tokens",
    rf"prompt is too long: {_R} tokens",
    rf"input token count (?:is |\(){_R}",
    rf"prompt \(length {_R}\)",
    rf"the input \({_R} tokens\)",
    rf"prompt token count of {_R}",
    rf"\(requested: {_R}\)",
    rf"prefill {_R} tokens exceed",
    rf"total number of tokens .{{0,40}}cannot exceed [\d,]+ - received {_R}",
    rf"exceed context limit: {_R} \+ [\d,]+ > [\d,]+",
    rf"\(n_keep: {_R} ?>=? ?n_ctx",
    rf"current length is {_R} while limit",
    rf"trying to keep the first {_R} tokens",
    rf"given: {_R} `inputs` tokens",
    rf"length of prompt_tokens \({_R}\)",
    rf"{_ZH}(?:当前|实际|本次|请求)[^\d，。；超最上限]{{0,12}}{_R}{_TOKENS}",
)

SMALLEST = 128
"""Smaller numbers are never taken for a context window."""
LARGEST = 1_000_000_000


_OVERFLOW = (
    r"context.?(?:length|window|size)|maximum context|(?:prompt|input) is too long|too many (?:input )?tokens"
    r"|reduce the length|max_model_len|range of input length|input tokens? (?:limit|exceed)"
    r"|exceeds? the maximum number of tokens|input token count .*exceeds|max_seq_len|max message tokens"
    # vLLM: what is left of the window for the reply
    r"|max_tokens must be at least \d+, got -\d"
)
_OVERFLOW_ZH = (
    rf"{_ZH}(?:上下文|输入|提示词?|对话|消息|请求|内容|总|prompts?|messages?|inputs?|tokens?)[^。；]{{0,24}}"
    r"(?:超长|过长|太长|超过|超出|超限|上限|限制|小于)"
)
_ELSEWHERE = (
    r"(?:prompt|conversation|input|context)\b[^.]{0,60}(?:too long|maximum|at most|exceed|limited to)|"
    # Japanese, Korean, Spanish, Portuguese, Italian, French, German, Russian: what is full, and what is said of it
    r"(?:コンテキスト|トークン数?|入力|プロンプト)[^。]{0,60}(?:長すぎ|超え|超過|上限)"
    r"|(?:컨텍스트|토큰|입력|프롬프트)[^.]{0,60}(?:너무 (?:깁|길|긴)|초과|넘)"
    r"|(?:contexto|tokens|entrada|mensajes?|mensagens|prompt)\b[^.]{0,60}"
    r"(?:exced|supera|ultrapass|demasiado larg|muito long)"
    r"|(?:excede|supera|ultrapassa|eccede|dépass)\w*[^.]{0,60}(?:contexto|contesto|contexte|tokens|jetons)"
    r"|(?:contexte|jetons|entrée|invite|prompt)\b[^.]{0,60}(?:dépass|trop long)"
    r"|(?:kontext|eingabe|prompt|token)\w*\b[^.]{0,60}(?:überschreit|überschritt|zu lang|größer als)"
    r"|(?:überschreitet|übersteigt)[^.]{0,60}(?:kontext|token)"
    r"|(?:контекст|токен|запрос|ввод)\w*[^.]{0,60}(?:превыш|слишком (?:длинн|больш))"
    r"|превы[шс]\w*[^.]{0,60}(?:контекст|токен)|(?:contesto|input)\b[^.]{0,40}(?:supera|troppo lung)"
)
_NOT_THE_WINDOW = (
    r"rate|per.?min|per.?day|minut|1分|毎分|1日|분당|per hour"
    r"|quota|credit|kredit|crédit|saldo|guthaben|残高|max_\w*tokens"
)
_WHOLE = r"(?<![A-Za-z0-9_.,-])(\d{1,3}(?:[,.\u202f\u00a0 ]\d{3})+|\d{3,10})(?![A-Za-z0-9_-]*[\d-]|[.,]\d)"
_UNIT = r"(?:tokens?|トークン|토큰|токен|jetons|字)"
_BOUND = (
    r"(?:maxim|máxim|massim|limit|límite|höchst|maximal|obergrenze|上限|最大|制限"
    r"|최대|한도|제한|максим|предел|лимит|fenster|ventana|fenêtre|janela)"
)


def is_overflow(message: str) -> bool:
    """Whether `message`, a server's error text, says that the request is larger than the context window."""
    text = message[:20_000]
    return (
        limit_from_words(text) is not None
        or any(re.search(pattern, text, re.IGNORECASE) for pattern in (_OVERFLOW, _OVERFLOW_ZH))
        or _is_overflow_elsewhere(text)
    )


def _is_overflow_elsewhere(text: str) -> bool:
    return bool(re.search(_ELSEWHERE, text, re.IGNORECASE)) and not re.search(_NOT_THE_WINDOW, text, re.IGNORECASE)


def _bounds(message: str) -> tuple[int | None, int | None]:
    """The limit and the request of a message in other words: with two numbers, the smaller is the limit.

    Both None where the message is not plainly an overflow, or has other numbers.
    """
    text = message[:4000]
    if not _is_overflow_elsewhere(text) or not re.search(_UNIT, text, re.IGNORECASE):
        return None, None
    found = [int(re.sub(r"\D", "", one)) for one in re.findall(_WHOLE, text)]
    numbers = sorted({one for one in found if SMALLEST <= one <= LARGEST})
    if len(numbers) == 2:
        return numbers[0], numbers[1]
    if len(numbers) == 1 and len(set(found)) == 1 and re.search(_BOUND, text, re.IGNORECASE):
        return numbers[0], None
    return None, None


def limit_from_words(message: str) -> int | None:
    """The context limit in tokens stated in `message`, a server's error text or JSON body; None if there is none.

    Recognises the wording of OpenAI, Azure, llama.cpp, vLLM, SGLang, Anthropic, Gemini, DashScope, Mistral, xAI,
    Moonshot, DeepSeek, OpenRouter, Together, Cohere, LM Studio and others. Rate limits ("tokens per minute")
    and the number of excess tokens are not taken for a context limit.
    """
    return _first(_LIMITS, "limit", message) or _bounds(message)[0]


def requested_from_words(message: str) -> int | None:
    """The size of the request in tokens stated in `message` (see `limit_from_words`); None if there is none."""
    return _first(_REQUESTED, "requested", message) or _bounds(message)[1]


def _first(patterns: tuple[str, ...], group: str, message: str) -> int | None:
    for pattern in patterns:  # compiled here, and not when the chat starts: few sessions meet a refusal
        if match := re.search(pattern, message[:20_000], re.IGNORECASE):
            number = int(match[group].replace(",", ""))
            if SMALLEST <= number <= LARGEST:
                return number
    return None
