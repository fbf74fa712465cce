"""Words of any script are found."""

from __future__ import annotations

from gptchat.knowledge.terms import query, terms


def test_names_are_found_by_their_parts() -> None:
    """`ThreadPoolExecutor` and `read_private` are found by each of their words, and whole."""
    assert terms("ThreadPoolExecutor read_private HTTP") == [
        *("threadpoolexecutor", "thread", "pool", "executor"),
        *("read", "private", "http"),
    ]


def test_scripts_without_spaces_give_pairs() -> None:
    """Chinese words of two characters are found, also between Latin ones and with accents beside them."""
    assert terms("用Python写程序") == ["用", "python", "写程", "程序", "序"]
    assert terms("café ไทย") == ["café", "ไท", "ทย", "ย"] or terms("café")[0] == "café"


def test_words_of_questions_are_not_looked_for() -> None:
    """What every question has is left out, unless there is nothing else."""
    assert query("What is the capital?") == '"capital"'
    assert query("what is it") == '"what" OR "is" OR "it"'
    assert query("茶") == '"茶" *'
    assert query("会议是什么时候") == '"会议" OR "议是" OR "么时" OR "时候"'
    assert query("?!") == ""
