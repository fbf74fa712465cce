"""The SDK without its types is the same SDK: every name is there, in any thread, and with any release."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

ALL_NAMES = """
import importlib, json, pkgutil, sys
{how}
import openai.resources, openai.types
names = [
    module.name
    for root in (openai.types, openai.resources)
    for module in pkgutil.walk_packages(root.__path__, root.__name__ + ".")
]
for name in names:
    importlib.import_module(name)
found = {{name: sorted(key for key in dir(sys.modules[name]) if key[:2] != "__") for name in names}}
for name, keys in found.items():
    for key in keys:
        getattr(sys.modules[name], key)
print(json.dumps([found, sorted(key for key in dir(openai) if key[:2] != "__")]))
"""


def run(program: str, *path: Path) -> str:
    """The output of a program of its own, with gptchat and then `path` importable."""
    code = f"import sys; sys.path[:0] = {[str(folder) for folder in (*path, ROOT)]}\n{program}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.timeout(60)
def test_every_name_of_the_sdk_is_where_it_is_without_us() -> None:
    """Code beside gptchat finds every module, class and function of the SDK that `import openai` gives it."""
    light = json.loads(run(ALL_NAMES.format(how="from gptchat.providers.sdk.light import openai")))
    plain = json.loads(run(ALL_NAMES.format(how="import openai")))
    assert light == plain
    assert len(light[0]) > 500


def test_a_first_request_loads_few_of_the_types() -> None:
    """Importing the SDK leaves out the types of answers that nobody reads."""
    count = "print(sum(name.startswith('openai.types') for name in sys.modules))"
    light = int(run(f"import sys\nfrom gptchat.providers.sdk.light import openai\n{count}"))
    plain = int(run(f"import sys, openai\n{count}"))
    assert light < plain / 3


def test_a_type_is_there_when_it_is_asked_for() -> None:
    """A program that uses gptchat's library and the SDK's types gets the types, by name or by `import *`."""
    run(
        "from gptchat.providers.sdk.light import openai\n"
        "from types import ModuleType\n"
        "from openai.types.chat import *\n"
        "assert ChatCompletion is openai.types.chat.ChatCompletion\n"
        "assert openai.types.CreateEmbeddingResponse.model_fields\n"
        "assert type(openai.types) is ModuleType\n"
        "assert not hasattr(openai.types, 'NoSuchType')\n"
    )


def test_threads_may_ask_for_types_at_the_same_time() -> None:
    """Threads that ask for types of packages which need one another all get them."""
    run(
        "import sys, threading\n"
        "from gptchat.providers.sdk.light import openai\n"
        "sys.setswitchinterval(1e-6)\n"
        "got, start = [], threading.Barrier(8)\n"
        "def ask(number):\n"
        "    start.wait()\n"
        "    if number % 2:\n"
        "        from openai.types.responses import Response\n"
        "    from openai.types.chat import ChatCompletion\n"
        "    got.append(openai.types.graders.MultiGrader and ChatCompletion)\n"
        "threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]\n"
        "[thread.start() for thread in threads], [thread.join(30) for thread in threads]\n"
        "assert len(got) == 8 and len(set(got)) == 1, got\n"
    )


def test_a_release_that_needs_its_types_is_imported_with_them(tmp_path: Path) -> None:
    """An SDK that cannot be imported without its types is imported as a whole."""
    package = tmp_path / "openai"
    (package / "types").mkdir(parents=True)
    (package / "types" / "__init__.py").write_text("READY = True\n")
    (package / "__init__.py").write_text(
        "from . import types\nif 'READY' not in vars(types):\n    raise RuntimeError('types are missing')\n"
    )
    run("from gptchat.providers.sdk.light import openai\nassert openai.types.READY\n", tmp_path)


def test_one_module_imports_the_sdk() -> None:
    """No other module of gptchat imports the SDK at run time, which would load all of it."""
    guilty = []
    for path in (ROOT / "gptchat").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        typed = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
            for inner in ast.walk(node)
        }
        for node in ast.walk(tree):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            if id(node) not in typed and any(name.partition(".")[0] == "openai" for name in names):
                guilty.append(path.name)
    assert guilty == []
