"""Every setting, declared once: parsing, checking, completion, help and the example file derive from it.

A field is all that a new setting needs: its annotation gives the type, `setting` the rest, such as a variable of
the environment or an option of the command line. Code reads the frozen values (`settings.ui.theme`).
"""

# Annotations are not put off here: `setting.declared` reads the types themselves. The classes have no == and no
# repr: nothing needs them, and generating them costs a fifth of a millisecond a class at every start.

from collections.abc import Mapping
from typing import Any, Literal

from gptchat.config.endpoints import Api, NetworkSettings, ProviderSettings
from gptchat.config.setting import Flag, Scope, Setting, declared, setting
from gptchat.config.sources import FileSettings, ServerSettings, ToolSettings, ToolSource
from gptchat.values import dataclass, fields, replace
from gptchat.words import LANGUAGES, N_

_SEED = 2**63 - 1


@dataclass(frozen=True, eq=False, repr=False)
class ChatSettings:
    """The conversation: who answers, and under which instructions."""

    provider: str = setting(
        "",
        N_("Who answers; empty: chosen by the keys at hand, else asked"),
        variable="GPTCHAT_PROVIDER",
        flag=Flag(N_("who answers: openai, azure, gptplus, demo, ..."), "NAME", "-p"),
    )
    model: str = setting(
        "",
        N_("The model (Azure: the deployment); empty: the provider's own"),
        variable="GPTCHAT_MODEL",
        flag=Flag(N_("the model (Azure: the deployment)"), "NAME", "-m"),
    )
    system: str = setting("", N_("The system prompt: instructions for the whole conversation"))
    preset: str = setting(
        "",
        N_("A saved bundle of system prompt and parameters, by name"),
        flag=Flag(N_("a saved bundle of system prompt and parameters"), "NAME"),
    )
    vars: Mapping[str, str] = setting(
        {}, N_("Values for the {variables} of presets and own commands"), example={"language": "French"}
    )
    fallback: tuple[str, ...] = setting((), N_("Providers tried in turn when the first one fails, each told"))
    moderation: Literal["off", "input", "output", "both"] = setting(
        "off", N_("What the provider's moderation checks")
    )


@dataclass(frozen=True, eq=False, repr=False)
class Parameters:
    """What travels in a request, by the chat API's names (`effort` is ours for `reasoning_effort`)."""

    temperature: float | None = setting(None, N_("Lower is steadier, higher more varied"), 0, 2, example=0.7)
    top_p: float | None = setting(None, N_("Choose among the likeliest words of this total"), 0, 1, example=0.95)
    max_tokens: int | None = setting(None, N_("The longest reply, in tokens"), 1, example=800)
    frequency_penalty: float | None = setting(None, N_("Above 0: repeats fewer words"), -2, 2, example=0.5)
    presence_penalty: float | None = setting(None, N_("Above 0: turns to new subjects sooner"), -2, 2, example=0.5)
    stop: str | tuple[str, ...] | None = setting(
        None, N_("Where the reply ends, if it comes to say this"), example="###"
    )
    n: int | None = setting(None, N_("How many replies to choose from"), 1, 8, example=2)
    seed: int | None = setting(None, N_("The same seed asks for the same reply"), -_SEED - 1, _SEED, example=42)
    thinking: Literal["auto", "on", "off"] = setting(
        "auto", N_("Whether the model thinks before it answers; auto: as it does by itself")
    )
    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = setting(
        None, N_("How long a reasoning model thinks"), example="medium"
    )
    logit_bias: Mapping[str, float] | None = setting(
        None, N_("Makes single tokens likelier (up to 100) or rarer (down to -100)"), example={"50256": -100}
    )
    response_format: Literal["text", "json"] | None = setting(
        None, N_("json asks for one JSON object; say so in the prompt too"), example="json"
    )


