"""Every state in which the program waits: how it is reached, how it can be left, and what must be kept."""

from __future__ import annotations

import fcntl
import json
import subprocess
import termios
from collections.abc import Callable
from dataclasses import dataclass

from tests.benchmarks.sessions import make_session
from tests.chat.home import ready
from tests.leaving.stage import WAYS, Stage, alive, dripping, until
from tests.support.server import Gate, hang, refuse
from tests.support.server import say as reply

ALL = tuple(WAYS)
SIGNALS = ("SIGTERM", "SIGHUP", "SIGINT", "closed")
KILLED = ("SIGTERM", "SIGHUP", "SIGINT")
NOT_INTERRUPTED = ("SIGTERM", "SIGHUP", "closed")
"""Where Ctrl-C is a key of the editor, or of a terminal that sends it as SIGINT."""


def _nothing(_stage: Stage) -> None:
    """What must be kept where nothing was typed or answered."""


@dataclass(frozen=True)
class State:
    """A state. `waits` are the calls of the code in which the program then waits, as `test_leaving` finds them."""

    reach: Callable[[Stage], object]
    ways: tuple[str, ...] = ALL
    kept: Callable[[Stage], None] = _nothing
    waits: tuple[str, ...] = ()
    left: int = 0
    """The exit status of a person who leaves; 1 where something is lost."""


def _begins(text: str) -> Callable[[Stage], None]:
    def kept(stage: Stage) -> None:
        assert stage.draft.startswith(text)

    return kept


def _draft(text: str) -> Callable[[Stage], None]:
    def kept(stage: Stage) -> None:
        assert stage.draft == text, text

    return kept


def _part(stage: Stage) -> None:
    """What came of the reply is in the session."""
    role, text, status = stage.home.messages()[-1]
    assert (role, text.strip(), status) == ("assistant", "the part that came", "interrupted")


def _part_and_queue(stage: Stage) -> None:
    _part(stage)
    assert stage.draft == "a queued message"


def _first(stage: Stage, keys: str = "", shown: str = "") -> None:
    screen = stage.home.chat(rows=40, ready="How do you want to connect?")
    stage.screen = screen
    screen.wait_for("›")
    if keys:
        screen.send(keys)
        screen.wait_for(shown)


def _saved(stage: Stage, messages: int, text: str) -> None:
    """Give Alice a session of so many messages."""
    folder = stage.home.data / "users" / "alice" / "sessions"
    folder.mkdir(parents=True)
    journal = make_session(stage.home.data, messages, text=text)
    records = journal.read_text(encoding="utf-8").replace('"user": "bench"', '"user": "alice"')
    (folder / journal.name).write_text(records, encoding="utf-8")


def _long_reply(stage: Stage) -> None:
    """A reply of a megabyte of an earlier day is being printed."""
    _saved(stage, 2, "begins\n\n" + "- a line\n" * 100_000)
    stage.chat("-c", ready_at="• a line")


def _greeted(stage: Stage) -> None:
    _saved(stage, 3000, "A message of a few words.")
    history = stage.home.data / "users" / "alice" / "input_history"
    history.write_text("".join(f"\n# 2026-11-20 08:30:15\n+line {number}\n" for number in range(20_000)))
    stage.chat("-c", ready_at="/help lists the commands")


def _menu(stage: Stage) -> None:
    screen = stage.typing("/mod", "/models")
    screen.send("\t")
    screen.wait_for(lambda: "Choose" in screen.text or "List" in screen.text or "/models" in screen.text)


def _picker(stage: Stage) -> None:
    screen = stage.spoken("one")
    screen.send("/new\r")
    screen.wait_for("a new session begins")
    ready(screen)
    screen.send("/resume\r")
    screen.wait_for("Enter opens, Esc goes back")


def _message_picker(stage: Stage) -> None:
    screen = stage.spoken("one")
    screen.send("/tree\r")
    screen.wait_for("Enter opens, Esc goes back")


def _choice(stage: Stage) -> None:
    screen = stage.spoken("one")
    screen.send("/delete\r")
    screen.wait_for("n  ")


def _pasted_command(stage: Stage) -> None:
    screen = stage.chat()
    ready(screen)
    screen.paste("!touch ran")
    screen.send("\r")
    screen.wait_for("run it in the shell?")


def _not_run(stage: Stage) -> None:
    assert not (stage.home.folder / "ran").exists()
    assert stage.draft == "!touch ran"


