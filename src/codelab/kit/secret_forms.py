"""What keys and passwords look like; patterns that never look at a character many times."""

from __future__ import annotations

import re
from typing import NamedTuple


class Form(NamedTuple):
    """How a provider's tokens look: a literal beginning, what it is, and the whole."""

    beginning: str
    kind: str
    pattern: re.Pattern[str]


def _form(beginning: str, kind: str, rest: str, before: str = "") -> Form:
    # Possessive: what was read is never given back and read again.
    return Form(beginning, kind, re.compile(before + re.escape(beginning) + rest, re.ASCII))


# Where a token can be: what has no digit is none, but for those of Hugging Face. Each run is
# looked at from its beginning only, so that nothing is read again and again.
TOKEN_RUN = re.compile(r"(?<![\w.-])(?:hf_[A-Za-z]{30,}+|[A-Za-z_.-]*+\d[\w.-]*+)", re.ASCII)
SHORTEST_TOKEN = 16

_ENDLESS = r"[\w-]{20,}+"
_LETTERS = r"[A-Za-z0-9]{20,}+"

TOKENS = (
    _form("codelab_", "CodeLab token", r"[0-9a-f]{32}_\w{8,}+"),
    _form("sk-ant-", "Anthropic key", _ENDLESS),
    _form("sk-or-", "OpenRouter key", _ENDLESS),
    _form("sk-", "API key", _ENDLESS),
    _form("gsk_", "Groq key", _LETTERS),
    _form("xai-", "xAI key", _LETTERS),
    _form("pplx-", "Perplexity key", _LETTERS),
    _form("hf_", "Hugging Face token", r"[A-Za-z0-9]{30,}+"),
    _form("r8_", "Replicate token", r"[A-Za-z0-9]{30,}+"),
    _form("AIza", "Google key", r"[\w-]{35}"),
    _form("ya29.", "Google token", _ENDLESS),
    _form("GOCSPX-", "Google secret", _ENDLESS),
    *(_form(start, "AWS key", r"[A-Z2-7]{16}(?![A-Za-z0-9])") for start in ("AKIA", "ASIA")),
    *(_form(f"gh{one}_", "GitHub token", _LETTERS) for one in "pousr"),
    _form("github_pat_", "GitHub token", r"\w{20,}+"),
    *(
        _form(f"gl{one}-", "GitLab token", _ENDLESS)
        for one in ("pat", "dt", "rt", "ptt", "cbt", "soat", "oas", "ft", "agent")
    ),
    *(_form(f"xox{one}-", "Slack token", r"[\w-]{11,}+") for one in "abeoprs"),
    _form("xapp-", "Slack token", _ENDLESS),
    *(
        _form(f"{one}_{where}_", "Stripe key", r"[A-Za-z0-9]{16,}+")
        for one in ("sk", "rk")
        for where in ("live", "test")
    ),
    _form("whsec_", "Stripe secret", _LETTERS),
    _form("npm_", "npm token", r"[A-Za-z0-9]{36}"),
    _form("pypi-AgE", "PyPI token", _ENDLESS),
    _form("dckr_pat_", "Docker token", _ENDLESS),
    _form("dop_v1_", "DigitalOcean token", r"[0-9a-f]{64}"),
    _form("SG.", "SendGrid key", r"[\w-]{22}\.[\w-]{43}"),
    _form("hvs.", "Vault token", _ENDLESS),
    _form("dapi", "Databricks token", r"[0-9a-f]{32}(?![0-9a-f])"),
    _form("ATATT3", "Atlassian token", r"[\w-]{30,}+"),
    _form("AQVN", "Yandex Cloud key", r"[\w-]{35,}+"),
    _form("t1.", "Yandex Cloud token", r"[\w-]{20,}+\.[\w-]{80,}+"),
    _form("AGE-SECRET-KEY-1", "age key", r"[0-9A-Z]{58}"),
    # At the beginning of a word only: from within it, the same would be read again and again.
    _form("eyJ", "JSON Web Token", r"[\w-]{10,}+\.eyJ[\w-]{8,}+\.[\w-]{8,}+", r"(?<![\w-])"),
)

# A password in an address.
ADDRESS = re.compile(r"://[^\s:/@\"'<>]{0,200}+:(?P<value>[^\s/@\"'<>]{3,200}+)@")

# What a header of HTTP carries.
HEADER = re.compile(r"(?:[Bb]earer|[Bb]asic) {1,4}(?P<value>[\w.~+/=-]{16,}+)", re.ASCII)

# The last parts of the names of secrets in lower case; `key` is one behind certain words only.
NAME_ENDS = ("password", "passwd", "passphrase", "pwd", "secret", "token", "key", "credentials")
KEY_OF = re.compile(r"(?:api|access|private|auth|account|encryption|signing|master|secret)[_-]?$")

# What follows the name: `password = "…"`, `"api_key": "…"`, `TOKEN=…`.
ASSIGNED = re.compile(
    r"[\"'`\])\\]{0,4}+"
    r"(?P<sign>[ \t]{0,8}+(?::[ \t]{0,4}(?:str|[Ss]tring)[ \t]{0,4}=|:=|=>|[:=])[ \t]{0,8}+)"
    r"(?:\\?(?P<quote>[\"'`])(?P<quoted>[^\"'`\s\\]{8,500}+)\\?(?P=quote)"
    r"|(?P<bare>[^\s\"'`,;&<>(){}\[\]\\]{12,500}+)(?![\w(\[{<]))",
    re.ASCII,
)

_KEY = r"(?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----"
KEY_BEGIN = re.compile(f"-----BEGIN {_KEY}")
KEY_END = re.compile(f"-----END {_KEY}")
# A line that holds a part of a key and nothing else but what numbers or quotes it.
KEY_LINE = re.compile(
    r"[\s\d+> |:\"'#*-]{0,24}?(?P<body>[A-Za-z0-9+/=]{1,500}+)(?:\\[rn]|[\s\"',;+)]){0,8}"
)
# A line at the beginning of a block that is no part of the key.
KEY_HEADING = re.compile(r"[\s\d+>|-]{0,24}(?:[A-Za-z-]{1,30}: .{0,500})?")