@dataclass(frozen=True, eq=False, repr=False)
class ContextSettings:
    """`[context]`: limits on what is sent of a long conversation."""

    max_tokens: int = setting(0, N_("The most tokens a request may hold; 0: the model's window"), 0)
    max_turns: int = setting(0, N_("The most turns a request holds, the newest included; 0: no limit"), 0)
    reserve: int = setting(0, N_("Tokens kept free for the reply; 0: what the reply may need"), 0)
    compact: Literal["auto", "ask", "off"] = setting(
        "ask", N_("Whether older turns are summed up when the window fills")
    )


@dataclass(frozen=True, eq=False, repr=False)
class UiSettings:
    """`[ui]`: what the program looks like."""

    theme: Literal["auto", "dark", "light", "mono"] = setting(
        "auto", N_("Colours; auto asks the terminal for its background")
    )
    lang: Literal["auto", "en", "zh"] = setting(
        "auto",
        N_("Language of the program; auto: from the locale"),
        flag=Flag(N_("language of the program (default: from the locale)"), choices=LANGUAGES),
    )
    vi: bool = setting(False, N_("Edit lines with vi's keys instead of Emacs's"))
    digits: bool = setting(False, N_("0 alone leaves, and 1 alone begins a new session, as in scripts of 2023"))
    raw: bool = setting(
        False,
        N_("Show replies as received, without drawing their Markdown"),
        flag=Flag(N_("the reply exactly as received")),
    )
    markdown: Literal["conversation", "commonmark"] = setting(
        "conversation", N_("Whether doubtful Markdown marks stay text, or are read as CommonMark has them")
    )
    linebreaks: Literal["keep", "join"] = setting(
        "keep", N_("Whether the lines of a reply's paragraph stay, or are joined")
    )
    width: int = setting(
        100, N_("Columns of prose in a wide window; tables and code may use all of them (0: prose too)"), 0, 10_000
    )
    reasoning: Literal["full", "short", "off"] = setting("short", N_("How much of a model's reasoning is shown"))
    toolbar: bool = setting(True, N_("A line below the prompt: model, tokens, cost"))
    title: bool = setting(True, N_("Show the session's title in the terminal's title"))
    suggest: bool = setting(True, N_("Offer earlier lines in grey while typing"))
    replay: int = setting(3, N_("How many last turns are shown when a session is opened"), 0, 1000)
    currency: str = setting("USD", N_("Currency in which money is shown; another than USD needs ui.currency_rate"))
    currency_rate: float = setting(0.0, N_("How much of ui.currency a US$ is, such as 7.1; 0: not known"), 0)
    bell: Literal["auto", "off", "bell", "osc9", "osc777"] = setting(
        "auto", N_("How the end of a long reply is signalled while the terminal is not in front")
    )
    bell_after: int = setting(20, N_("Seconds that a reply takes before its end is signalled"), 0, 86_400)
    paste_lines: int = setting(20, N_("A longer paste shows folded to one line; 0: never"), 0, 1_000_000)


@dataclass(frozen=True, eq=False, repr=False)
class DocsSettings:
    """`[docs]`: collections of documents that a message asks."""

    use: str = setting("", N_("The collection that every message asks; empty: only where #NAME stands in it"))
    share: float = setting(0.25, N_("Share of the window that passages of documents may take"), 0, 1)


@dataclass(frozen=True, eq=False, repr=False)
class InputSettings:
    """`[input]`: what a message may do besides being sent."""

    expand: bool = setting(True, N_("A typed @path in a message attaches that file; false: never"))


@dataclass(frozen=True, eq=False, repr=False)
class AttachSettings:
    """`[attach]`: what may leave this machine besides what lies in the working folder and public addresses."""

    allow: tuple[str, ...] = setting(
        (), N_("Files and addresses attached without a question, such as ~/notes/** or http://10.0.0.1:8000/*")
    )
    deny: tuple[str, ...] = setting((), N_("Files and addresses never attached, such as *.pem"))


@dataclass(frozen=True, eq=False, repr=False)
class SearchSettings:
    """`[search]`: what `/search --meaning` works with."""

    embeddings: str = setting(
        "",
        N_("Provider and model of the vectors for /search --meaning; empty: none"),
        example="openai:text-embedding-3-small",
    )
    fill: Literal["ask", "always"] = setting(
        "ask", N_("Whether texts go there to get their vectors once you agree, or whenever some are missing")
    )


