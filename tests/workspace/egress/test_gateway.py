"""Real boxes reach what is named, by the proxy alone, and leave nothing open behind them."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from codelab.workspace.egress.destinations import Network, parse_destinations
from codelab.workspace.egress.entrance import listen_inside
from codelab.workspace.egress.networks import read_networks
from codelab.workspace.egress.reach import NOWHERE, network_shown, reach_of
from codelab.workspace.errors import SandboxUnavailable
from codelab.workspace.folder import Folder
from codelab.workspace.rules import Audience, Rules
from codelab.workspace.sandbox.confinement.tree import children_of
from codelab.workspace.sandbox.sandbox import Sandbox
from codelab.workspace.settings import WorkspaceSettings
from tests.workspace.places import run, wait_until

pytestmark = pytest.mark.usefixtures("boxed")

SETTING = "CODELAB_SANDBOX_NETWORK"
PROXY = "/dev/tcp/127.0.0.1/3128"
Open = Callable[..., Folder]


@pytest.fixture
def open_folder(root: Path, data_dir: Path, threads: ThreadPoolExecutor) -> Open:
    def make(*named: str) -> Folder:
        settings = WorkspaceSettings(data_dir=data_dir, networks=read_networks(named, (), ""))
        return Folder(root, Rules(Audience.AGENT), Sandbox(settings), "bubblewrap", threads)

    return make


class Peer:
    """A server on this machine's loopback, and what came to it."""

    def __init__(self) -> None:
        self.port = 0
        self.came: list[bytes] = []
        self.reached = asyncio.Event()
        self.left = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.came.append(await reader.readuntil(b"\n"))
            self.reached.set()
            writer.write(b"hello from outside\n")
            await reader.read()
        except (OSError, EOFError):
            pass
        finally:
            writer.close()
            self.left.set()


@asynccontextmanager
async def serving() -> AsyncIterator[Peer]:
    peer = Peer()
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    peer.port = server.sockets[0].getsockname()[1]
    async with server:
        yield peer


def through(place: str, said: str = "hi") -> str:
    """A shell command that says something to a place through the proxy and shows the answer."""
    return (
        f"exec 3<>{PROXY} && printf 'CONNECT {place} HTTP/1.1\\r\\n\\r\\n{said}\\n' >&3"
        " && timeout 3 head -n 3 <&3"
    )


async def test_what_is_named_is_reached(open_folder: Open) -> None:
    async with serving() as peer:
        folder = open_folder(f"127.0.0.1:{peer.port}")
        result = await folder.run(through(f"127.0.0.1:{peer.port}"))
        assert "hello from outside" in result.output
        assert peer.came == [b"hi\n"]


async def test_programs_find_the_proxy_in_their_environment(open_folder: Open) -> None:
    async with serving() as peer:
        folder = open_folder(f"127.0.0.1:{peer.port}")
        result = await folder.run(
            f"env; timeout 5 git -c protocol.allow=always ls-remote http://127.0.0.1:{peer.port}/x"
        )
        lines = result.output.splitlines()
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            assert f"{name}=http://127.0.0.1:3128" in lines
            assert f"{name.upper()}=http://127.0.0.1:3128" in lines
        # The named place is on the machine's loopback, so that it is not left out.
        assert "no_proxy=localhost,::1" in lines
        assert peer.came[0].startswith(b"GET /x/info/refs")


async def test_what_is_not_named_is_not_reached(open_folder: Open, redis_server: str) -> None:
    """Not the server's stores, not its own port, by no way."""
    store = urlsplit(redis_server).port
    async with serving() as named, serving() as application:
        folder = open_folder(f"127.0.0.1:{named.port}")
        for port in (store, application.port):
            result = await folder.run(
                f"(exec 4<>/dev/tcp/127.0.0.1/{port}) && echo connected;"
                f"{through(f'127.0.0.1:{port}', 'PING')}"
            )
            assert "connected" not in result.output
            assert "HTTP/1.1 403 " in result.output
            assert "PONG" not in result.output
            assert result.output.endswith(
                f"\n[network: 127.0.0.1:{port} is not among the destinations that {SETTING} names.]"
            )
        assert application.came == []


async def test_there_is_no_way_around_the_proxy(open_folder: Open) -> None:
    async with serving() as peer:
        folder = open_folder(f"127.0.0.1:{peer.port}")
        result = await folder.run(
            f"(exec 4<>/dev/tcp/127.0.0.1/{peer.port}) && echo connected;"
            "(exec 4<>/dev/udp/127.0.0.1/53; echo x >&4; timeout 0.2 cat <&4) && echo answered;"
            "cat /proc/net/dev /proc/net/route; ls /proc | grep -c '^[0-9]'"
        )
        assert "connected" not in result.output
        assert "answered" not in result.output
        assert "eth" not in result.output
        assert peer.came == []


async def test_a_box_without_a_network_has_none_beside_one_that_has(open_folder: Open) -> None:
    async with serving() as peer:
        place = f"127.0.0.1:{peer.port}"
        with_one = asyncio.create_task(open_folder(place).run(f"{through(place)}; sleep 0.5"))
        await peer.reached.wait()
        bare = await open_folder().run(f"(exec 4<>{PROXY}) && echo connected; env")
        assert "connected" not in bare.output
        assert "proxy" not in bare.output.lower()
        assert "hello" in (await with_one).output


