"""What is handed out: the sdist, the wheel built from it, and the program where neither was installed."""

from __future__ import annotations

import gettext
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MO = "gptchat/locale/zh/LC_MESSAGES/gptchat.mo"


def _build(target: str, source: Path, folder: Path) -> Path:
    """Build the `target`, sdist or wheel, of the project in `source`; returns the file made in `folder`."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked sdist."""
    with tarfile.open(_build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))) as sdist:
        unpacked = tmp_path_factory.mktemp("unpacked")
        sdist.extractall(unpacked, filter="data")
    (source,) = unpacked.iterdir()
    return source


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel that is built from the sdist, without the checkout."""
    assert not list(source.rglob("*.mo"))
    return zipfile.ZipFile(_build("wheel", source, tmp_path_factory.mktemp("wheel")))


def test_the_sdist_is_enough_for_its_own_tests(source: Path, tmp_path: Path) -> None:
    """The tests of guide and README pass in an unpacked sdist, which has what these two name."""
    copy = shutil.copytree(source, tmp_path / "copy")  # the tests compile the translations, which an sdist lacks
    command = [sys.executable, "-m", "pytest", "-q", "tests/test_contributing.py", "tests/test_readme.py"]
    environ = {**os.environ, "PYTHONPATH": str(copy), "PYTEST_ADDOPTS": ""}
    done = subprocess.run(command, cwd=copy, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_wheel_speaks_chinese(wheel: zipfile.ZipFile) -> None:
    """The wheel that an sdist makes has the compiled translations, which the sdist has not."""
    with wheel.open(MO) as file:
        assert gettext.GNUTranslations(file).gettext("timed out") == "超时"


def test_the_description_stands_away_from_the_repository(wheel: zipfile.ZipFile) -> None:
    """The README that a package index shows has no picture and no link that only the repository resolves."""
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    description = wheel.read(name).decode()
    assert "## Quick start" in description
    assert re.findall(r"\]\((?!https?://|#)[^)]*\)", description) == []
    raw = "https://raw.githubusercontent.com/"
    pictures = re.findall(r"!\[[^]]*\]\(([^)]*)\)", description)
    assert pictures
    assert all(picture.startswith(raw) for picture in pictures)


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs the repository")
def test_nothing_compiled_is_committed() -> None:
    """The repository has the translations as text alone."""
    tracked = subprocess.run(["git", "ls-files", "*.mo"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert tracked.stdout == ""


def test_the_wheel_is_the_package(wheel: zipfile.ZipFile) -> None:
    """The wheel holds every file of the package, with its vocabularies and types, and nothing of the tests."""
    names = set(wheel.namelist())
    package = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "gptchat").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names if ".dist-info/" not in name} == package
    assert "gptchat/py.typed" in names


def test_without_an_installation_the_program_speaks_english(tmp_path: Path) -> None:
    """Started from a checkout that was never installed, the program answers in English."""
    package = tmp_path / "gptchat"
    package.mkdir()
    for path in (ROOT / "gptchat").iterdir():
        if path.name != "locale":
            (package / path.name).symlink_to(path)
    command = [sys.executable, "-m", "gptchat", "--lang", "zh", "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: gptchat")
