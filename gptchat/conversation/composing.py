"""From options to the services of one run: the settings, the person who chats, and everything on top of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gptchat import words
from gptchat.config.paths import Paths, find_paths
from gptchat.config.settings import Settings, read_settings
from gptchat.conversation.people import People
from gptchat.conversation.services import RunOptions, Services
from gptchat.storage import users

if TYPE_CHECKING:
    from gptchat.config.flags import Options


def compose(
    options: Options,
    environ: Mapping[str, str],
    *,
    attended: bool,
    remember_user: bool = True,
) -> Services:
    """The services for `options`, for the person named there, else the last one.

    `attended` says that somebody can be asked. `remember_user` makes the person the last one, who chats where
    nobody is named.

    Raises ConfigurationError, UsageError or StorageError.
    """
    run = RunOptions(options.incognito, not attended, options.system)
    paths = find_paths(environ, config=options.config, data_dir=options.data_dir)
    settings = _settings(options, environ, paths)
    if settings.ui.lang in words.LANGUAGES:
        words.choose(settings.ui.lang)
    people = People(paths.data_dir, settings, environ, incognito=run.incognito)
    name = _first_user(options, environ, paths)
    people.switch(people.find(name) or name, remember=remember_user)
    return Services(run, paths, environ, settings, people, stream=options.stream)


def _settings(options: Options, environ: Mapping[str, str], paths: Paths) -> Settings:
    from gptchat.config.parse import parse_assignment
    from gptchat.providers import registry as providers

    settings = read_settings(
        paths, environ, builtin=providers.builtin, builtin_names=[spec.name for spec in providers.specs()]
    )
    given = dict(parse_assignment(text) for text in options.settings)
    settings.replace_layer("flag", {**options.values, **given})
    if name := options.values.get("provider"):
        settings.provider(name)  # an unknown name is refused here, with the nearest
    return settings


def _first_user(options: Options, environ: Mapping[str, str], paths: Paths) -> str:
    """Who chats first: whoever is named, else the last one, else the login name."""
    if options.user is not None:
        return options.user  # an empty one is refused later: it must not become whoever was here last
    last = environ.get("GPTCHAT_USER") or users.read_state(paths.data_dir).get("user")
    return last if isinstance(last, str) and last else _login_name()


def _login_name() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no such user in the system's list, as in some containers
        return "me"
