"""What the three providers' wire formats have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tests.model_server.script import Body, Question, Reply


@dataclass(frozen=True, slots=True)
class Frame:
    """One event or line of a stream; `chunk` says whether it carries a piece of the answer."""

    data: bytes
    chunk: bool = False


class Wire(Protocol):
    """A provider's side of the conversation: how it reads a request and how it words an answer."""

    stream_type: str
    """The content type of a streamed answer."""
    ping: bytes
    """A sign of life that carries nothing."""
    request_id_header: str | None
    """The header that carries the provider's id of the request."""
    unknown_key_status: int
    """The status that says the key, or what stands for it, is not known."""

    def key(self, headers: Mapping[str, str], body: Body) -> str:
        """The key the script is filed under, empty when the request names none."""
        ...

    def streams(self, body: Body) -> bool:
        """Whether the request asks for a stream."""
        ...

    def question(self, body: Body) -> Question:
        """What replies are chosen by."""
        ...

    def problem(self, body: Body) -> str | None:
        """Why the provider would refuse the conversation, or none."""
        ...

    def frames(self, reply: Reply, body: Body) -> list[Frame]:
        """The reply as a stream."""
        ...

    def whole(self, reply: Reply, body: Body) -> bytes:
        """The reply as one JSON document."""
        ...

    def error(self, status: int, message: str | None = None) -> bytes:
        """An error's body; without a message the provider's usual one for the status."""
        ...

    def overflow(self) -> bytes:
        """The body of the 400 for a prompt that is longer than the model's window."""
        ...

    def failure(self) -> Frame:
        """The event that ends a stream which began well."""
        ...


def plain_text(content: Any) -> str:
    """The text in a message's content, whether it is a string or (nested) parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(plain_text(part) for part in content)
    if isinstance(content, dict):
        return plain_text(content.get("text") or content.get("content"))
    return ""


def bearer(headers: Mapping[str, str]) -> str:
    """The token of an `Authorization: Bearer` header, or nothing."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def question_of_roles(body: Body) -> Question:
    """The question in a request whose system prompt is a message among the others."""
    messages = body["messages"]
    system = [
        plain_text(m.get("content")) for m in messages if m.get("role") in ("system", "developer")
    ]
    return Question(
        model=body["model"],
        system="\n".join(system),
        last=plain_text(messages[-1].get("content")) if messages else "",
    )
