"""The command that finds out what is wrong, and says what to do."""

from typing import Annotated, Final

import attrs
import typer

from css_snapshot.cli.command import Session, command
from css_snapshot.cli.diagnosis import Examination
from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.output.table import Column

_COLUMNS: Final = (
    Column("CHECK", "name", narrow="keep"),
    Column("RESULT", "result", narrow="keep"),
    Column("DETAIL", "detail", narrow="fold"),
    Column("WHAT TO DO", "advice", narrow="fold"),
)


@command
async def doctor(
    session: Session,
    *,
    cluster: Annotated[
        str | None,
        typer.Option(
            "--cluster",
            metavar="CLUSTER",
            help="Check whether this one can be snapshotted as well.",
            show_default=False,
        ),
    ] = None,
) -> ExitCode:
    """Check the set-up step by step, and say what to do.

    Looks at the endpoint, the certificates, the connection, this machine's
    clock, the credentials, the project, the login and the permissions. It
    changes nothing.

    Examples:
      css-snapshot doctor
      css-snapshot doctor --cluster prod-search

    JSON: kind (check), name, result (ok, warning, failed or skipped), detail,
    advice.
    """
    examination = Examination(session, cluster)
    found = [check async for check in examination.checks()]
    session.output.rows(
        ({"kind": "check", **attrs.asdict(check)} for check in found),
        _COLUMNS,
        empty="nothing was checked",
    )
    if any(check.result == "failed" for check in found):
        return ExitCode.FAILED
    return ExitCode.DONE
