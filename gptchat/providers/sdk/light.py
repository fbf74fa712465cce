"""The OpenAI SDK, imported without the types of its answers until somebody asks for one.

Requests are sent and answers read as plain JSON, so most of `openai.types`, which is most of the time and memory
that `import openai` takes, is never used. Other modules import the SDK from here.
"""

from __future__ import annotations

import sys
import threading
from importlib import import_module
from importlib.machinery import PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec

    import openai as openai  # for the modules that import it from here

_TYPES = "openai.types"


class _Package(ModuleType):
    """A package that runs its `__init__` at the first attribute that it lacks; its modules import without that."""

    def __getattr__(self, name: str) -> Any:
        # The import system and inspection look for special names. Only `from ... import *` asks for `__all__`.
        if not name.startswith("__") or name == "__all__":
            _Package._run(self)  # by its class: another thread may have made an ordinary package of it by now
            if type(self) is ModuleType and name in self.__dict__:
                return self.__dict__[name]
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}", name=name, obj=self)

    def __dir__(self) -> list[str]:
        self._run()
        return sorted(self.__dict__)

    def _run(self) -> None:
        # Without a lock, which could wait for a module that another thread imports while that thread waits here:
        # running it twice at the same time only repeats its imports.
        running: set[str] = _THREAD.__dict__.setdefault("running", set())
        if self.__name__ in running:
            return  # a module of the package, imported by it, asks for something that comes later
        running.add(self.__name__)
        try:
            self.__loader__.exec_module(self)  # type: ignore[union-attr]  # set by _Loader, and never None
        finally:
            running.discard(self.__name__)
        self.__class__ = ModuleType  # type: ignore[assignment]  # an ordinary package from now on


_THREAD = threading.local()


class _Loader:
    """Creates a package without running it; `real` runs it later."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Package(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._real
        if module.__spec__ is not None:
            module.__spec__.loader = self._real


class _Finder:
    """Finds the packages below `openai.types`, to be run later."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != _TYPES and not name.startswith(f"{_TYPES}."):
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.submodule_search_locations is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)  # type: ignore[assignment]  # a loader by its methods
        return spec


def _imported() -> ModuleType:
    """The SDK. If a release cannot be imported without its types, it is imported with them."""
    if "openai" not in sys.modules:
        finder: Any = _Finder
        sys.meta_path.insert(0, finder)
        try:
            import_module("openai")
        except Exception:
            sys.meta_path.remove(finder)
            for name in [name for name in sys.modules if name.partition(".")[0] == "openai"]:
                del sys.modules[name]
    return import_module("openai")


if not TYPE_CHECKING:
    openai = _imported()
