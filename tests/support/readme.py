"""The README, taken apart: its examples, recipes, sections and words."""

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
README: Final = (ROOT / "README.md").read_text(encoding="utf-8")
ENGLISH, _, CHINESE = README.partition("\n## 中文\n")

_FLAGS: Final = re.DOTALL | re.MULTILINE
_BLOCK: Final = re.compile(r"^```python\n(.*?)^```$", _FLAGS)
_ANY_BLOCK: Final = re.compile(r"^```.*?^```$", _FLAGS)
_HEADING: Final = re.compile(r"^## (.+)$", re.MULTILINE)
_CODE: Final = re.compile(r"`([^`\n]+)`")


def examples(text: str) -> tuple[str, ...]:
    """Return the Python examples of a text, each once."""
    return tuple(dict.fromkeys(_BLOCK.findall(text)))


def commands() -> tuple[str, ...]:
    """Return the examples of the command line."""
    return tuple(re.findall(r"^```sh\n(css-snapshot .*?)^```$", README, _FLAGS))


def recipe(name: str) -> str:
    """Return the block after a marker, such as `<!-- cron -->`."""
    found = re.search(rf"^<!-- {name} -->\n```\w+\n(.*?)^```$", README, _FLAGS)
    if found is None:
        raise LookupError(f"the README has no recipe {name}")
    return found[1]


def headings() -> tuple[str, ...]:
    """Return the headings of the sections."""
    return tuple(_HEADING.findall(README))


def section(heading: str) -> str:
    """Return a section, from its heading to the next one, on one line."""
    _, found, rest = README.partition(f"\n## {heading}\n")
    if not found:
        raise LookupError(f"the README has no section {heading}")
    return " ".join(rest.partition("\n## ")[0].split())


def anchor(heading: str) -> str:
    """Return the address of a heading in the page."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def code_words() -> frozenset[str]:
    """Return what the English prose sets in code, outside of blocks."""
    return frozenset(_CODE.findall(_ANY_BLOCK.sub("", ENGLISH)))
