"""The house keeps its floors: a room imports only from floors below its own."""

from __future__ import annotations

import ast
from pathlib import Path

import gptchat

ROOT = Path(gptchat.__file__).parent
FLOORS = (
    {"values", "waiting", "leaving", "words", "notices"},
    {"errors", "redaction", "files"},
    {"core", "foreign"},
    {"grammar", "vendors"},
    {"config"},
    {"net"},
    {"providers", "storage", "tokens", "catalogue", "attachments"},
    {"exchange", "tools", "knowledge"},
    {"manager"},
    {"conversation"},
    {"commands"},
    {"terminal"},
    {"cli", "__main__"},
)
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
OUTSIDE = {
    "prompt_toolkit": {"terminal"},
    "rich": {"terminal"},
    "pygments": {"grammar"},
    "openai": {"providers"},
    "httpx2": {"net", "providers", "attachments", "tools"},
    "httpcore2": {"net"},
    "mcp": {"tools"},
    "anyio": {"tools"},
    "yaml": {"tools"},
    "tiktoken": {"tokens"},
    "wcwidth": {"terminal"},
}


def _imports(path: Path) -> set[str]:
    """Every module that a file imports anywhere, by its full name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            base = node.module or ""
            found.add(base)
            if base.split(".")[0] == "gptchat":
                found.update(f"{base}.{alias.name}" for alias in node.names)
    return found


def _room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def _files() -> list[Path]:
    return [path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py"]


def test_every_room_has_a_floor() -> None:
    """A new room is given its place in the house when it is built."""
    assert {_room(path) for path in _files()} == set(FLOOR_OF)


def test_no_import_runs_upward_or_sideways() -> None:
    """A change in one room can only be felt on the floors above it."""
    wrong = []
    for path in _files():
        room = _room(path)
        for module in _imports(path):
            parts = module.split(".")
            if parts[0] != "gptchat" or len(parts) < 2 or parts[1] == "__version__":
                continue
            other = parts[1]
            if other != room and FLOOR_OF.get(other, -1) >= FLOOR_OF[room] and room != "__main__":
                wrong.append(f"{path.relative_to(ROOT)} imports {module}")
    assert wrong == []


def test_libraries_are_known_to_their_own_rooms_only() -> None:
    """The terminal's libraries, the wire's and the counter's can be replaced in one room each."""
    wrong = []
    for path in _files():
        for module in _imports(path):
            allowed = OUTSIDE.get(module.split(".")[0])
            if allowed is not None and _room(path) not in allowed:
                wrong.append(f"{path.relative_to(ROOT)} imports {module}")
    assert wrong == []


def test_the_core_does_nothing_but_think() -> None:
    """The rules hold anywhere: core has no I/O, no clock, no environment, and only the standard library."""
    banned = {"os", "sys", "io", "pathlib", "time", "socket", "subprocess", "asyncio", "threading", "random"}
    for path in (ROOT / "core").rglob("*.py"):
        roots = {module.split(".")[0] for module in _imports(path)}
        assert not roots & banned, f"{path.name} imports {roots & banned}"


def test_settings_are_read_as_values() -> None:
    """Outside the settings themselves no code names a setting by a text, so that a slip is a type error."""
    wrong = []
    for path in _files():
        text = path.read_text(encoding="utf-8")
        if _room(path) == "config" or "import Settings" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                of = ast.unparse(node.func.value)
                named = isinstance(node.args[0], ast.Constant) and node.func.attr == "get"
                if named and of.split(".")[-1] in ("settings", "_settings") and "session" not in of:
                    wrong.append(f"{path.relative_to(ROOT)}: {ast.unparse(node)}")
    assert wrong == []


def test_files_stay_short_enough_to_read() -> None:
    """Every file fits in one sitting, and its first line says what its room is for."""
    for path in _files():
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= 350, f"{path.relative_to(ROOT)} has {text.count(chr(10))} lines"
        assert text.startswith('"""'), f"{path.relative_to(ROOT)} does not say what it is for"


def test_no_folder_is_crowded() -> None:
    """A folder holds at most sixteen modules beside its `__init__`."""
    for folder in {path.parent for path in _files()}:
        modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        assert len(modules) <= 16, f"{folder.relative_to(ROOT)} has {len(modules)} modules"


def test_no_two_classes_share_a_name() -> None:
    """No two public classes have the same name: one word never means two things."""
    names = [
        node.name
        for path in _files()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def _circles(graph: dict[str, set[str]]) -> set[str]:
    """The modules of `graph` that stand in an import circle or lead into one."""
    while leaves := {name for name, imported in graph.items() if not imported & graph.keys()}:
        graph = {name: imported for name, imported in graph.items() if name not in leaves}
    return set(graph)


def test_no_two_modules_import_each_other() -> None:
    """There is no import circle, those through a package's `__init__` or for the type checker alone included."""
    modules: dict[str, Path] = {}
    for path in _files():
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    graph: dict[str, set[str]] = {}
    for name, path in modules.items():
        imported = _imports(path) & modules.keys() - {name}
        # `from package import module` names both, and needs only the module.
        packages = {one.rpartition(".")[0] for one in imported if one.rpartition(".")[0] in imported}
        graph[name] = imported - packages
    assert not _circles(graph)


def test_a_circle_would_be_found() -> None:
    """The search for circles sees two that import each other, and leaves alone those that do not."""
    assert _circles({"a": {"b"}, "b": {"a"}, "c": set()}) == {"a", "b"}
    assert not _circles({"a": {"b"}, "b": {"c"}, "c": set()})
