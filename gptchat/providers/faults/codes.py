"""What vendors' own error codes mean, as kinds of errors: from their documentation, where words would mislead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_KINDS: Mapping[str, str] = {
    # OpenAI, Azure, OpenRouter and those that follow them; Moonshot; DashScope (Model Studio, "error code")
    "quota": "insufficient_quota billing_hard_limit_reached billing_not_active quota_exceeded"
    " insufficient_user_quota exceeded_current_quota_error budget_exceeded arrearage accountoverdueerror"
    " setlimitexceeded account_balance_insufficient insufficient_balance credit_balance_too_low"
    " pre_consume_token_quota_failed insufficient_funds payment_required",
    "content_filter": "content_filter content_policy_violation data_inspection_failed datainspectionfailed"
    " responsibleaipolicyviolation sensitivecontentdetected sensitive_words_detected content_moderation"
    " inputtextsensitivecontentdetected outputtextsensitivecontentdetected",
    "authentication": "invalid_api_key invalidapikey authentication_error token_expired"
    " invalid_authentication_error incorrect_api_key_error authenticationerror invalid_token"
    " unauthenticated missing_api_key",
    "permission": "key_model_access_denied account_deactivated modelnotopen accessdenied.unpurchased access_denied"
    " permission_denied unsupported_country_region_territory accessdenied user_blocked",
    "not_found": "model_not_found deploymentnotfound model_not_supported modelnotfound model_not_exist"
    " unknown_model",
    "rate_limit": "rate_limit_exceeded rate_limit_error too_many_requests throttling throttling.ratequota"
    " throttling.allocationquota throttling.burstrate ratelimitexceeded requestbursttoofast resource_exhausted"
    " rate_limit_reached_error ratelimitreached limit_burst_rate",
    "context_length": "context_length_exceeded exceed_context_size_error context_window_exceeded"
    " model_context_window_exceeded tokens_limit_reached string_above_max_length request_too_large_tokens",
    "server": "overloaded_error engine_overloaded_error server_overloaded serveroverloaded internal_server_error"
    " internalserviceerror model_busy",
}
_NUMBERS: Mapping[str, Mapping[str, str]] = {
    # docs.bigmodel.cn, "API error codes"; those of a refused key come with 401, and others use their numbers, too
    "zhipu": {
        "permission": "1110 1111 1112 1121 1220 1222 1311",
        "quota": "1113 1309",
        "not_found": "1211",
        "context_length": "1261",
        "content_filter": "1301",
        "rate_limit": "1302 1303 1304 1305 1308 1310 1312 1313",
        "server": "1230 1234",
    },
    # platform.minimaxi.com, "error codes"; they come in `base_resp`
    "minimax": {
        "authentication": "1004 2049",
        "quota": "1008 2056",
        "rate_limit": "1002 1039 1041",
        "content_filter": "1026 1027",
        "timeout": "1001",
        "server": "1000 1013 1024 1033",
        "bad_request": "1042 2013",
    },
    # xfyun.cn, "error codes" of Spark; they come in `header`, or as the code of an OpenAI-like error
    "spark": {
        "content_filter": "10013 10014 10019",
        "context_length": "10907",
        "permission": "11200",
        "quota": "11201",
        "rate_limit": "11202 11203 10007 10110",
        "server": "10008 10010 10012",
        "authentication": "10313 10317",
    },
    # cloud.baidu.com, "error codes" of Qianfan
    "qianfan": {
        "authentication": "100 110 111 13 14",
        "permission": "6",
        "quota": "17",
        "rate_limit": "18 336501 336502",
        "context_length": "336007 336105",
        "content_filter": "336104",
        "server": "336000 336100",
    },
}

CODES: Final[Mapping[str, str]] = {
    **{code: kind for kind, codes in _KINDS.items() for code in codes.split()},
    **{code: kind for kind, codes in _NUMBERS["zhipu"].items() for code in codes.split()},
    **{code: kind for kind, codes in _NUMBERS["spark"].items() for code in codes.split()},
    **{
        f"{vendor}:{code}": kind
        for vendor, kinds in _NUMBERS.items()
        for kind, codes in kinds.items()
        for code in codes.split()
    },
}
"""The kind of error for each code, in lower case; numbers whose envelope tells the vendor have it before them."""
