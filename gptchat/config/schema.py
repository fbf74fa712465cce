"""Every setting, declared once: parsing, checking, completion, help and the example file derive from it."""

from __future__ import annotations

import dataclasses
from typing import get_args

from gptchat.config.endpoints import Api, Kind, NetworkSettings
from gptchat.config.setting import Setting


def _(message: str) -> str:
    """Mark a sentence for the catalogue of words; `Setting.summary` translates it when it is shown."""
    return message


EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")
_SEED = 2**63 - 1

_CHAT = (
    Setting("provider", "text", "", _("Who answers; empty: chosen by the keys at hand, else asked"), scope="chat"),
    Setting("model", "text", "", _("The model (Azure: the deployment); empty: the provider's own"), scope="chat"),
    Setting("system", "text", "", _("The system prompt: instructions for the whole conversation"), scope="chat"),
    Setting("preset", "text", "", _("A saved bundle of system prompt and parameters, by name"), scope="chat"),
    Setting(
        "fallback", "list", (), _("Providers tried in turn when the first one fails, each told"), scope="chat"
    ),
    Setting(
        "moderation",
        "text",
        "off",
        _("What the provider's moderation checks"),
        choices=("off", "input", "output", "both"),
        scope="chat",
    ),
)


def _parameter(setting: Setting) -> Setting:
    return dataclasses.replace(setting, scope="chat")


_PARAMETERS = tuple(
    map(
        _parameter,
        (
            Setting("temperature", "number", None, _("Lower is steadier, higher more varied"), 0, 2, example=0.7),
            Setting(
                "top_p", "number", None, _("Choose among the likeliest words of this total"), 0, 1, example=0.95
            ),
            Setting("max_tokens", "integer", None, _("The longest reply, in tokens"), 1, example=800),
            Setting("frequency_penalty", "number", None, _("Above 0: repeats fewer words"), -2, 2, example=0.5),
            Setting(
                "presence_penalty", "number", None, _("Above 0: turns to new subjects sooner"), -2, 2, example=0.5
            ),
            Setting("stop", "stop", None, _("Where the reply ends, if it comes to say this"), example="###"),
            Setting("n", "integer", None, _("How many replies to choose from"), 1, 8, example=2),
            Setting(
                "seed", "integer", None, _("The same seed asks for the same reply"), -_SEED - 1, _SEED, example=42
            ),
            Setting(
                "effort",
                "text",
                None,
                _("How long a reasoning model thinks"),
                choices=EFFORTS,
                example="medium",
            ),
            Setting(
                "logit_bias",
                "bias",
                None,
                _("Makes single tokens likelier (up to 100) or rarer (down to -100)"),
                example={"50256": -100},
            ),
            Setting(
                "response_format",
                "text",
                None,
                _("json asks for one JSON object; say so in the prompt too"),
                choices=("text", "json"),
                example="json",
            ),
        ),
    )
)

_CONTEXT = (
    Setting(
        "context.max_tokens",
        "integer",
        0,
        _("The most tokens a request may hold; 0: the model's window"),
        0,
        scope="chat",
    ),
    Setting(
        "context.max_turns",
        "integer",
        0,
        _("The most turns a request holds, the newest included; 0: no limit"),
        0,
        scope="chat",
    ),
    Setting(
        "context.reserve",
        "integer",
        0,
        _("Tokens kept free for the reply; 0: what the reply may need"),
        0,
        scope="chat",
    ),
    Setting(
        "context.compact",
        "text",
        "ask",
        _("Whether older turns are summed up when the window fills"),
        choices=("auto", "ask", "off"),
        scope="chat",
    ),
)

_UI = (
    Setting(
        "ui.theme",
        "text",
        "auto",
        _("Colours; auto asks the terminal for its background"),
        choices=("auto", "dark", "light", "mono"),
    ),
    Setting(
        "ui.lang",
        "text",
        "auto",
        _("Language of the program; auto: from the locale"),
        choices=("auto", "en", "zh"),
    ),
    Setting("ui.vi", "flag", False, _("Edit lines with vi's keys instead of Emacs's")),
    Setting("ui.raw", "flag", False, _("Show replies as received, without drawing their Markdown")),
    Setting(
        "ui.reasoning",
        "text",
        "short",
        _("How much of a model's reasoning is shown"),
        choices=("full", "short", "off"),
    ),
    Setting("ui.toolbar", "flag", True, _("A line below the prompt: model, tokens, cost")),
    Setting("ui.title", "flag", True, _("Show the session's title in the terminal's title")),
    Setting("ui.suggest", "flag", True, _("Offer earlier lines in grey while typing")),
    Setting("ui.replay", "integer", 3, _("How many last turns are shown when a session is opened"), 0, 1000),
    Setting("ui.paste_lines", "integer", 20, _("A longer paste shows folded to one line; 0: never"), 0, 1_000_000),
)

_BUDGET = (
    Setting("budget.daily", "number", 0.0, _("US$ a day that one user may spend; 0: no limit"), 0),
    Setting(
        "budget.stop",
        "text",
        "warn",
        _("What happens when the day's budget is spent"),
        choices=("warn", "stop"),
    ),
)

