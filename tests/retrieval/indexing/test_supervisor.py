"""The process that writes indexes: killed, held up, given files that end it."""

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from codelab.kit.errors import CodeLabError
from codelab.retrieval.errors import IndexerFailed, IndexLocked, IndexUnwritable
from codelab.retrieval.index.opening import WritableIndex
from codelab.retrieval.indexing.frames import (
    Done,
    Forget,
    Look,
    Order,
    Place,
    Progress,
    Reconcile,
    Rest,
)
from codelab.retrieval.indexing.supervisor import Supervisor
from tests.retrieval.indexing.conftest import MakeSupervisor, Project, until

FILES = 400
# Prints its worker's number, then has a project indexed.
SERVER = """
import asyncio, sys
from codelab.retrieval.indexing.frames import Place, Reconcile
from codelab.retrieval.indexing.supervisor import Supervisor

async def main():
    supervisor = Supervisor("fts5", sys.argv[2])
    asking = asyncio.create_task(supervisor.ask(Reconcile(place=Place("w" * 32, *sys.argv[1:]))))
    while supervisor.process_id is None:
        await asyncio.sleep(0.01)
    print(supervisor.process_id, flush=True)
    await asking
    await asyncio.sleep(1000)

asyncio.run(main())
"""


def furnish(project: Project) -> None:
    for number in range(FILES):
        body = "\n".join(f"    value_{number}_{line} = {line}" for line in range(40))
        project.write(f"src/part_{number}.py", f"def function_{number}():\n{body}\n")


async def asked_behind_a_comparison(
    supervisor: Supervisor, project: Project, order: Order
) -> asyncio.Task[Done]:
    """Have an order done that the worker finds right behind a comparison; returns that one."""
    await supervisor.ask(Rest(place=project.place))
    process = supervisor.process_id
    assert process is not None
    os.kill(process, signal.SIGSTOP)
    comparing = asyncio.create_task(supervisor.ask(Reconcile(place=project.place)))
    asked = asyncio.create_task(supervisor.ask(order))
    # Both are on their way before the worker goes on.
    await asyncio.sleep(0)
    os.kill(process, signal.SIGCONT)
    await asked
    return comparing


def is_alive(process_id: int) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def most_memory_kb(process_id: int | None) -> int:
    status = Path(f"/proc/{process_id}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


async def test_a_killed_worker_goes_on_where_it_was(
    project: Project, make_supervisor: MakeSupervisor
) -> None:
    furnish(project)
    supervisor = make_supervisor()
    asking = asyncio.create_task(supervisor.ask(Reconcile(place=project.place)))
    killed: list[int] = []
    while len(killed) < 2:
        await until(lambda: len(project.paths()) > 50 * len(killed))
        await until(lambda: supervisor.process_id not in (None, *killed))
        killed.append(supervisor.process_id or 0)
        os.kill(killed[-1], signal.SIGKILL)
    await asking
    assert len(project.paths()) == FILES
    assert project.skipped() == {}
    assert project.find("399") == ["src/part_399.py"]


async def test_the_worker_ends_with_a_killed_server_and_the_next_one_goes_on(
    project: Project, make_supervisor: MakeSupervisor
) -> None:
    furnish(project)
    words = (sys.executable, "-c", SERVER, project.root, project.folder)
    server = await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE)
    assert server.stdout
    worker = int(await server.stdout.readline())
    await until(lambda: len(project.paths()) > 0)
    server.kill()
    await server.wait()
    await until(lambda: not is_alive(worker), within_s=5)
    await make_supervisor().ask(Reconcile(place=project.place))
    assert len(project.paths()) == FILES


async def test_a_tree_that_takes_too_long_is_done_without(
    project: Project, make_supervisor: MakeSupervisor
) -> None:
    project.write("slow.cpp", "a<\n" * 160_000)
    project.write("quick.py", "def quick():\n    pass\n")
    supervisor = make_supervisor(longest_file_s=1.0)
    await supervisor.ask(Reconcile(place=project.place))
    assert project.how("slow.cpp") == "windows"
    assert project.how("quick.py") == "tree"


async def test_a_file_on_which_three_workers_end_is_left_out(
    project: Project, make_supervisor: MakeSupervisor
) -> None:
    # Each word is another one, so that none is known already.
    lines = [hashlib.sha512(b"%d" % number).hexdigest() for number in range(14_000)]
    project.write("endless.md", "\n".join(f"{line[:64]} {line[64:]}" for line in lines))
    project.write("quick.py", "def quick():\n    pass\n")
    supervisor = make_supervisor(longest_file_s=0.2)
    await supervisor.ask(Reconcile(place=project.place))
    assert project.skipped() == {"endless.md": "indexing fails"}
    assert project.how("quick.py") == "tree"
    # It is known for good.
    process = supervisor.process_id
    project.write("new.py", "def new():\n    pass\n")
    await supervisor.ask(Reconcile(place=project.place))
    assert supervisor.process_id == process


async def test_changed_files_go_before_a_comparison(
    project: Project, make_supervisor: MakeSupervisor
) -> None:
    furnish(project)
    project.write("zzz.py", "def needle():\n    pass\n")
    supervisor = make_supervisor()
    look = Look(place=project.place, paths=("zzz.py",))
    comparing = await asked_behind_a_comparison(supervisor, project, look)
    assert project.find("needle") == ["zzz.py"]
    assert not comparing.done()
    await comparing
    assert len(project.paths()) == FILES + 1


