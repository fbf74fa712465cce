"""Dataclasses that cost almost nothing at import: same names and meaning as in `dataclasses`, lazily compiled.

The standard library imports `inspect` and compiles up to six methods of a class when the class is defined: 0.4 ms
a class, and the chat defines more than eighty. Here a method is compiled when it is first called. Not supported,
because the project does not use them: `order`, `init=False`, `__post_init__`, `InitVar`, `KW_ONLY`; each raises
TypeError when the class is defined.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dataclasses import MISSING as MISSING
    from dataclasses import dataclass as dataclass
    from dataclasses import field as field
    from dataclasses import fields as fields
    from dataclasses import replace as replace
else:
    MISSING = type("MISSING", (), {"__repr__": lambda _self: "MISSING"})()

    class Field:
        """One field, with as much of `dataclasses.Field` as its functions read (`asdict`, `is_dataclass`)."""

        __slots__ = ("compare", "default", "default_factory", "kw_only", "metadata", "name", "repr", "type")
        init = True

        def __init__(
            self, default=MISSING, default_factory=MISSING, repr=True, compare=True, kw_only=None, metadata=None
        ):
            self.name, self.type = "", None
            self.default, self.default_factory = default, default_factory
            self.repr, self.compare, self.kw_only = repr, compare, kw_only
            self.metadata = metadata or {}

        @property
        def _field_type(self):
            import dataclasses

            return dataclasses._FIELD

    def field(**settings):
        """As `dataclasses.field`."""
        return Field(**settings)

    def fields(of):
        """The fields of a class or an instance, in their order."""
        return tuple(of.__dataclass_fields__.values())

    def replace(value, /, **changes):
        """A copy of `value` with other values in some fields."""
        for name in value.__dataclass_fields__:
            if name not in changes:
                changes[name] = getattr(value, name)
        return type(value)(**changes)

    def dataclass(cls=None, /, *, frozen=False, slots=False, eq=True, repr=True, kw_only=False):
        """As `dataclasses.dataclass`."""
        if cls is None:
            return lambda cls: dataclass(cls, frozen=frozen, slots=slots, eq=eq, repr=repr, kw_only=kw_only)
        special = any("InitVar" in str(one) or "KW_ONLY" in str(one) for one in cls.__annotations__.values())
        if special or hasattr(cls, "__post_init__"):
            raise TypeError(f"{cls.__qualname__} needs the standard library's dataclasses")
        known, own = _fields(cls, kw_only)
        namespace = {**cls.__dict__, "__qualname__": cls.__qualname__}
        for entry in own:
            if slots or (isinstance(namespace.get(entry.name), Field) and entry.default is MISSING):
                namespace.pop(entry.name, None)
            elif entry.default is not MISSING:
                namespace[entry.name] = entry.default
        namespace.pop("__dict__", None)
        namespace.pop("__weakref__", None)
        if slots:
            taken = {name for base in cls.__mro__[1:] for name in getattr(base, "__slots__", ())}
            namespace["__slots__"] = tuple(entry.name for entry in own if entry.name not in taken)
        namespace["__dataclass_fields__"] = known
        namespace.setdefault("__match_args__", tuple(n for n, entry in known.items() if not entry.kw_only))
        methods = {"__init__": _frozen_init_source if frozen else _init_source}
        if eq:
            methods["__eq__"] = _eq_source
            if frozen:
                methods["__hash__"] = _hash_source
            else:
                namespace.setdefault("__hash__", None)
        if repr:
            namespace.setdefault("__repr__", _repr)
        if frozen:
            namespace.update(__setattr__=_refuse, __delattr__=_refuse)
            if slots:
                namespace.update(__getstate__=_get_state, __setstate__=_set_state)
        made = []
        for name, source in methods.items():
            if name not in namespace:
                namespace[name] = _at_first_use(name, source, known, made)
                namespace[name].__module__ = cls.__module__
        made.append(type(cls)(cls.__name__, cls.__bases__, namespace))
        return made[0]

    def _fields(cls, kw_only):
        """All fields by their names, the inherited ones first, and those that `cls` adds or changes."""
        known, own = {}, []
        for base in reversed(cls.__mro__[1:]):
            known.update(base.__dict__.get("__dataclass_fields__", ()))
        for name, annotation in cls.__annotations__.items():
            if str(annotation).removeprefix("typing.").startswith("ClassVar"):
                continue
            default = cls.__dict__.get(name, MISSING)
            if type(default).__name__ == "member_descriptor":  # of a class that has its slots already
                default = MISSING
            entry = default if isinstance(default, Field) else Field(default)
            entry.name, entry.type = name, annotation
            if entry.kw_only is None:
                entry.kw_only = kw_only
            known[name] = entry
            own.append(entry)
        return known, own

    def _at_first_use(name, source, known, made):
        """A method that compiles `source(known)`, replaces itself in the class `made[0]`, and calls the result.

        The first instance is made without: of many classes there is only one.
        """
        used = []

        def first(self, *arguments, **named):
            if name == "__init__" and not used and _assign(self, known, arguments, named):
                used.append(True)
                return None
            scope = {"_set": object.__setattr__, "MISSING": MISSING, "__name__": made[0].__module__}
            for entry in known.values():
                scope[f"_{entry.name}"] = entry.default
                scope[f"_make_{entry.name}"] = entry.default_factory
            exec(source(known), scope)  # noqa: S102 - names of fields are all that it is made of
            scope[name].__qualname__ = f"{made[0].__qualname__}.{name}"
            type.__setattr__(made[0], name, scope[name])
            return scope[name](self, *arguments, **named)

        first.__name__ = name
        return first

    def _assign(self, known, arguments, named):
        """Do what the compiled `__init__` would; False if that is to refuse the arguments."""
        positional = [entry.name for entry in known.values() if not entry.kw_only]
        given = dict(zip(positional, arguments, strict=False)) | named
        if len(given) != len(arguments) + len(named) or not given.keys() <= known.keys():
            return False
        for entry in known.values():
            if entry.name in given:
                value = given[entry.name]
            elif entry.default is not MISSING:
                value = entry.default
            elif entry.default_factory is not MISSING:
                value = entry.default_factory()
            else:
                return False
            object.__setattr__(self, entry.name, value)
        return True

    def _frozen_init_source(known):
        return _init_source(known, "_set(self, {!r}, {})")

    def _init_source(known, assignment="self.{} = {}"):
        ordered = [[e for e in known.values() if e.kw_only is named] for named in (False, True)]
        arguments = ["self"]
        for named, entries in enumerate(ordered):
            arguments += ["*"] * bool(named and entries)
            for e in entries:
                default = "MISSING" if e.default_factory is not MISSING else f"_{e.name}"
                required = e.default is MISSING and e.default_factory is MISSING
                arguments.append(e.name if required else f"{e.name}={default}")
        lines = []
        for e in known.values():
            made = e.default_factory is not MISSING
            value = f"_make_{e.name}() if {e.name} is MISSING else {e.name}" if made else e.name
            lines.append(assignment.format(e.name, value))
        return f"def __init__({', '.join(arguments)}):\n " + "\n ".join(lines or ["pass"])

    def _tuple(known, of):
        return "(" + "".join(f"{of}.{e.name}, " for e in known.values() if e.compare) + ")"

    def _eq_source(known):
        same = f"{_tuple(known, 'self')} == {_tuple(known, 'other')}"
        return f"def __eq__(self, other):\n return {same} if other.__class__ is self.__class__ else NotImplemented"

    def _hash_source(known):
        return f"def __hash__(self):\n return hash({_tuple(known, 'self')})"

    def _repr(self):
        shown = (f"{e.name}={getattr(self, e.name)!r}" for e in fields(self) if e.repr)
        return f"{type(self).__qualname__}({', '.join(shown)})"

    def _refuse(self, name, value=None):
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot change field {name!r}")

    def _get_state(self):
        return [getattr(self, name) for name in self.__dataclass_fields__]

    def _set_state(self, state):
        for name, value in zip(self.__dataclass_fields__, state, strict=True):
            object.__setattr__(self, name, value)
