import ast
import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest

import css_snapshot
from css_snapshot import auth, errors

ROOT: Final = Path(__file__).resolve().parents[1]
PACKAGE: Final = Path(css_snapshot.__file__).parent
CORE: Final = {"httpx", "attr", "attrs", "cattrs", "tenacity"}
NOT_FOR_ALL: Final = (
    *("aiohttp", "httpx_aiohttp", "starlette", "uvicorn", "fastapi"),
    *("typer", "click", "rich", "sqlite3", "opentelemetry", "airflow", "pytest"),
    *("css_snapshot.emulator", "css_snapshot.cli", "css_snapshot.integrations"),
)


def _project() -> dict[str, object]:
    project: dict[str, object] = tomllib.loads(
        (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    )["project"]
    return project


def _core_modules() -> list[Path]:
    extras = {"emulator", "cli", "integrations"}
    return [
        path
        for path in sorted(PACKAGE.rglob("*.py"))
        if not extras & set(path.relative_to(PACKAGE).parts)
    ]


@pytest.mark.parametrize("module", [css_snapshot, auth], ids=lambda m: m.__name__)
def test_all_public_names_are_listed_sorted_once_and_there(module: object) -> None:
    names = vars(module)["__all__"]

    assert names == sorted(set(names))
    assert [name for name in names if not hasattr(module, name)] == []


def test_what_is_imported_into_the_package_is_public() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    imported = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert imported == set(css_snapshot.__all__)


def test_every_error_that_can_be_caught_is_public() -> None:
    classes = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, errors.CSSError)
    }

    assert classes <= set(css_snapshot.__all__)


def test_all_names_can_be_imported_with_a_star() -> None:
    namespace: dict[str, object] = {}

    exec("from css_snapshot import *", namespace)  # noqa: S102  # our own package

    assert set(css_snapshot.__all__) <= set(namespace)


def test_types_come_with_the_package() -> None:
    assert (PACKAGE / "py.typed").read_bytes() == b""


def test_the_version_is_that_of_the_newest_heading_of_the_changelog() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", changelog, re.MULTILINE)

    assert headings[0] == _project()["version"]


def test_the_declared_dependencies_have_lower_bounds_and_no_upper_ones() -> None:
    project = _project()
    extras = project["optional-dependencies"]
    assert isinstance(project["dependencies"], list)
    assert isinstance(extras, dict)

    lines: list[str] = [
        *project["dependencies"],
        *(x for e in extras.values() for x in e),
    ]

    bound = re.compile(r"[a-z0-9-]+(\[[a-z]+\])?>=[0-9.]+|css-snapshot\[[a-z]+\]")
    assert [line for line in lines if not bound.fullmatch(line)] == []
    assert {"attrs", "cattrs", "httpx", "tenacity"} <= {
        line.partition(">")[0] for line in project["dependencies"]
    }


def _imports_at_import_time(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add((node.module or "").partition(".")[0])
    return found


EXTRAS: Final = {
    "over_aiohttp.py": {"aiohttp", "httpx_aiohttp"},
}


def test_the_core_imports_only_its_four_dependencies() -> None:
    allowed = CORE | {"css_snapshot"} | set(sys.stdlib_module_names)

    strangers = {
        path.name: _imports_at_import_time(path)
        - allowed
        - EXTRAS.get(path.name, set())
        for path in _core_modules()
    }

    assert {name: found for name, found in strangers.items() if found} == {}


def _run(code: str) -> str:
    """Run code in an interpreter of its own that knows no environment."""
    path = f"import sys; sys.path[:0] = [{str(PACKAGE.parent)!r}]\n"
    ran = subprocess.run(  # noqa: S603  # our own interpreter and code
        [sys.executable, "-I", "-c", path + code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stderr == ""
    return ran.stdout.strip()


def test_importing_the_package_loads_nothing_that_only_an_extra_needs() -> None:
    # httpx loads click and rich for its own command line where it finds them.
    code = (
        "import httpx, attrs, cattrs, tenacity\n"
        "before = set(sys.modules)\n"
        "import css_snapshot, css_snapshot.auth\n"
        f"print(sorted((set(sys.modules) - before) & set({NOT_FOR_ALL!r})))"
    )

    assert _run(code) == "[]"


def test_importing_the_package_touches_no_network_no_process_and_no_database() -> None:
    code = (
        "import httpx, attrs, cattrs, cattrs.gen, tenacity\n"
        "import asyncio, sqlite3, urllib.request\n"
        "events = []\n"
        "watched = ('socket.', 'subprocess.', 'os.putenv', 'sqlite3.connect')\n"
        "sys.addaudithook(lambda event, _: events.append(event)"
        " if event.startswith(watched) else None)\n"
        "import css_snapshot, css_snapshot.auth\n"
        "print(events)"
    )

    assert _run(code) == "[]"


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]

    assert silent == []
