"""pytest fixtures for tests of code that uses this package.

Nothing happens unless a test asks for one of them.

- `css_emulator`: the emulated cloud, an `EmulatorState`, new for each test.
- `css_service`: a `SnapshotService` that talks to it.
- `css_faults`: what goes wrong: `css_faults.add(Fault.drop_after_commit())`.
- `css_endpoint`: its address, for programs that make their own service.
- `css_service_options`: redefine it to give `css_service` other options.

A marker configures the emulator. `socket` and `real_time` are options of this plugin,
all others are options of `EmulatorState`:

    @pytest.mark.css_emulator(clusters=5, list_lag=8.0, socket=True)

`css_service` works in process, unless `socket=True` puts a real connection in between.
Time passes only when the service pauses, and then at once, for the emulator as well:
waiting for a snapshot that takes minutes takes none. `real_time=True` turns that off.
Time limits, and faults that delay, always use real time.

The fixtures are synchronous, so that they work in tests run by pytest-asyncio in any
mode, by anyio on asyncio, or by `asyncio.run`.
"""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import pytest

# Every pytest of the environment loads this module, so the fixtures import what they
# need themselves.
if TYPE_CHECKING:
    from css_snapshot import SnapshotService
    from css_snapshot.emulator import EmulatorState, Faults
    from css_snapshot.emulator.emulated_time import EmulatedTime
    from css_snapshot.service import ServiceOptions

_MARKER = "css_emulator"
_HELP = (
    f"{_MARKER}(socket=False, real_time=False, **options): "
    "configure the emulated cloud of css_snapshot; options are those of EmulatorState"
)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", _HELP)


class _Setup(NamedTuple):
    """What the marker of a test asks for."""

    options: dict[str, object]
    socket: bool
    time: "EmulatedTime | None"


@pytest.fixture
def _css_setup(request: pytest.FixtureRequest) -> _Setup:
    from css_snapshot.emulator.emulated_time import EmulatedTime  # noqa: PLC0415

    marker = request.node.get_closest_marker(_MARKER)
    if marker is not None and marker.args:
        raise pytest.UsageError(f"{_MARKER}: takes keywords only")
    options: dict[str, object] = {} if marker is None else dict(marker.kwargs)
    socket = bool(options.pop("socket", False))
    if options.pop("real_time", False):
        return _Setup(options, socket, None)
    emulated = EmulatedTime(time.time())
    return _Setup({"clock": emulated.timestamp, **options}, socket, emulated)


@pytest.fixture
def css_emulator(_css_setup: _Setup) -> "EmulatorState":
    """The emulated cloud, new for each test; see the marker `css_emulator`."""
    from css_snapshot.emulator import EmulatorState  # noqa: PLC0415

    try:
        return EmulatorState(**_css_setup.options)  # type: ignore[arg-type]  # the user's to get right
    except TypeError as exc:
        raise pytest.UsageError(f"{_MARKER}: {exc}") from None


@pytest.fixture
def css_faults(css_emulator: "EmulatorState") -> "Faults":
    """The faults of the emulated cloud; none, to begin with."""
    return css_emulator.faults


@pytest.fixture
def css_endpoint(css_emulator: "EmulatorState") -> Iterator[str]:
    """The address of the emulated cloud, served on a socket of this machine."""
    from css_snapshot.emulator import EmulatorServer  # noqa: PLC0415

    with EmulatorServer(css_emulator).run_in_thread() as server:
        yield server.endpoint


@pytest.fixture
def css_service_options() -> "ServiceOptions":
    """Options for `css_service`; redefine this fixture to give it any."""
    return {}


@pytest.fixture
def css_service(
    request: pytest.FixtureRequest,
    css_emulator: "EmulatorState",
    css_service_options: "ServiceOptions",
    _css_setup: _Setup,
) -> "SnapshotService":
    """A service that talks to the emulated cloud; it needs no closing."""
    import httpx  # noqa: PLC0415

    from css_snapshot import SnapshotService  # noqa: PLC0415
    from css_snapshot.auth import TokenAuth  # noqa: PLC0415
    from css_snapshot.emulator import EmulatorTransport  # noqa: PLC0415

    options: ServiceOptions = {
        "project_id": css_emulator.project_id,
        "auth": TokenAuth(css_emulator.token),
    }
    if _css_setup.time is not None:
        options["clock"] = _css_setup.time.clock()
    if _css_setup.socket:
        options["endpoint"] = request.getfixturevalue("css_endpoint")
        # Closes each connection after its answer, while its event loop still runs.
        limits = httpx.Limits(max_keepalive_connections=0)
        options["transport"] = httpx.AsyncHTTPTransport(limits=limits, trust_env=False)
    else:
        options["endpoint"] = "https://css.emulator.invalid"
        options["transport"] = EmulatorTransport(css_emulator)
    options.update(css_service_options)
    return SnapshotService(**options)