_NET = NetworkSettings()
_NETWORK = (
    Setting("network.proxy", "text", _NET.proxy, _("http, https or socks5; empty: the environment's")),
    Setting("network.ca_file", "text", _NET.ca_file, _("Certificates to trust, such as a company's")),
    Setting(
        "network.connect_timeout",
        "number",
        _NET.connect_timeout,
        _("Seconds to reach a server"),
        0.1,
        3600,
    ),
    Setting(
        "network.idle_timeout",
        "number",
        _NET.idle_timeout,
        _("Seconds of silence within a reply before giving up"),
        0.1,
        86400,
    ),
    Setting("network.max_retries", "integer", _NET.max_retries, _("New tries before an error"), 0, 100),
    Setting(
        "network.max_retry_wait",
        "number",
        _NET.max_retry_wait,
        _("The longest wait, in seconds, a server may ask for"),
        0,
        86400,
    ),
    Setting(
        "network.max_line",
        "integer",
        _NET.max_line,
        _("The longest line of a stream, in bytes: a guard against a broken server"),
        1000,
    ),
    Setting(
        "network.max_reply",
        "integer",
        _NET.max_reply,
        _("The largest reply, in bytes: a guard against a broken server"),
        1000,
    ),
)


def _table(*settings: Setting) -> dict[str, Setting]:
    return {setting.key: setting for setting in settings}


SETTINGS = _table(*_CHAT, *_PARAMETERS, *_CONTEXT, *_UI, *_BUDGET, *_NETWORK)
"""The settings with a fixed key, in the order of the example file."""

PARAMETERS = tuple(setting.key for setting in _PARAMETERS)
"""What travels in a request, by the chat API's names (`effort` is ours for `reasoning_effort`)."""


def _provider(key: str, sentence: str, choices: tuple[str, ...] = (), example: object = None) -> Setting:
    return Setting(key, "text", "", sentence, choices=choices, scope="provider", example=example)


PROVIDER_FIELDS = _table(
    _provider("kind", _("What sort of provider"), get_args(Kind), "compatible"),
    _provider("api", _("The wire format; empty: what fits the model"), get_args(Api), "chat"),
    _provider("base_url", _("Its address"), (), "http://localhost:11434/v1"),
    _provider("model", _("The model used when none is named"), (), "qwen3"),
    _provider("endpoint", _("Azure: the resource's address"), (), "https://example.openai.azure.com"),
    _provider("api_version", _("Azure: the API's version; empty: the v1 endpoint"), (), "2024-10-21"),
    _provider("deployment", _("Azure: the deployment used when none is named"), (), "gpt-4o"),
    _provider("organization", _("OpenAI: the organization that pays"), (), "org-example"),
    _provider("project", _("OpenAI: the project that pays"), (), "proj_example"),
    _provider("api_key_env", _("The environment variable that holds the key"), (), "WORK_API_KEY"),
    _provider("api_key_command", _("A command that prints the key"), (), "pass show openai"),
    _provider("api_key_file", _("A file that holds the key"), (), "~/.openai/config"),
    Setting("key_optional", "flag", False, _("Whether it answers without a key"), scope="provider", example=True),
    Setting("headers", "texts", {}, _("Further HTTP headers"), scope="provider", example={"X-Title": "gptchat"}),
    Setting("query", "texts", {}, _("Further parameters of the address"), scope="provider", example={"tier": "a"}),
    Setting(
        "extra_body",
        "object",
        {},
        _("Further keys of every request, as they are"),
        scope="provider",
        example={"top_k": 40},
    ),
    _provider("encoding", _("tiktoken's encoding for its models"), (), "o200k_base"),
    _provider("proxy", _("A proxy for this provider alone"), (), "socks5://127.0.0.1:1080"),
    _provider("ca_file", _("Certificates to trust for this provider"), (), "~/company-ca.pem"),
    _provider("app_id", _("GPT+: the application's id"), (), "my-app"),
)
"""`[providers.NAME]`: the fields of `ProviderSettings`."""

PRESET_FIELDS = {key: SETTINGS[key] for key in ("system", "model", *PARAMETERS)}
"""`[presets.NAME]`."""


def _price(key: str, sentence: str, example: float) -> Setting:
    return Setting(key, "number", None, sentence, 0, scope="model", example=example)


MODEL_FIELDS = _table(
    Setting("context", "integer", None, _("Its window, in tokens"), 1, scope="model", example=32768),
    Setting("max_output", "integer", None, _("Its longest reply, in tokens"), 1, scope="model", example=8192),
    _price("input", _("US$ a million prompt tokens"), 2.5),
    _price("cached_input", _("US$ a million prompt tokens read from the cache"), 0.25),
    _price("output", _("US$ a million reply tokens"), 10.0),
    Setting("vision", "flag", None, _("Whether it sees images"), scope="model", example=True),
    Setting("tools", "flag", None, _("Whether it can call tools"), scope="model", example=True),
    Setting("reasoning", "flag", None, _("Whether it reasons before it answers"), scope="model", example=True),
    Setting(
        "api",
        "text",
        None,
        _("The wire format it answers on"),
        choices=get_args(Api),
        scope="model",
        example="chat",
    ),
    Setting("encoding", "text", None, _("tiktoken's encoding"), scope="model", example="o200k_base"),
)
"""`[models."NAME"]`: what the catalogue does not know of a model, or has wrong."""

TABLES = {"providers": PROVIDER_FIELDS, "presets": PRESET_FIELDS, "models": MODEL_FIELDS}
"""The tables whose second part is a name of the person's choice: `providers.NAME.FIELD`."""


def find(key: str) -> Setting | None:
    """The setting of a key, or None. `providers.work.endpoint` is found in its table; its `key` is the whole."""
    setting = SETTINGS.get(key)
    if setting is None:
        table, name, field = split(key)
        found = TABLES.get(table, {}).get(field)
        if found is not None and name:
            setting = dataclasses.replace(found, key=key)
    return setting


def split(key: str) -> tuple[str, str, str]:
    """`models.gpt-4.1.context` as `("models", "gpt-4.1", "context")`; a name may hold dots, a field does not."""
    table, _dot, rest = key.partition(".")
    name, _dot, field = rest.rpartition(".")
    return table, name, field