def _before_sending(stage: Stage) -> None:
    stage.typing("read @/etc/passwd\r", "outside the working folder")


def _editor(stage: Stage) -> None:
    script = stage.home.folder / "editor"
    script.write_text("#!/bin/sh\nprintf 'what was saved' > \"$1\"\ntouch opened\nsleep 60 & wait\n")
    script.chmod(0o755)
    screen = stage.chat(environment={"EDITOR": str(script)})
    ready(screen)


def _prompt_editor(stage: Stage) -> None:
    _editor(stage)
    assert stage.screen is not None
    stage.screen.send("a draft\x18\x05")
    until((stage.home.folder / "opened").exists, "the editor")


def _command_editor(stage: Stage) -> None:
    _editor(stage)
    assert stage.screen is not None
    stage.screen.send("/editor\r")
    until((stage.home.folder / "opened").exists, "the editor")


def _shell(stage: Stage) -> None:
    stage.typing("!trap '' TERM; sh -c 'trap \"\" TERM; sleep 61' & echo $! > child; wait; wait\r", "working")
    until(lambda: (stage.home.folder / "child").exists() and (stage.home.folder / "child").read_text(), "child")


def _no_child(stage: Stage) -> None:
    until(lambda: not alive(int((stage.home.folder / "child").read_text())), "the end of the child", 1.0)


def _call(stage: Stage, answer: str = "", shown: str = "› [n]", length: int = 1, editor: str = "") -> None:
    """A call of a command that waits and leaves a file, and what is answered when it is asked about."""
    command = "sh -c 'echo $$ > child; sleep 62; touch {name}'"
    stage.home.connect(stage.server.url)
    stage.home.config.write_text(f'{stage.home.config.read_text()}[tools.make]\ncommand = "{command}"\n')
    given = json.dumps({"name": "x" * length})
    calls = [{"id": "c1", "function": {"name": "make", "arguments": given}}]
    stage.server.script(reply("One moment.", calls=calls, finish="tool_calls"))
    if editor:
        _editor(stage)
    else:
        ready(stage.chat())
    assert stage.screen is not None
    stage.screen.send("go\r")
    stage.screen.wait_for("› [n]")
    if answer:
        stage.screen.send(answer)
        stage.screen.wait_for(shown)


def _edited_call(stage: Stage) -> None:
    _call(stage, length=400, editor="yes")
    assert stage.screen is not None
    stage.screen.send("e\r")
    until((stage.home.folder / "opened").exists, "the editor")


def _call_not_run(stage: Stage) -> None:
    assert not (stage.home.folder / "child").exists()
    assert stage.home.messages()[1][:2] == ("assistant", "One moment.")


def _streaming(stage: Stage) -> None:
    stage.server.script(reply("the part ", "that came", Gate()))
    stage.typing("go\r", "the part that came")


def _streaming_and_queue(stage: Stage) -> None:
    _streaming(stage)
    assert stage.screen is not None
    stage.screen.send("a queued message\r")
    stage.screen.wait_for("1 message waits")


def _streaming_and_draft(stage: Stage) -> None:
    _streaming_and_queue(stage)
    assert stage.screen is not None
    stage.screen.send("and a draft")
    stage.screen.wait_for("› and a draft")


def _queue_and_draft(stage: Stage) -> None:
    _part(stage)
    assert stage.draft == "a queued message\nand a draft"


def _comparing(stage: Stage) -> None:
    stage.server.default = lambda _request: reply("the part ", "that came", Gate())
    screen = stage.typing("/compare m n go\r", "the part that came")
    screen.wait_for(lambda: screen.text.count("the part that came") == 2)


def _parts(stage: Stage) -> None:
    """What came of each answer is in the session, beside the others."""
    journal = next((stage.home.data / "users" / "alice" / "sessions").glob("*.jsonl"))
    records = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    kept = [(one["parent"], one["content"]) for one in records if one.get("status") == "interrupted"]
    assert kept == [("m1", "the part that came")] * 2


def _choosing(stage: Stage) -> None:
    screen = stage.typing("/compare m n go\r", "which answer")
    screen.wait_for("› [1]")


def _first_goes_on(stage: Stage) -> None:
    assert [role for role, _text, _status in stage.home.messages()] == ["user", "assistant", "assistant"]


def _no_word(stage: Stage) -> None:
    stage.server.script(hang())
    stage.typing("go\r", "Esc stops")


def _retrying(stage: Stage) -> None:
    stage.server.script(*[refuse(503, headers={"Retry-After": "60"})] * 9)
    stage.typing("go\r", "trying again in")


