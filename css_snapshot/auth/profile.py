"""Credentials in the file that the vendor's SDKs read: `~/.huaweicloud/credentials`."""

import asyncio
import configparser
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from css_snapshot.auth.credentials import Credentials
from css_snapshot.auth.secret import Secret
from css_snapshot.errors import (
    ConfigurationError,
    CredentialsNotFoundError,
    unchained,
)

FILE_VARIABLE: Final = "HUAWEICLOUD_SDK_CREDENTIALS_FILE"
DEFAULT_FILE: Final = Path("~/.huaweicloud/credentials")


class ProfileCredentials:
    """Provides what a section of an INI file contains.

    The keys are `ak`, `sk`, `security_token` and `project_id`. The file is read on
    each call, in a thread, so a rewritten file is seen when a renewal is due.

    Args:
        path: The file; by default the one that `HUAWEICLOUD_SDK_CREDENTIALS_FILE`
            names, else `~/.huaweicloud/credentials`.
        section: `basic` is the section for regional services such as CSS.
        environ: The variables; by default those of the process.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        section: str = "basic",
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._path = path
        self._section = section
        self._environ = os.environ if environ is None else environ

    async def __call__(
        self,
        *,
        force_refresh: bool = False,  # noqa: ARG002 - nothing is cached here
    ) -> Credentials:
        """Return the credentials; see `CredentialsProvider`."""
        return await asyncio.to_thread(self.read)

    def read(self) -> Credentials:
        """Return the credentials without an event loop.

        Raises:
            CredentialsNotFoundError: If there is no file in the default place, or none
                of the keys in it.
            ConfigurationError: If a file that was asked for is missing, the file can't
                be read, only one of `ak` and `sk` is in it, or one can't be part of a
                header. The message names the file.
        """
        path, asked_for = self._file()
        if not asked_for and not path.exists():
            raise CredentialsNotFoundError(f"profile: there is no {path}")
        found = self._values(path)
        if not found.keys() - {"project_id"}:
            raise CredentialsNotFoundError(
                f"profile: no ak and sk in section [{self._section}] of {path}"
            )
        missing = [name for name in ("ak", "sk") if name not in found]
        if missing:
            raise ConfigurationError(
                f"profile: {' and '.join(missing)} missing in section"
                f" [{self._section}] of {path}"
            )
        project_id = found.get("project_id")
        return Credentials(
            access_key=found["ak"].reveal(),
            secret_key=found["sk"],
            security_token=found.get("security_token"),
            project_id=None if project_id is None else project_id.reveal(),
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._file()[0].as_posix()!r})"

    def _file(self) -> tuple[Path, bool]:
        named = self._path or self._environ.get(FILE_VARIABLE, "").strip()
        return Path(named or DEFAULT_FILE).expanduser(), bool(named)

    def _values(self, path: Path) -> dict[str, Secret]:
        section = self._read_section(path)
        return {
            key: Secret(section[key], f"profile: {key} in {path}")
            for key in ("ak", "sk", "security_token", "project_id")
            if section.get(key, "").strip()
        }

    def _read_section(self, path: Path) -> Mapping[str, str]:
        parser = configparser.ConfigParser(interpolation=None)
        # The parser's errors quote lines of the file.
        with unchained:
            try:
                parser.read_string(path.read_text("utf-8-sig"))
            except OSError as failure:
                fault = failure.strerror or type(failure).__name__
                raise ConfigurationError(
                    f"profile: can't read {path}: {fault}"
                ) from None
            except (configparser.Error, UnicodeDecodeError) as failure:
                raise ConfigurationError(
                    f"profile: can't read {path}: not an INI file"
                    f" ({type(failure).__name__})"
                ) from None
        return parser[self._section] if parser.has_section(self._section) else {}
