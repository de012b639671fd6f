"""The README, taken apart: its examples, recipes, sections and words."""

import re
import textwrap
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
_COMMAND: Final = re.compile(r"`(css-snapshot [a-z-]+ --[^`]+)`")


def examples(text: str) -> tuple[str, ...]:
    """Return the Python examples of a text, each once."""
    return tuple(dict.fromkeys(_BLOCK.findall(text)))


def commands() -> tuple[str, ...]:
    """Return the commands that the text has, with their arguments, each once."""
    return tuple(dict.fromkeys(_COMMAND.findall(README)))


def pasted(fragment: str) -> str:
    """Return the first program with a fragment in place of its last three lines."""
    program, end, _ = examples(README)[0].rpartition("\n\n\nasyncio.run(main())")
    kept = program.splitlines()[:-3]
    return "\n".join([*kept, textwrap.indent(fragment, " " * 8)]) + f"{end}\n"


def recipe(name: str) -> str:
    """Return the block with a name after its language, such as `text cron`."""
    found = re.search(rf"^```\w+ {name}\n(.*?)^```$", README, _FLAGS)
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