def _asked(stage: Stage) -> None:
    assert stage.home.messages()[-1] == ("user", "go", "")
    assert stage.draft == ""


def _compacting(stage: Stage) -> None:
    screen = stage.spoken(*(f"turn {number}" for number in range(6)))
    stage.server.default = lambda _request: hang()
    screen.send("/compact\r")
    screen.wait_for(lambda: "working" in screen.text or "compact" in screen.lines[screen.cursor[0]])


def _importing(stage: Stage) -> None:
    one = [{"role": "user", "content": "x" * 200}, {"role": "assistant", "content": "y" * 200}]
    many = {f"person{number}": one * 20 for number in range(3000)}
    (stage.home.folder / "many.json").write_text(json.dumps(many))
    stage.typing("/import many.json\r", "reading many.json")


def _exporting(stage: Stage) -> None:
    screen = stage.spoken("one")
    screen.send("/export json kept.json\r")


def _page(stage: Stage, url: str) -> None:
    stage.typing(f"/attach {url}/page\r", "working")


def _endless_page(stage: Stage) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"
    _page(stage, dripping(head, b"3\r\n<a \r\n", 0.001))


def _dripping_page(stage: Stage) -> None:
    _page(stage, dripping(b"HTTP/1.1 200 OK\r\n", b"X-More: yes\r\n", 0.05))


def _endless_page_answer(stage: Stage) -> None:
    stage.home.connect(dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.0) + "/v1")
    stage.typing("go\r", "Esc stops")


def _dripping_answer(stage: Stage) -> None:
    stage.home.connect(dripping(b"HTTP/1.1 200 OK\r\n", b"X-More: yes\r\n", 0.05) + "/v1")
    stage.typing("go\r", "Esc stops")


def _trying(stage: Stage) -> None:
    stage.home.connect(dripping(b"HTTP/1.1 200 OK\r\n", b"X-More: yes\r\n", 0.05) + "/v1")
    stage.typing("/connect here\r", "trying")


def _dumb(stage: Stage) -> None:
    stage.chat(environment={"TERM": "dumb"})


def _dumb_streaming(stage: Stage) -> None:
    stage.server.script(reply("the part that came\n", Gate()))
    _dumb(stage)
    assert stage.screen is not None
    stage.screen.send("go\n")
    folder = stage.home.data / "users" / "alice" / "sessions"
    until(lambda: any("came" in path.read_text() for path in folder.glob("*.partial")), "the part")


def _dumb_secret(stage: Stage) -> None:
    _dumb(stage)
    assert stage.screen is not None
    stage.screen.send("/key set\n")
    stage.screen.wait_for("the API key for here")


def _one_shot(stage: Stage) -> None:
    stage.server.script(reply("the part ", "that came", Gate()))
    stage.terminal("go").wait_for("the part that came")


def _one_shot_comparing(stage: Stage) -> None:
    stage.server.default = lambda _request: reply("the part ", "that came", Gate())
    stage.terminal("/compare", "m", "n", "go").wait_for("the part that came")
    folder = stage.home.data / "users" / "alice" / "sessions"
    until(lambda: sum("came" in path.read_text() for path in folder.glob("*.partial")) == 2, "both parts")


def _one_shot_retrying(stage: Stage) -> None:
    stage.server.script(*[refuse(503, headers={"Retry-After": "60"})] * 9)
    stage.terminal("go").wait_for("trying again in")


def _one_shot_question(stage: Stage) -> None:
    stage.terminal("/key", "set").wait_for("the API key")


def _one_shot_line(stage: Stage) -> None:
    stage.spoken("one")
    assert stage.screen is not None
    stage.screen.close()
    stage.terminal("read @/etc/passwd").wait_for("send it?")


def _piped(stage: Stage) -> None:
    stage.server.script(reply("the part ", "that came", Gate()))
    process = stage.pipe("go")
    assert process.stdout is not None
    until(lambda: stage.server.requests, "the request")
    process.stdout.read(len("the part that came"))


