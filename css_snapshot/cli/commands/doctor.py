"""The command that finds out what is wrong, and says what to do."""

from typing import Annotated, Final

import attrs
import typer

from css_snapshot.cli.diagnosis import Examination
from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.output.output import Column
from css_snapshot.cli.session import Session, command

_COLUMNS: Final = (
    Column("CHECK", "name"),
    Column("RESULT", "result"),
    Column("DETAIL", "detail", fold=True),
    Column("WHAT TO DO", "advice", fold=True),
)


@command
async def doctor(
    session: Session,
    *,
    cluster: Annotated[
        str | None,
        typer.Option(
            "--cluster",
            metavar="CLUSTER_ID",
            help="Whether this one can be snapshotted, too.",
            show_default=False,
        ),
    ] = None,
) -> ExitCode:
    """Check the set-up step by step, and say what to do.

    Looks at the endpoint, the connection, this machine's clock, the
    credentials, the project, the login and the permissions. It changes nothing.

    Examples:
      css-snapshot doctor
      css-snapshot doctor --cluster ea244205-d641-45d9-9dcb-ab2236bcd07e

    JSON: kind (check), name, result (ok, warning, failed or skipped), detail,
    advice.
    """
    examination = Examination(session.settings, cluster)
    found = [check async for check in examination.checks()]
    session.output.rows(
        ({"kind": "check", **attrs.asdict(check)} for check in found),
        _COLUMNS,
        empty="nothing was checked",
    )
    if any(check.result == "failed" for check in found):
        return ExitCode.FAILED
    return ExitCode.DONE
