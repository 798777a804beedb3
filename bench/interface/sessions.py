"""Opening a session with ten thousand messages."""

from __future__ import annotations

from playwright.async_api import Error, expect

from bench.interface.stage import Figure, Missing, Stage
from codelab.auth.api import Principal
from codelab.kit.bus import Bus
from codelab.kit.crypto import Cipher
from codelab.kit.db import Database
from codelab.kit.ids import new_id
from codelab.sessions.api import Lease, Sessions, Turns
from codelab.sessions.events import AssistantMessageCompleted, TurnEnded, TurnStarted
from codelab.workspace.api import Workspaces, WorkspaceSettings

_TURNS, _STEPS = 500, 19
_LAST = "This is the very last answer."

# From inside the page: the way there is a click's, without loading the page anew.
_OPEN = """
async ([path, last]) => {
  const before = performance.now();
  history.pushState(null, '', path);
  dispatchEvent(new PopStateEvent('popstate', { state: null }));
  const assistant = document.querySelector('[data-region="assistant"]');
  while (!assistant.textContent.includes(last)) await new Promise(requestAnimationFrame);
  const took = performance.now() - before;
  return [took, assistant.querySelectorAll('*').length];
}
"""


async def long_session(stage: Stage) -> list[Figure]:
    """Open it from another one and count what is in the page then."""
    session_id = await stage.ide.new_session()
    await _fill(stage, session_id)
    page = await stage.open(f"/s/{await stage.ide.new_session()}")
    box = page.locator("[data-region=assistant] textarea")
    try:
        await expect(box.first).to_be_visible(timeout=5000)
        page.set_default_timeout(30_000)
        path = f"/w/{stage.ide.workspace_id}/s/{session_id}"
        took, nodes = await page.evaluate(_OPEN, [path, _LAST])
    except (AssertionError, Error):
        raise Missing("the assistant shows no sessions") from None
    count = f"{nodes} nodes"
    return [
        Figure("session of 10,000 messages", f"{took:.0f} ms", "300 ms", "96", took <= 300),
        Figure("  nodes in its pane", count, "500 nodes", "90", nodes <= 500),
    ]


async def _fill(stage: Stage, session_id: str) -> None:
    """Write its turns as a second replica would: a model would take hours."""
    server = stage.ide.server
    environment = server.environment()
    bus = Bus()
    db = Database(environment["CODELAB_DATABASE_URL"], bus)
    cipher = Cipher([environment["CODELAB_SECRET_KEY"]])
    leases: dict[str, Lease] = {}

    def keep(event: TurnStarted) -> None:
        leases[event.turn_id] = event.held

    bus.subscribe(TurnStarted, keep)
    workspaces = Workspaces(db, WorkspaceSettings(data_dir=server.folder / "data"))
    sessions = Sessions(db, cipher, workspaces.get, replica="bench")
    turns = Turns(db, cipher, replica="bench")
    me = await stage.ide.user.client.call("GET", "auth/me")
    principal = Principal(user_id=me["id"], name=stage.ide.user.name)
    for number in range(_TURNS):
        opened = await sessions.start_turn(principal, session_id, f"Question {number}?")
        answers = [_answer(f"Answer {number}.{step}, in `code`.") for step in range(_STEPS - 1)]
        answers.append(_answer(_LAST if number == _TURNS - 1 else f"Done with {number}."))
        ended = TurnEnded(message_id=answers[-1].message_id, stop_reason="end", duration_ms=1)
        async with db.transaction() as tx:
            await turns.end(tx, leases.pop(opened.turn_id), answers, ended, "coder")
    await workspaces.close()
    await db.close()


def _answer(text: str) -> AssistantMessageCompleted:
    return AssistantMessageCompleted(message_id=new_id(), agent="coder", model="load", text=text)
