"""One field of a dataclass is all that a setting is declared by."""

from collections.abc import Mapping
from typing import Any, Literal

from gptchat.config.setting import Flag, declared, setting
from gptchat.values import dataclass


@dataclass(frozen=True)
class Everything:
    """A group with a setting of each type."""

    text: str = setting("", "A text", variable="TEXT", flag=Flag("a text", "TEXT", "-t"))
    choice: Literal["a", "b"] = setting("a", "A choice")
    open_choice: Literal["a", "b"] | Literal[""] = setting("", "A choice or nothing")
    no_choice: Literal["a", "b"] | None = setting(None, "A choice or none", example="b")
    whole: int = setting(3, "A whole number", 0, 9)
    maybe: float | None = setting(None, "A number or none", 0, example=0.5)
    flag: bool = setting(True, "A flag")
    names: tuple[str, ...] = setting((), "A list")
    stop: str | tuple[str, ...] | None = setting(None, "A text or a list", example="x")
    bias: Mapping[str, float] | None = setting(None, "Numbers by name", example={"1": 2})
    texts: Mapping[str, str] = setting({}, "Texts by name")
    anything: Mapping[str, Any] = setting({}, "A table")
    plain: str = "no setting"


def test_type_and_choices_are_the_annotations() -> None:
    """A setting takes what its field may hold, None left out; a field that declares nothing is no setting."""
    found = {key: (one.type, one.choices) for key, one in declared(Everything, "x.", "program").items()}
    assert found == {
        "x.text": ("text", ()),
        "x.choice": ("text", ("a", "b")),
        "x.open_choice": ("text", ("a", "b")),
        "x.no_choice": ("text", ("a", "b")),
        "x.whole": ("integer", ()),
        "x.maybe": ("number", ()),
        "x.flag": ("flag", ()),
        "x.names": ("list", ()),
        "x.stop": ("stop", ()),
        "x.bias": ("bias", ()),
        "x.texts": ("texts", ()),
        "x.anything": ("object", ()),
    }


def test_what_is_said_beside_the_default_arrives() -> None:
    """Sentence, bounds, example, variable and flag are the setting's, and the default is the field's own."""
    found = declared(Everything, "", "chat")
    assert found["text"].variable == "TEXT"
    assert found["text"].flag == Flag("a text", "TEXT", "-t")
    assert (found["whole"].low, found["whole"].high, found["whole"].sentence) == (0, 9, "A whole number")
    assert found["maybe"].example == 0.5
    assert {one.scope for one in found.values()} == {"chat"}
    assert {key: one.default for key, one in found.items()} == {key: getattr(Everything(), key) for key in found}
    assert Everything().texts is not Everything().texts
