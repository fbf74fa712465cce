"""Decisions are made from values: declared abilities and a server's codes, never kinds or words for people."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args

import pytest

import gptchat
from gptchat.config.endpoints import Kind
from gptchat.providers.kinds import ABILITIES

ROOT = Path(gptchat.__file__).parent
KNOWING = {"providers", "config"}
"""The packages that may test a kind: the providers themselves, and what their settings mean."""
QUESTIONS = {"isinstance", "issubclass", "getattr", "hasattr", "type"}
PROVIDERS = {"provider", "engine", "open_unsettled", "open_provider"}
"""How variables, attributes and functions that give a provider are called; annotated ones are found by that."""


def _is_kind(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value in ABILITIES


def _name(node: ast.AST) -> str:
    """The last word of `a.b`, `a.b()` or `await a.b()`."""
    while isinstance(node, (ast.Call, ast.Await)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _providers(tree: ast.AST) -> set[str]:
    """The names in `tree` that stand for a provider."""
    names = set(PROVIDERS)
    for node in ast.walk(tree):
        if not isinstance(node, (ast.arg, ast.AnnAssign)) or node.annotation is None:
            continue
        if "Provider" in {_name(part) for part in ast.walk(node.annotation)}:
            names.add(node.arg if isinstance(node, ast.arg) else _name(node.target))
    return names


def _asks(node: ast.AST, providers: set[str]) -> bool:
    """Whether `node` tests the kind of a provider, or what sort of object it is."""
    match node:
        case ast.Compare(left=left, comparators=others):
            sides = [left, *others]
            kinds = any(_is_kind(part) for side in sides for part in ast.walk(side))
            return kinds and any(_name(side) == "kind" for side in sides)
        case ast.Match(subject=subject, cases=cases):
            patterns = [part for case in cases for part in ast.walk(case.pattern)]
            tested = any(isinstance(part, ast.MatchClass) for part in patterns)
            return (_name(subject) == "kind" and any(map(_is_kind, patterns))) or (
                _name(subject) in providers and tested
            )
        case ast.Dict(keys=keys):  # a table by kinds
            return len([key for key in keys if key is not None and _is_kind(key)]) > 1
        case ast.Call(func=ast.Name(id=question), args=[asked, *_rest]):
            return question in QUESTIONS and _name(asked) in providers
        case ast.ClassDef(decorator_list=decorators):
            return any(_name(decorator) == "runtime_checkable" for decorator in decorators)
    return False


def _questions(text: str) -> list[str]:
    tree = ast.parse(text)
    providers = _providers(tree)
    return [ast.unparse(node) for node in ast.walk(tree) if _asks(node, providers)]


def test_every_kind_declares_its_abilities() -> None:
    """Whatever kind the settings take, what it can do is declared."""
    assert set(ABILITIES) == set(get_args(Kind))


def test_only_providers_know_what_they_are() -> None:
    """A new kind of provider needs no change outside its package and the settings: it declares its abilities."""
    wrong = []
    for path in ROOT.rglob("*.py"):
        place = path.relative_to(ROOT)
        if place.parts[0] not in KNOWING:
            wrong += [f"{place}: {found}" for found in _questions(path.read_text(encoding="utf-8"))]
    assert wrong == []


@pytest.mark.parametrize(
    "text",
    [
        'a.kind == "azure"',
        '"azure" != a.kind',
        'kind in ("openai", "demo")',
        'settings.provider(name).kind not in {"compatible"}',
        'match entry.kind:\n    case "azure" | "openai": pass',
        'headers = {"azure": "api-key", "openai": "Authorization"}',
        "isinstance(route.provider, X)",
        "hasattr(await routing.provider(), 'api')",
        'getattr(routing.provider(), "rate_limits", None)',
        "type(routing.open_unsettled(entry)).__name__",
        "def f(asked: Provider | None) -> bool: return isinstance(asked, X)",
        "match provider:\n    case Engine(): pass",
        "@runtime_checkable\nclass Moderates(Protocol): pass",
    ],
)
def test_a_question_what_a_provider_is_is_found(text: str) -> None:
    """The search sees every way in which a kind or a class of provider can be tested."""
    assert len(_questions(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        'error.kind == "quota"',
        'piece.kind in ("fence", "table")',
        'facts.provider == "openai"',
        "isinstance(settings, X)",
        "provider.abilities.api",
        "row = [entry.name, entry.kind]",
        'ProviderSettings(name, "compatible")',
        'match piece.kind:\n    case "fence": pass',
    ],
)
def test_other_questions_are_left_alone(text: str) -> None:
    """Other things have kinds too, and a kind may be shown, stored and chosen."""
    assert _questions(text) == []


ERRORS = {"error", "failure", "problem", "trouble", "missing"}
"""How variables and attributes that hold an error are called."""
READING = {
    "search",
    "match",
    "fullmatch",
    "findall",
    "finditer",
    "startswith",
    "endswith",
    "partition",
    "find",
    "split",
}


def _is_display_text(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(value=value, attr="message" | "hint"):
            return _name(value) in ERRORS
        case ast.Call(func=ast.Name(id="str"), args=[value]):
            return _name(value) in ERRORS
        case ast.Call(func=ast.Attribute(value=value, attr="lower" | "casefold" | "strip")):
            return _is_display_text(value)
    return False


def _reads(node: ast.AST) -> bool:
    """Whether `node` looks for something in the display text of an error."""
    match node:
        case ast.Compare(left=left, ops=ops, comparators=others):
            looking = any(isinstance(operator, (ast.In, ast.NotIn, ast.Eq)) for operator in ops)
            return looking and any(map(_is_display_text, [left, *others]))
        case ast.Call(func=ast.Attribute(value=value, attr=function), args=arguments):
            return function in READING and any(map(_is_display_text, [value, *arguments]))
    return False


def test_no_words_for_people_are_read_again() -> None:
    """What went wrong is decided from class, status, code and the server's own text, not from display text."""
    wrong = []
    for path in ROOT.rglob("*.py"):
        found = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if _reads(node)]
        wrong += [f"{path.relative_to(ROOT)}: {ast.unparse(node)}" for node in found]
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('"quota" in error.message', True),
        ('"quota" in str(outcome.error).lower()', True),
        ("re.search(pattern, error.message)", True),
        ("_LIMIT.search(str(failure))", True),
        ('error.hint.startswith("top up")', True),
        ("error.said.text.split()", False),
        ("print(error.message)", False),
        ('error.kind == "quota"', False),
        ('"x" in message.text', False),
    ],
)
def test_reading_words_for_people_is_found(text: str, found: bool) -> None:
    """The search sees a look into the display text of an error, and leaves alone what is only shown."""
    assert any(_reads(node) for node in ast.walk(ast.parse(text))) == found