async def test_cancelling_ends_what_is_open(open_folder: Open) -> None:
    async with serving() as peer:
        place = f"127.0.0.1:{peer.port}"
        task = asyncio.create_task(open_folder(place).run(f"{through(place)}; sleep 60"))
        await peer.reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(2):
            await peer.left.wait()


@pytest.mark.parametrize("delay", [0.01, 0.05, 0.1])
async def test_cancelling_while_the_way_is_opened_leaves_nothing(
    open_folder: Open, delay: float
) -> None:
    folder = open_folder("127.0.0.1:9")
    await folder.run("true")
    before, own = descriptors(), children_of(os.getpid())
    task = asyncio.create_task(folder.run("sleep 60", timeout_s=60))
    await asyncio.sleep(delay)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    assert descriptors() == before
    assert children_of(os.getpid()) == own


async def test_fifty_boxes_leave_no_descriptor_and_no_process(open_folder: Open) -> None:
    async with serving() as peer:
        place = f"127.0.0.1:{peer.port}"
        folder = open_folder(place)
        await folder.run("true")
        before, own = descriptors(), children_of(os.getpid())
        # Half of them with a connection that nobody ends.
        commands = ["true", f"exec 3<>{PROXY}; printf 'CONNECT {place} HTTP/1.1\\r\\n\\r\\n' >&3"]
        results = await asyncio.gather(*(folder.run(commands[i % 2]) for i in range(50)))
        assert {result.exit_code for result in results} == {0}
        await asyncio.to_thread(wait_until, lambda: descriptors() <= before, 2)
        assert descriptors() <= before
        assert children_of(os.getpid()) == own


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_it_works_in_the_servers_own_event_loop(root: Path) -> None:
    """uvloop opens and closes connections in its own way; a whole process is asked."""
    done = run(sys.executable, "-c", UNDER_UVLOOP, root, SETTING, through("127.0.0.1:PORT"))
    assert "hello" in done.stdout, done.stderr
    assert "HTTP/1.1 403 " in done.stdout
    assert done.stderr.count("Traceback") == 0


UNDER_UVLOOP = """
import asyncio, sys, uvloop
from pathlib import Path
from codelab.workspace.sandbox.box import Access
from codelab.workspace.egress.destinations import Network, parse_destinations
from codelab.workspace.egress.reach import reach_of
from codelab.workspace.sandbox.sandbox import Sandbox
from codelab.workspace.settings import WorkspaceSettings

async def serve(reader, writer):
    await reader.readline()
    writer.write(b"hello\\n")
    writer.close()

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = str(server.sockets[0].getsockname()[1])
    root = Path(sys.argv[1])
    sandbox = Sandbox(WorkspaceSettings(data_dir=root / "none"))
    network = Network(parse_destinations([f"127.0.0.1:{port}"], sys.argv[2]), sys.argv[2])
    for place in (port, "1"):
        words = ["bash", "-c", sys.argv[3].replace("PORT", place)]
        result = await sandbox.run(
            root, words, access=Access.WORK, timeout_s=10, reach=reach_of(network, "bubblewrap")
        )
        print(result.output)

uvloop.run(main())
"""


async def test_what_has_no_network_of_its_own_is_not_entered() -> None:
    process = await asyncio.create_subprocess_exec("sleep", "60")
    try:
        with pytest.raises(SandboxUnavailable, match="none of its own"):
            await listen_inside(process.pid, 3128)
    finally:
        process.kill()
        await process.wait()
    with pytest.raises(SandboxUnavailable, match="No such file"):
        await listen_inside(process.pid, 3128)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts programs as somebody else")
async def test_a_box_of_another_user_is_entered_as_that_user() -> None:
    """Root in a container may become anybody, and may not enter what others have made."""
    without = ("setpriv", "--bounding-set", "-sys_admin,-sys_ptrace")
    done = await asyncio.to_thread(run, *without, sys.executable, "-c", OF_ANOTHER_USER)
    assert "listening at ('127.0.0.1', 3128)" in done.stdout, done.stderr


OF_ANOTHER_USER = """
import asyncio
from codelab.workspace.egress.entrance import listen_inside

async def main():
    process = await asyncio.create_subprocess_exec(
        *"bwrap --unshare-all --die-with-parent --ro-bind / / sh -c".split(), "echo; sleep 60",
        stdout=asyncio.subprocess.PIPE, user=65534, group=65534, extra_groups=(), cwd="/",
    )
    await process.stdout.readline()
    with await listen_inside(process.pid, 3128) as listening:
        print("listening at", listening.getsockname())
    process.kill()
    await process.wait()

asyncio.run(main())
"""


def test_other_layers_have_no_network() -> None:
    network = Network(parse_destinations(["a.org", "*.b.org:8443"], SETTING), SETTING)
    nothing = Network(parse_destinations([], SETTING), SETTING)
    assert network_shown(network, "bubblewrap") == "a.org, *.b.org:8443"
    assert network_shown(nothing, "bubblewrap") == "none"
    assert network_shown(network, "landlock") == "none (only boxes of bubblewrap can have it)"
    assert reach_of(network, "landlock") is NOWHERE
    assert reach_of(nothing, "bubblewrap") is NOWHERE
    assert reach_of(network, "bubblewrap").network == network