async def test_progress_is_told(project: Project) -> None:
    furnish(project)
    told: list[Progress] = []
    supervisor = Supervisor("fts5", str(project.folder.parent), progress=told.append)
    try:
        await supervisor.ask(Reconcile(place=project.place))
    finally:
        await supervisor.close()
    assert [one.done for one in told] == sorted(one.done for one in told)
    assert (told[-1].done, told[-1].of) == (FILES, FILES)


async def test_an_index_that_another_process_writes_is_refused(
    project: Project, make_supervisor: MakeSupervisor
) -> None:
    project.write("a.py", "x = 1\n")
    supervisor = make_supervisor()
    held = WritableIndex(project.folder, "fts5")
    with pytest.raises(IndexLocked):
        await supervisor.ask(Reconcile(place=project.place))
    held.close()
    await supervisor.ask(Reconcile(place=project.place))
    await supervisor.ask(Rest(place=project.place))
    WritableIndex(project.folder, "fts5").close()


def status_of(process_id: int | None) -> str:
    return Path(f"/proc/{process_id}/status").read_text("utf-8")


async def test_the_worker_is_confined_where_the_system_can(
    project: Project, make_supervisor: MakeSupervisor
) -> None:
    supervisor = make_supervisor()
    await supervisor.ask(Reconcile(place=project.place))
    status = status_of(supervisor.process_id)
    if "Seccomp:\t0\n" in status:
        pytest.skip("this kernel confines no process by Landlock")
    assert "Seccomp:\t2\n" in status and "NoNewPrivs:\t1\n" in status
    # Its one folder is told to it: elsewhere it makes no index.
    elsewhere = Place("v" * 32, str(project.root), str(project.root.parent / "other"))
    with pytest.raises(IndexUnwritable):
        await supervisor.ask(Reconcile(place=elsewhere))


async def test_bad_input_is_left_out_and_stops_nothing(
    project: Project, make_supervisor: MakeSupervisor
) -> None:
    root = project.root
    project.write("good.py", "def needle():\n    pass\n")
    project.write("minified.js", "var a=1;" * 5000)
    project.write("generated.py", "# Code generated by protoc. DO NOT EDIT.\n")
    project.write("nested.js", "[\n" * 100_000)
    project.write("blank.py", "\n" * 400_000)
    (root / "binary.py").write_bytes(bytes(range(256)) * 100)
    with (root / "huge.py").open("wb") as file:
        file.truncate(2**40)
    os.mkfifo(root / "pipe.py")
    (root / "zero.py").symlink_to("/dev/zero")
    (root / "loop").symlink_to(".")
    (root / os.fsdecode(b"\xff\xfe.py")).write_text("x = 1\n")
    deep = root / "/".join("d" * 150)
    deep.mkdir(parents=True)
    (deep / "below.py").write_text("x = 1\n")
    done = await make_supervisor().ask(Reconcile(place=project.place))
    assert done.looked_at == 7
    assert project.skipped() == {
        "binary.py": "binary",
        "generated.py": "generated",
        "huge.py": "huge",
        "minified.js": "minified",
    }
    assert project.find("needle") == ["good.py"]


async def test_a_damaged_index_is_made_anew(
    project: Project, make_supervisor: MakeSupervisor
) -> None:
    project.write("a.py", "def needle():\n    pass\n")
    supervisor = make_supervisor()
    await supervisor.ask(Reconcile(place=project.place))
    await supervisor.ask(Rest(place=project.place))
    for file in project.folder.rglob("catalogue.db*"):
        file.write_bytes(b"\1" * file.stat().st_size)
    assert (await supervisor.ask(Reconcile(place=project.place))).was_broken
    assert not (await supervisor.ask(Reconcile(place=project.place))).was_broken
    assert project.find("needle") == ["a.py"]


async def test_an_index_rests_only_when_nothing_is_under_way(
    project: Project, make_supervisor: MakeSupervisor
) -> None:
    furnish(project)
    supervisor = make_supervisor()
    rest = Rest(place=project.place)
    comparing = await asked_behind_a_comparison(supervisor, project, rest)
    assert not comparing.done()
    await comparing
    assert len(project.paths()) == FILES


async def test_forgetting_leaves_nothing(project: Project, make_supervisor: MakeSupervisor) -> None:
    project.write("a.py", "x = 1\n")
    supervisor = make_supervisor()
    await supervisor.ask(Reconcile(place=project.place))
    assert project.folder.exists()
    await supervisor.ask(Forget(place=project.place))
    assert not project.folder.exists()


async def test_a_closed_supervisor_refuses(
    project: Project, make_supervisor: MakeSupervisor
) -> None:
    supervisor = make_supervisor()
    furnish(project)
    asking = asyncio.create_task(supervisor.ask(Reconcile(place=project.place)))
    await until(lambda: supervisor.process_id is not None)
    worker = supervisor.process_id
    assert worker
    await supervisor.close()
    with pytest.raises(IndexerFailed):
        await asking
    with pytest.raises(CodeLabError):
        await supervisor.ask(Reconcile(place=project.place))
    assert not is_alive(worker)


async def test_the_loop_is_never_held_up_and_memory_is_bounded(
    project: Project, make_supervisor: MakeSupervisor
) -> None:
    furnish(project)
    late = 0.0
    supervisor = make_supervisor()
    asking = asyncio.create_task(supervisor.ask(Reconcile(place=project.place)))
    spent = time.thread_time()
    while not asking.done():
        before = time.thread_time()
        await asyncio.sleep(0.001)
        # In this thread's own time: what other processes take is not counted.
        late = max(late, time.thread_time() - before)
    await asking
    assert late < 0.05
    assert time.thread_time() - spent < 2
    assert most_memory_kb(supervisor.process_id) < 250_000
