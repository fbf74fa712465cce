"""What the codes and types of servers' errors mean: their names in many APIs, by cause."""

from __future__ import annotations

import re

_CODES = {
    "key": """
        invalid_api_key incorrect_api_key incorrect_api_key_error wrong_api_key api_key_invalid
        invalid_key authorized_error authentication_error authenticationerror invalid_authentication_error
        authenticationfailed invalid_iam_token token_expired expired_token invalid_token tokenexpired
        unauthenticated unauthorized account_deactivated unrecognizedclientexception expiredtokenexception
        invalidsignatureexception missingauthenticationtokenexception incompletesignatureexception
        invalidclienttokenid signaturedoesnotmatch invalidaccesskeyid invalidapikey
        authorization_error_key no_api_key missing_api_key invalid_access_token access_token_expired
        iam_token_expired accessdenied.apikey apikey_invalid invalidauthtoken authfailure
        authfailure.secretidnotfound authfailure.signaturefailure base_resp:1004 base_resp:2049 30014
        error_code:110 error_code:111 modelarts.81001 modelarts.81002 modelarts.81003 modelarts.81004
        auth_error channel:invalid_key 1111
    """,
    "credit": """
        insufficient_quota billing_hard_limit_reached billing_not_active quota_exceeded
        insufficient_user_quota exceeded_current_quota_error budget_exceeded arrearage accountoverdueerror
        account_overdue accountoverdue insufficient_balance insufficient_balance_error
        insufficient_credits insufficient_funds payment_required billing_error credit_balance_exhausted
        credits_exhausted setlimitexceeded pre_consume_token_quota_failed insufficient_token_quota
        free_quota_exhausted allocationquota.freetieronly prepaidbilloverdue postpaidbilloverdue
        resourceunavailable.instantbalancenotenough resourceunavailable.inarrears
        servicequotaexceededexception invalidsubscription subscription_expired commoditynotpurchased
        base_resp:1008 30001 30011 1113 1309 modelarts.81005 modelarts.81006
    """,
    "plan": """
        1308 1310 base_resp:2056 usage_limit_reached plan_limit_reached weekly_limit_reached
        access_terminated_error
    """,
    "rate": """
        rate_limit_exceeded rate_limit_error rate_limit_reached_error rate_limited too_many_requests
        toomanyrequests throttlingexception throttling throttling.ratequota throttling.burstrate
        throttling.user throttling.allocationquota ratelimitexceeded requestlimitexceeded limitexceeded
        limitexceeded.toomanyrequests rpm_rate_limit_exceeded tpm_rate_limit_exceeded
        preemptible_rate_limit_exceeded slow_down too_many_tokens_error too_many_requests_error
        request_quota_exceeded token_quota_exceeded concurrency_limit_exceeded ratelimitreached
        base_resp:1002 base_resp:1039 base_resp:2045 error_code:18 error_code:19 336501 336502 1302 1303
        1304 1313 1300 11202 11203 11201 modelarts.81101 modelarts.81102
    """,
    "window": """
        context_length_exceeded exceed_context_size_error context_window_exceeded
        contextwindowexceedederror model_context_window_exceeded tokens_limit_reached tokens_too_long
        characters_too_long prompt_too_long string_above_max_length max_tokens_exceeded 1261 10907 336103
        336007
    """,
    "filter": """
        content_filter content_policy_violation data_inspection_failed datainspectionfailed
        responsibleaipolicyviolation inputtextriskdetection outputtextriskdetection
        inputimageriskdetection outputimageriskdetection sensitivecontentdetected
        contentpolicyviolationerror content_moderation moderation_blocked sensitive_words_detected
        sensitive_check_error invalid_prompt prompt_blocked prohibited_content safety sensitive_content
        inputtextsensitivecontentdetected outputtextsensitivecontentdetected
        operationdenied.textillegaldetected operationdenied.imageillegaldetected base_resp:1026
        base_resp:1027 1301 10013 10014 10019 modelarts.81011
    """,
    "region": "unsupported_country_region_territory request_forbidden user_location_not_supported",
    "permission": """
        permission_error key_model_access_denied accessdenied accessdenied.unpurchased
        accessdeniedexception accessforbidden access_denied 1110 1112 1121 1220 1311 11200
        appidnoautherror notactivated modelnotopen unsupportedoperation model_not_activated
        model.accessdenied workspace.accessdenied base_resp:2061 error_code:6 error_code:17
    """,
    "model": """
        model_not_found deploymentnotfound model_not_supported model_not_exist modelnotfound
        modelnotfoundexception modelnotfounderror invalid_model unknown_model model_decommissioned
        model_deprecated model_not_available dedicated_endpoint_not_running
        invalidendpointormodel.notfound invalidendpoint.notfound invalidendpoint.closedendpoint
        invalid_model_id model_unavailable modelnotsupported no_available_channel get_channel_failed
        channel:no_available_key channel:model_mapped_error unsupported_model resource_not_found_error
        1211 1212 20012 5007 modelarts.81009 modelerror
    """,
    "busy": """
        overloaded_error engine_overloaded_error server_is_overloaded service_unavailable_error overloaded
        unavailable service_unavailable modelnotreadyexception serviceunavailableexception
        model_overloaded server_overloaded internalserviceerror serveroverloaded 1305 1312 10008 336100
    """,
    "server": """
        server_error internal_error internal_server_error internalservererror internal_failure
        internalfailure internalserverexception modelerrorexception upstream_error bad_gateway
        do_request_failed empty_response base_resp:1000 base_resp:1013 base_resp:1024 base_resp:1033 1200
        1230 1234
    """,
    "timeout": "timeout_error request_timeout deadline_exceeded modeltimeoutexception base_resp:1001",
    "large": "request_too_large payload_too_large requestentitytoolarge requesttoolarge",
}

_PLAIN = re.compile(r"[^a-z0-9:]+")


def _bare(code: str) -> str:
    return _PLAIN.sub("", code.lower())


CAUSES = {_bare(code): cause for cause, codes in _CODES.items() for code in codes.split()}
"""The cause that a code states, by the code without its case and punctuation."""

# Statuses that a code or type stands for where there is none: inside a stream, or in a reply with status 200.
STATUSES = {
    "invalidrequesterror": 400,
    "invalidargument": 400,
    "badrequest": 400,
    "badrequesterror": 400,
    "validationexception": 400,
    "failedprecondition": 400,
    "permissiondenied": 403,
    "forbidden": 403,
    "notfound": 404,
    "notfounderror": 404,
    "resourcenotfoundexception": 404,
    "resourceexhausted": 429,
    "apierror": 500,
    "internal": 500,
    "unimplemented": 501,
    "aborted": 409,
    "badresponsestatuscode": 500,
}


def cause_of(code: str) -> str:
    """The cause that `code` states; empty if it is unknown or says nothing of the cause.

    Small numbers mean something only with the name of their field before them (`base_resp:1004`).
    """
    found = CAUSES.get(_bare(code))
    if found is None and "." in code:  # `RateLimitExceeded.EndpointRPMExceeded`
        found = next((CAUSES[_bare(part)] for part in reversed(code.split(".")) if _bare(part) in CAUSES), None)
    return found or ""


def status_of(code: str) -> int | None:
    """The HTTP status that `code` stands for; None if it stands for none."""
    return STATUSES.get(_bare(code))


def words_in(code: str) -> str:
    """A code as words: `AccountOverdueError` is `account overdue error`."""
    return re.sub(r"[_.\-]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", code)).lower()
