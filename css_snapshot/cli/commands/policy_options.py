"""The options that say which automatic snapshots are wanted."""

from typing import Annotated, Final

import attrs
import typer

from css_snapshot.api.policies import SnapshotFrequency, SnapshotPolicy
from css_snapshot.cli.options import IndicesOption

UNKNOWN: Final = "it may have been changed: css-snapshot policy get"
"""What to do where a change may have been carried out; the cluster's id follows."""


@attrs.frozen(kw_only=True)
class PolicyOptions:
    """Which automatic snapshots are wanted, with the names of `SnapshotPolicy`."""

    prefix: Annotated[
        str, typer.Option(help="What the names of the snapshots start with.")
    ]
    keep: Annotated[int, typer.Option(help="How many are kept, 1 to 90.")]
    period: Annotated[
        str | None,
        typer.Option(
            help="Whole hour and zone, such as '16:00 GMT+08:00'; not with HOUR.",
            show_default=False,
        ),
    ] = None
    frequency: Annotated[
        SnapshotFrequency, typer.Option(case_sensitive=False, help="How often.")
    ] = SnapshotFrequency.DAY
    indices: IndicesOption = None

    def policy(self) -> SnapshotPolicy:
        """Return the policy, checked.

        Raises:
            RequestValidationError: If a value breaks its rule, or one is missing.
        """
        policy = SnapshotPolicy(
            enabled=True,
            prefix=self.prefix,
            keep=self.keep,
            period=self.period,
            frequency=self.frequency,
            indices=self.indices,
        )
        policy.check()
        return policy
