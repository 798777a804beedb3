"""What looks like a secret in a line of code, and how to show the line without it; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

HIDDEN = "[hidden]"

# Repetitions are bounded, and so are lines: no text can make a pattern search for long.
_LONGEST_LINE = 2000
_KNOWN = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----"),
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a GitHub token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,})"),
    "a GitLab token": re.compile(r"\bglpat-[\w-]{20,}"),
    "a Slack token": re.compile(r"\bxox[abprs]-[\w-]{10,}"),
    "a Google key": re.compile(r"\bAIza[\w-]{35}"),
    "a model provider's key": re.compile(r"\bsk-[A-Za-z0-9_-]{20,}"),
    "a payment provider's key": re.compile(r"\b[rs]k_live_[A-Za-z0-9]{16,}"),
    "a signed token": re.compile(r"\beyJ[\w-]{10,400}\.eyJ[\w-]{10,1000}\.[\w-]{10,}"),
    "a password in an address": re.compile(
        r"\b[a-z][a-z0-9+]+://[^\s:/@]+:(?P<value>[^\s@/]{3,})@"
    ),
}
_ASSIGNED = re.compile(
    r"""(?i)(?:password|passwd|passphrase|secret|api_?key|access_?key|private_?key|token)\w{0,40}
    ["']?\s{0,9}[:=]\s{0,9}(?P<quote>["'])(?P<value>[^"'\s]{8,500})(?P=quote)""",
    re.VERBOSE,
)
_PLACEHOLDER = re.compile(
    r"(?i)example|change.?me|placeholder|dummy|your[-_]|x{4}|\*{3}|\.{3}"
    r"|^[<$%{]|^(.)\1+$|^test|^password\d*$"
)
_BLOCK_END = re.compile(r"-----END [A-Z ]{0,40}PRIVATE KEY-----")
_KEY_BODY = re.compile(r"^\s*[A-Za-z0-9+/=]{60,}\s*$")
_FILES = re.compile(
    r"(?:^|/)(?:\.env(?!\.(?:example|sample|template)$)(?:\.\w+)?|id_(?:rsa|dsa|ecdsa|ed25519)"
    r"|[^/]+\.(?:pem|p12|pfx|keystore|jks)|\.netrc|\.pgpass|credentials\.json)$"
)


def secret_in(text: str) -> str:
    """Name the kind of secret that a line seems to hold; empty for none."""
    text = text[:_LONGEST_LINE]
    for what, pattern in _KNOWN.items():
        if pattern.search(text) and not _is_placeholder(pattern, text):
            return what
    match = _ASSIGNED.search(text)
    return "a password or key" if match and not _PLACEHOLDER.search(match["value"]) else ""


def holds_secrets(path: str) -> bool:
    """Tell whether a file of this name usually holds secrets."""
    return _FILES.search(path) is not None


def masked(lines: Iterable[str]) -> list[str]:
    """Return neighbouring lines with every secret replaced; very long lines lose their end."""
    shown = []
    in_block = False
    for line in (each[:_LONGEST_LINE] for each in lines):
        if _KNOWN["a private key"].search(line):
            in_block = True
        if in_block or _KEY_BODY.match(line):
            in_block = in_block and not _BLOCK_END.search(line)
            shown.append(HIDDEN)
            continue
        shown.append(_mask(line))
    return shown


def _mask(line: str) -> str:
    for pattern in (*_KNOWN.values(), _ASSIGNED):
        line = pattern.sub(_replaced, line)
    return line


def _replaced(match: re.Match[str]) -> str:
    groups = match.groupdict()
    if "value" not in groups:
        return HIDDEN
    if _PLACEHOLDER.search(groups["value"]):
        return match[0]
    start, end = match.span("value")
    return match[0][: start - match.start()] + HIDDEN + match[0][end - match.start() :]


def _is_placeholder(pattern: re.Pattern[str], text: str) -> bool:
    match = pattern.search(text)
    value = match.groupdict().get("value") if match else None
    return value is not None and _PLACEHOLDER.search(value) is not None
