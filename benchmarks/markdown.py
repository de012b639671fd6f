"""Tables and lists as Markdown."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table; all columns but the first are flush right."""
    lines = [list(head), ["---", *("---:" for _ in head[1:])]]
    lines.extend([str(cell) for cell in row] for row in rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
