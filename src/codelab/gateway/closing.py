"""Why the server closes a socket, as codes: 4000-4499 come back later, 4500-4999 don't."""

from __future__ import annotations

import enum


class CloseCode(enum.IntEnum):
    """The close codes of our own.

    The server underneath adds three of the standard's: 1007 for text that is not UTF-8, 1009 for
    a frame over the limit, 1012 when the server stops (come back at once).
    """

    TOO_SLOW = 4000, "The reader fell behind. Reconnect and resume."
    SIGN_IN_TIMEOUT = 4001, "No auth frame came in time."
    TOKEN_EXPIRED = 4002, "The access token has expired. Refresh it and reconnect."
    UNAVAILABLE = 4003, "The server cannot check sign-ins at the moment."
    STOPPING = 4004, "The server is stopping. Reconnect."
    FAILED = 4005, "The server failed to handle the connection."
    REFUSED = 4500, "The token was refused."
    SIGNED_OUT = 4501, "The user was signed out, disabled or deleted."
    TOO_MANY_BAD_FRAMES = 4502, "Too many frames in a row were invalid."
    TAKEN_OVER = 4503, "The terminal was opened in another window."
    ENDED = 4504, "The terminal has ended."
    TOO_MUCH_INPUT = 4505, "More was typed than the program reads."
    FRAME_INVALID = 4506, "A frame was invalid."

    reason: str

    def __new__(cls, code: int, reason: str) -> CloseCode:
        """Keep the sentence beside the number."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.reason = reason
        return member
