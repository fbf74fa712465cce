"""Words for people: `_` looks a sentence up in the catalogue of the chosen language (English is the source)."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import gettext
    from collections.abc import Callable, Mapping

REASONS = (
    "Permission denied",
    "Operation not permitted",
    "No such file or directory",
    "Is a directory",
    "Not a directory",
    "File exists",
    "File name too long",
    "Read-only file system",
    "No space left on device",
    "Too many levels of symbolic links",
    "Exec format error",
    "Connection refused",
    "Connection reset by peer",
    "No route to host",
    "Network is unreachable",
    "Name or service not known",
    "Temporary failure in name resolution",
    "timed out",
    "Input/output error",
    "Invalid argument",
    "Device or resource busy",
    "Disk quota exceeded",
    "File too large",
    "Too many open files",
    "Too many open files in system",
    "No locks available",
    "Operation not supported",
    "Resource temporarily unavailable",
    "No such device",
    "No such device or address",
    "Broken pipe",
    "Stale file handle",
    "Text file busy",
    "Cannot allocate memory",
    "Invalid cross-device link",
    "Directory not empty",
    "Connection timed out",
    "Transport endpoint is not connected",
    "embedded null byte",
    "it is not a regular file",
    "it belongs to another user",
    "a link of another user leads there",
    "it is too large",
    "it is a link that leads nowhere",
)
"""What C libraries call the commonest failures; others are told as the system words them."""

DOMAIN = "gptchat"
LANGUAGES = ("en", "zh")
_SYMBOLS = {"USD": "$", "CNY": "¥", "RMB": "¥", "JPY": "¥", "EUR": "€", "GBP": "£", "INR": "₹", "KRW": "₩"}

_translations: gettext.NullTranslations | None = None  # English needs none
_language = "en"


def _(message: str) -> str:
    """`message` in the language in use; `message` itself where the catalogue lacks it."""
    return _translations.gettext(message) if _translations and message else message


def N_(message: str) -> str:
    """Mark a sentence for the catalogue where it is declared; it is translated when it is shown."""
    return message


def ngettext(singular: str, plural: str, n: int) -> str:
    """The form of the sentence that fits the number `n`, in the language in use."""
    if _translations is None:
        return singular if n == 1 else plural
    return _translations.ngettext(singular, plural, n)


def reason(error: Exception) -> str:
    """Why the operating system refused, in the language in use, without its number and path."""
    told = str(error)
    if isinstance(error, OSError) and error.errno is not None:
        told = error.strerror or os.strerror(error.errno)
    return _(told) if told in REASONS else told or type(error).__name__


def language() -> str:
    """The language in use: `en` or `zh`."""
    return _language


def choose(name: str) -> str:
    """Use the language `name` (`en`, `zh`, or a locale name such as `zh_CN.UTF-8`) from now on.

    Returns the language that took effect: English for an unknown one, and where the catalogue is not compiled.
    """
    global _translations, _language
    _translations, _language = None, "en"
    if name.lower().replace("-", "_").startswith("zh"):
        _translations = _catalogue()
        _language = "zh" if _translations else "en"
    return _language


def _catalogue() -> gettext.NullTranslations | None:
    """The Chinese catalogue; None in a checkout that is not installed, where it is not compiled."""
    import gettext

    folder = os.path.join(os.path.dirname(__file__), "locale")  # noqa: PTH118, PTH120 - pathlib may never be needed
    try:
        return gettext.translation(DOMAIN, folder, languages=["zh"])
    except FileNotFoundError:
        return None


def closest(said: str, sentences: Mapping[str, str]) -> list[str]:
    """Names whose sentence, translated, has most in common with `said`, a word in another script; best first.

    `sentences` are English sentences by name. Whichever language is in use, all catalogues are looked at.
    """
    from difflib import SequenceMatcher

    catalogue = _catalogue()
    found: list[tuple[int, int, str]] = []
    for name, sentence in sentences.items() if catalogue else ():
        translation = catalogue.gettext(sentence) if catalogue else ""
        match = SequenceMatcher(None, said, translation, autojunk=False).find_longest_match()
        if match.size > 1:
            found.append((-match.size, match.b, name))
    return [name for size, _at, name in sorted(found) if size == min(found)[0]]


def detect(environ: Mapping[str, str] = os.environ) -> str:
    """The language the environment asks for, in gettext's own order of variables; else the platform's."""
    for variable in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG", "LC_CTYPE"):
        value = environ.get(variable, "").split(":")[0]
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    if os.name != "nt":
        return "en"  # no locale but C
    import locale

    try:
        name = locale.getlocale()[0] or ""
    except ValueError:  # a locale name that Python does not know
        name = ""
    return "zh" if name.lower().startswith(("zh", "chinese")) else "en"


def in_dollars() -> tuple[str, float]:
    """The currency of the prices themselves."""
    return "USD", 1.0


def show_money_in(currency: Callable[[], tuple[str, float]]) -> None:
    """Show amounts in what `currency` returns from now on: its ISO code, and how much of it a US$ is."""
    global _currency
    _currency = currency


def symbol() -> str:
    """The sign before amounts: `$`, `¥`, `CHF `. US$ where no rate is known for another currency."""
    code = _shown_currency()[0]
    return _SYMBOLS.get(code, f"{code} ")


def price(dollars: float) -> str:
    """A price of a million tokens, as short as it can be said."""
    return f"{symbol()}{dollars * _shown_currency()[1]:.5g}"


def money(dollars: float) -> str:
    """An amount of US$ in the currency shown: cents where they say it all, else as many digits as are needed.

    What is not nothing is never written as nothing.
    """
    amount, sign = dollars * _shown_currency()[1], symbol()
    if amount == 0 or amount >= 1 or abs(amount - round(amount, 2)) < 0.00005 <= round(amount, 2):
        return f"{sign}{amount:,.2f}"
    for digits in (4, 6):
        if round(amount, digits) >= 10**-digits:
            return f"{sign}{amount:.{digits}f}"
    return f"<{sign}0.000001"


def _shown_currency() -> tuple[str, float]:
    code, rate = _currency()
    return (code.upper(), rate) if rate > 0 else in_dollars()


_currency: Callable[[], tuple[str, float]] = in_dollars
