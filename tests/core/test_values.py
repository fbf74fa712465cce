"""Value classes behave as the standard library's dataclasses do, whatever is compiled late."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from gptchat import values


def _classes(made_by: Any) -> list[Any]:
    """The same classes, by one of the two modules."""

    @made_by.dataclass(frozen=True, slots=True)
    class Plain:
        name: str
        size: int = 3
        kind: ClassVar[str] = "plain"

        @property
        def twice(self) -> int:
            """A method beside the fields."""
            return self.size * 2

    @made_by.dataclass(slots=True)
    class Changing:
        names: list[str] = made_by.field(default_factory=list)
        secret: str = made_by.field(default="", repr=False)

    @made_by.dataclass(frozen=True)
    class Loose:
        value: int = 1
        beside: object = made_by.field(default=None, compare=False)

    @made_by.dataclass(frozen=True, slots=True, kw_only=True)
    class Named:
        one: int
        two: int = 2

    @made_by.dataclass(eq=False, slots=True)
    class Itself:
        value: int = 1

    @made_by.dataclass(frozen=True, slots=True)
    class Derived(Plain):
        more: str = made_by.field(default="", kw_only=True)

    return [Plain, Changing, Loose, Named, Itself, Derived]


OURS, THEIRS = _classes(values), _classes(dataclasses)
PLAIN, CHANGING, LOOSE, NAMED, ITSELF, DERIVED = range(6)


def _outcome(act: Callable[[list[Any], Any], object], classes: list[Any], module: Any) -> object:
    try:
        return act(classes, module)
    except Exception as error:
        return type(error)


@pytest.mark.parametrize(
    "act",
    [
        lambda c, _m: repr(c[PLAIN]("a")),
        lambda c, _m: repr(c[CHANGING](["x"], "hidden")),
        lambda c, _m: repr(c[DERIVED]("a", 1, more="b")),
        lambda c, _m: c[DERIVED]("a", 1, "b"),
        lambda c, _m: (c[PLAIN]("a", size=2).twice, c[PLAIN].kind),
        lambda c, _m: [one.__match_args__ for one in c],
        lambda c, _m: c[PLAIN](),
        lambda c, _m: c[PLAIN]("a", 1, 2),
        lambda c, _m: c[PLAIN]("a", other=2),
        lambda c, _m: c[NAMED](1),
        lambda c, _m: [c[PLAIN]("a") == other for other in (c[PLAIN]("a", 3), c[PLAIN]("b"), ("a", 3))],
        lambda c, _m: c[PLAIN]("a") == c[DERIVED]("a"),
        lambda c, _m: hash(c[PLAIN]("a")) == hash(c[PLAIN]("a", 3)),
        lambda c, _m: hash(c[CHANGING]()),
        lambda c, _m: (c[LOOSE](1, "x") == c[LOOSE](1, "y"), hash(c[LOOSE](1, [])) == hash(c[LOOSE](1, 2))),
        lambda c, _m: (c[ITSELF]() == c[ITSELF](), {(one := c[ITSELF]()): 1}[one]),
        lambda c, _m: setattr(c[PLAIN]("a"), "name", "b"),
        lambda c, _m: delattr(c[PLAIN]("a"), "name"),
        lambda c, _m: setattr(c[CHANGING](), "other", 1),
        lambda c, _m: vars(c[LOOSE](2)),
        lambda c, _m: c[CHANGING]().names is c[CHANGING]().names,
        lambda c, m: repr(m.replace(c[PLAIN]("a"), size=4)),
        lambda c, m: m.replace(c[PLAIN]("a"), other=4),
        lambda c, m: [(e.name, e.type, e.default is m.MISSING, e.repr, e.kw_only) for e in m.fields(c[DERIVED])],
        lambda c, _m: dataclasses.asdict(c[CHANGING](["x"])),
        lambda c, _m: repr(dataclasses.replace(c[PLAIN]("a"), size=4)),
        lambda c, _m: [entry.name for entry in dataclasses.fields(c[DERIVED])],
        lambda c, _m: (copy.copy(c[PLAIN]("a")) == c[PLAIN]("a"), copy.deepcopy(c[DERIVED]("a")).size),
        lambda c, _m: (c[PLAIN].__init__.__module__ == c[PLAIN].__module__),
        lambda c, _m: (c[PLAIN].__init__.__name__, c[PLAIN].__module__, c[PLAIN].__qualname__),
    ],
)  # fmt: skip
def test_a_value_class_does_what_the_standard_library_does(act: Callable[[list[Any], Any], object]) -> None:
    """Making, comparing, printing, copying and refusing are the same, before and after methods are compiled."""
    expected = _outcome(act, THEIRS, dataclasses)
    assert [_outcome(act, OURS, values) for _time in range(2)] == [expected] * 2
    assert _outcome(act, _classes(values), values) == _outcome(act, _classes(dataclasses), dataclasses)


def test_a_value_can_be_pickled() -> None:
    """A value of a class of the program comes back as it was."""
    from gptchat.core.messages import Usage

    usage = Usage(1, 2)
    assert pickle.loads(pickle.dumps(usage)) == usage


def test_what_is_not_supported_is_refused() -> None:
    """A class that relies on what value classes lack cannot be defined: it never behaves otherwise in silence."""
    with pytest.raises(TypeError):

        @values.dataclass
        class Checked:
            size: int

            def __post_init__(self) -> None:
                """Never called by a value class."""

    with pytest.raises(TypeError):

        @values.dataclass
        class Given:
            size: dataclasses.InitVar[int]

    with pytest.raises(TypeError):
        values.dataclass(order=True)