def _reading(stage: Stage) -> None:
    process = stage.pipe("go", stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(b"so far")
    process.stdin.flush()
    waiting = bytearray(4)
    pipe = process.stdin.fileno()
    until(lambda: fcntl.ioctl(pipe, termios.FIONREAD, waiting) == 0 and not any(waiting), "reading")


def _unsaved(stage: Stage) -> None:
    screen = stage.spoken("kept")
    folder = stage.home.data / "users" / "alice" / "sessions"
    folder.rename(folder.with_name("away"))
    folder.write_text("a file")
    screen.send("waits\r")
    screen.wait_for("this conversation cannot be saved")
    ready(screen)
    screen.send("\x04")
    screen.wait_for("save it as a file?")


STATES: dict[str, State] = {
    "first dialogue": State(_first, waits=("choosing.Choosing.choose",)),
    "first dialogue: a name": State(lambda stage: _first(stage, "a\r", "endpoint")),
    "first dialogue: a key": State(lambda stage: _first(stage, "o\r", "paste the key")),
    "greeting": State(_greeted),
    "a long reply is printed again": State(_long_reply, KILLED),
    "prompt": State(lambda stage: stage.typing("", "alice ›"), waits=("prompt.Prompt.read",)),
    "prompt with a draft": State(
        lambda stage: stage.typing("half a thought", "› half a thought"), SIGNALS, _draft("half a thought")
    ),
    "completion menu": State(_menu, SIGNALS, _begins("/mod")),
    "search in the history": State(lambda stage: stage.typing("\x12", "search"), SIGNALS),
    "picker": State(_picker, waits=("picker.Picker.pick",)),
    "picker of messages": State(_message_picker),
    "a choice": State(_choice, waits=("questions._read",)),
    "a pasted command": State(_pasted_command, kept=_not_run),
    "before sending": State(_before_sending, kept=_draft("read @/etc/passwd")),
    "a key": State(lambda stage: stage.typing("/key set\r", "the API key for here")),
    "farewell": State(_unsaved, left=1),
    "editor": State(_prompt_editor, NOT_INTERRUPTED, _draft("what was saved"), ("prompt.Prompt._edit",)),
    "editor of a command": State(
        _command_editor, NOT_INTERRUPTED, _draft("what was saved"), ("effect_runner.Carrier._carry_out",)
    ),
    "shell command": State(_shell, kept=_no_child, waits=("live.LiveTurn._watch", "effect_runner.Carrier.shell")),
    "streaming": State(_streaming, kept=_part, waits=("live.LiveTurn.during", "effect_runner.Carrier._drive")),
    "streaming, one queued": State(_streaming_and_queue, kept=_part_and_queue),
    "streaming, one queued, a draft": State(_streaming_and_draft, SIGNALS, _queue_and_draft),
    "a comparison": State(_comparing, kept=_parts),
    "a comparison: which answer": State(_choosing, kept=_first_goes_on),
    "a call": State(_call, kept=_call_not_run),
    "a call: why not": State(lambda stage: _call(stage, "n\r", "why not?"), kept=_call_not_run),
    "a call: its arguments in the editor": State(
        _edited_call, NOT_INTERRUPTED, _call_not_run, ("asking.Asking.edit",)
    ),
    "a call that runs": State(lambda stage: _call(stage, "y\r", "1 s"), kept=_no_child),
    "before the first word": State(_no_word, kept=_asked),
    "waiting to try again": State(_retrying, kept=_asked),
    "compaction": State(_compacting, waits=("effect_runner.Carrier.command",)),
    "import": State(_importing),
    "export": State(_exporting),
    "trying a provider": State(_trying, waits=("dialogue._Connect._tried",)),
    "a page without end": State(_endless_page),
    "headers of a page without end": State(_dripping_page),
    "headers of a reply without end": State(_dripping_answer, kept=_asked),
    "100 Continue without end": State(_endless_page_answer, kept=_asked),
    "dumb terminal": State(_dumb, (*NOT_INTERRUPTED, "Ctrl-D", "/exit"), waits=("prompt.Prompt._read_plainly",)),
    "dumb terminal: a key": State(_dumb_secret, ("SIGTERM", "SIGHUP", "closed", "Ctrl-D")),
    "dumb terminal: streaming": State(_dumb_streaming, NOT_INTERRUPTED, _part),
    "one-shot": State(_one_shot, SIGNALS, _part),
    "one-shot: a comparison": State(_one_shot_comparing, SIGNALS, _parts),
    "one-shot: waiting to try again": State(_one_shot_retrying, SIGNALS, _asked),
    "one-shot: a question": State(_one_shot_line, SIGNALS, waits=("oneshot._OneShot._line",)),
    "one-shot: a key": State(_one_shot_question, SIGNALS),
    "pipe": State(_piped, KILLED, _part),
    "pipe: reading": State(_reading, KILLED, waits=("invocation._text_of",)),
}