@dataclass(frozen=True, eq=False, repr=False)
class BudgetSettings:
    """`[budget]`: money."""

    daily: float = setting(0.0, N_("US$ a day that one user may spend; 0: no limit"), 0)
    stop: Literal["warn", "stop"] = setting("warn", N_("What happens when the day's budget is spent"))
    unknown: Literal["ask", "allow", "stop"] = setting(
        "ask", N_("With a budget: what happens with a model whose price is unknown")
    )


@dataclass(frozen=True, eq=False, repr=False)
class ModelSettings:
    """`[models."NAME"]`: what the catalogue does not know of a model, or has wrong."""

    context: int | None = setting(None, N_("Its window, in tokens"), 1, example=32768)
    max_output: int | None = setting(None, N_("Its longest reply, in tokens"), 1, example=8192)
    input: float | None = setting(None, N_("US$ a million prompt tokens"), 0, example=2.5)
    cached_input: float | None = setting(
        None, N_("US$ a million prompt tokens read from the cache"), 0, example=0.25
    )
    output: float | None = setting(None, N_("US$ a million reply tokens"), 0, example=10.0)
    vision: bool | None = setting(None, N_("Whether it sees images"), example=True)
    tools: bool | None = setting(None, N_("Whether it can call tools"), example=True)
    reasoning: bool | None = setting(None, N_("Whether it reasons before it answers"), example=True)
    api: Api | None = setting(None, N_("The wire format it answers on"), example="chat")
    encoding: str | None = setting(None, N_("tiktoken's encoding"), example="o200k_base")

    def given(self) -> dict[str, Any]:
        """The fields that are set, by name."""
        return {entry.name: value for entry in fields(self) if (value := getattr(self, entry.name)) is not None}


GROUPS: Mapping[type, tuple[str, Scope]] = {
    ChatSettings: ("", "chat"),
    Parameters: ("", "chat"),
    FileSettings: ("", "program"),
    ContextSettings: ("context.", "chat"),
    UiSettings: ("ui.", "program"),
    DocsSettings: ("docs.", "chat"),
    InputSettings: ("input.", "program"),
    AttachSettings: ("attach.", "program"),
    SearchSettings: ("search.", "program"),
    BudgetSettings: ("budget.", "program"),
    ToolSettings: ("tools.", "program"),
    NetworkSettings: ("network.", "program"),
}
"""With what the keys of each group begin, and what its settings belong to; in the order of the example file."""

SETTINGS: Mapping[str, Setting] = {
    key: setting for group, about in GROUPS.items() for key, setting in declared(group, *about).items()
}
"""The settings with a fixed key."""

PARAMETERS = tuple(entry.name for entry in fields(Parameters))
"""What travels in a request."""

TABLES: Mapping[str, Mapping[str, Setting]] = {
    "providers": declared(ProviderSettings, "", "provider"),
    "presets": {key: SETTINGS[key] for key in ("system", "model", *PARAMETERS)},
    "models": declared(ModelSettings, "", "model"),
    "tools": declared(ToolSource, "", "tool"),
    "mcp": declared(ServerSettings, "", "tool"),
}
"""Tables whose second part is chosen by the user: `providers.NAME.FIELD`."""


def find(key: str) -> Setting | None:
    """The setting of a key, or None. `providers.work.endpoint` is found in its table; its `key` is the whole."""
    setting = SETTINGS.get(key)
    if setting is None:
        table, name, field = split(key)
        found = TABLES.get(table, {}).get(field)
        if found is not None and name and f"{table}.{name}" not in SETTINGS:
            setting = replace(found, key=key)
    return setting


def split(key: str) -> tuple[str, str, str]:
    """`models.gpt-4.1.context` as `("models", "gpt-4.1", "context")`; a name may hold dots, a field does not."""
    table, _dot, rest = key.partition(".")
    name, _dot, field = rest.rpartition(".")
    return table, name, field
