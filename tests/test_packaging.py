import ast
import importlib
import inspect
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Final

import pytest

import css_snapshot
from css_snapshot import auth, errors, typing

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


@pytest.mark.parametrize(
    "module", [css_snapshot, auth, typing], ids=lambda m: m.__name__
)
def test_all_public_names_are_listed_sorted_once_and_there(module: object) -> None:
    names = vars(module)["__all__"]

    assert names == sorted(set(names))
    assert [name for name in names if name.startswith("_")] == []
    assert [name for name in names if not hasattr(module, name)] == []


LAZY: Final = (
    "css_snapshot",
    "css_snapshot.auth",
    "css_snapshot.emulator",
    "css_snapshot.integrations.airflow",
    "css_snapshot.typing",
)


def _seen_by_type_checkers(imports: list[ast.stmt]) -> set[tuple[str, str]]:
    """Return pairs of a home and a name that is public."""
    assert all(isinstance(node, ast.ImportFrom) for node in imports)
    return {
        (node.module or "", alias.name)
        for node in imports
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    }


def _loaded_lazily(statements: list[ast.stmt], package: str) -> set[tuple[str, str]]:
    (call,) = (
        node.value
        for node in statements
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and isinstance(node.targets[0], ast.Tuple)
    )
    homes: dict[str, tuple[str, ...]] = ast.literal_eval(call.args[1])
    modules = [ast.literal_eval(keyword.value) for keyword in call.keywords]
    return {
        *((home, name) for home, names in homes.items() for name in names),
        *((package, name) for names in modules for name in names),
    }


@pytest.mark.parametrize("package", LAZY)
def test_type_checkers_see_what_is_loaded_lazily_where_it_is(package: str) -> None:
    tree = ast.parse(inspect.getsource(importlib.import_module(package)))
    (branches,) = (node for node in tree.body if isinstance(node, ast.If))

    seen = _seen_by_type_checkers(branches.body)

    assert seen == _loaded_lazily(branches.orelse, package)
    assert len(seen) > 3


def test_the_version_is_that_of_the_installed_package() -> None:
    assert css_snapshot.__version__ == metadata.version("css-snapshot")


def test_a_name_that_is_not_there_is_missed_as_in_any_module() -> None:
    with pytest.raises(AttributeError, match="'css_snapshot' has no attribute 'nope'"):
        css_snapshot.nope  # type: ignore[attr-defined]  # noqa: B018  # that is the test
    with pytest.raises(ImportError, match="nope"):
        exec("from css_snapshot import nope")  # noqa: S102  # that is the test


def test_the_names_are_listed_before_they_are_used() -> None:
    code = (
        "import css_snapshot\n"
        "names = {*css_snapshot.__all__, '__version__', 'auth', 'errors', '__name__'}\n"
        "print(names - set(dir(css_snapshot)), dir(css_snapshot) == sorted(dir(css_snapshot)))"
    )

    assert _run(code) == "set() True"


def test_a_name_is_looked_up_once() -> None:
    code = (
        "import css_snapshot\n"
        "first = css_snapshot.Backup\n"
        "print('Backup' in vars(css_snapshot), css_snapshot.Backup is first)"
    )

    assert _run(code) == "True True"


def test_the_public_modules_are_attributes_of_the_package() -> None:
    code = (
        "import css_snapshot\n"
        "print(css_snapshot.auth.TokenAuth.__name__, css_snapshot.fanout.Target.__name__,"
        " css_snapshot.errors.CSSError.__name__, css_snapshot.events.Call.__name__,"
        " css_snapshot.typing.__name__)"
    )

    assert _run(code) == "TokenAuth Target CSSError Call css_snapshot.typing"


LIGHT: Final = {"css_snapshot", "css_snapshot.lazy"}


@pytest.mark.parametrize(
    ("imports", "loaded"),
    [
        ("css_snapshot", LIGHT),
        ("css_snapshot.auth", LIGHT | {"css_snapshot.auth"}),
        ("css_snapshot.emulator", LIGHT | {"css_snapshot.emulator"}),
        (
            "css_snapshot.emulator.pytest_plugin",
            LIGHT | {"css_snapshot.emulator", "css_snapshot.emulator.pytest_plugin"},
        ),
    ],
)
def test_importing_a_package_loads_next_to_nothing(
    imports: str, loaded: set[str]
) -> None:
    # pytest and what it loads by itself are there already where the plugin is loaded.
    code = (
        "import pytest, time, typing\n"
        "before = set(sys.modules)\n"
        f"import {imports}\n"
        "print(*sorted(set(sys.modules) - before))"
    )

    assert set(_run(code).split()) == loaded


def test_a_model_is_there_without_the_client() -> None:
    code = (
        "from css_snapshot import Snapshot, CSSError\n"
        "print({'httpx', 'tenacity', 'cattrs', 'css_snapshot.service'} & set(sys.modules))"
    )

    assert _run(code) == "set()"


def test_a_service_loads_the_plugin_it_uses_and_no_other() -> None:
    code = (
        "from css_snapshot import SnapshotService\n"
        "from css_snapshot.auth import AkSkAuth, Credentials\n"
        "others = ('agency', 'chain', 'environment', 'metadata', 'password', 'profile',"
        " 'workload_identity')\n"
        "print([name for name in others if f'css_snapshot.auth.{name}' in sys.modules])"
    )

    assert _run(code) == "[]"


def test_every_error_that_can_be_caught_is_public() -> None:
    classes = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, errors.CSSError)
    }

    assert classes <= set(vars(css_snapshot)["__all__"])


def test_all_names_can_be_imported_with_a_star() -> None:
    namespace: dict[str, object] = {}

    exec("from css_snapshot import *", namespace)  # noqa: S102  # our own package

    assert set(vars(css_snapshot)["__all__"]) <= set(namespace)


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

    bound = re.compile(r"[a-z0-9-]+(\[[a-z]+\])?>=[0-9.]+|css-snapshot\[[a-z,]+\]")
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
    "http1_messages.py": {"httptools"},
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
