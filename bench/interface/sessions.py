"""Opening a session with ten thousand messages."""

from __future__ import annotations

import sqlalchemy as sa
from playwright.async_api import Error, expect

from bench.interface.stage import Figure, Missing, Stage
from codelab.kit.bus import Bus
from codelab.kit.crypto import Cipher
from codelab.kit.db import Database
from codelab.kit.ids import new_id
from codelab.sessions.events import (
    AnyFact,
    AssistantMessageCompleted,
    TurnEnded,
    UserMessageReceived,
)
from codelab.sessions.log import SessionLog
from codelab.sessions.models import sessions

_TURNS, _STEPS = 500, 19
_PIXELS = _TURNS * _STEPS * 40
_LAST = "This is the very last answer."

# From inside the page: the way there is a click's, without loading the page anew.
_OPEN = """
async ([path, last, whole]) => {
  const before = performance.now();
  history.pushState(null, '', path);
  dispatchEvent(new PopStateEvent('popstate', { state: null }));
  const assistant = document.querySelector('[data-region="assistant"]');
  while (!assistant.textContent.includes(last)) await new Promise(requestAnimationFrame);
  const took = performance.now() - before;
  const nodes = assistant.querySelectorAll('*').length;
  const list = assistant.querySelector('[role="region"]');
  while (list.scrollHeight < whole) await new Promise(requestAnimationFrame);
  return [took, nodes, performance.now() - before];
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
        took, nodes, all_there = await page.evaluate(_OPEN, [path, _LAST, _PIXELS])
    except (AssertionError, Error):
        raise Missing("the assistant shows no sessions") from None
    count = f"{nodes} nodes"
    return [
        Figure("session of 10,000 messages", f"{took:.0f} ms", "300 ms", "96", took <= 300),
        Figure("  nodes in its pane", count, "500 nodes", "90", nodes <= 500),
        Figure("  until all of it can be scrolled", f"{all_there:.0f} ms", "-", "-", True),
    ]


async def _fill(stage: Stage, session_id: str) -> None:
    """Write its log in one go: a model would take hours, and a commit for each turn minutes."""
    environment = stage.ide.server.environment()
    db = Database(environment["CODELAB_DATABASE_URL"], Bus())
    log = SessionLog(Cipher([environment["CODELAB_SECRET_KEY"]]))
    last_seq = 0
    async with db.transaction() as tx:
        for number in range(_TURNS):
            facts = _turn(number)
            last_seq += len(facts)
            await log.write(tx, session_id, new_id(), facts, epoch=1, last_seq=last_seq)
        record = sa.update(sessions).where(sessions.c.id == session_id)
        await tx.execute(record.values(last_seq=last_seq))
    await db.close()


def _turn(number: int) -> list[AnyFact]:
    asked = UserMessageReceived(message_id=new_id(), text=f"Question {number}?", by="bench")
    texts = [f"Answer {number}.{step}, in `code`." for step in range(_STEPS - 1)]
    texts.append(_LAST if number == _TURNS - 1 else f"Done with {number}.")
    answers = [
        AssistantMessageCompleted(message_id=new_id(), agent="coder", model="load", text=text)
        for text in texts
    ]
    ended = TurnEnded(message_id=answers[-1].message_id, stop_reason="end", duration_ms=1)
    return [asked, *answers, ended]
