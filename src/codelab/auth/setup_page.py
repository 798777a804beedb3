"""The page behind the setup link: one HTML document without scripts, in English or Russian."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import Final, Literal

import msgspec

Language = Literal["en", "ru"]

_STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 26rem; margin: 10vh auto; padding: 0 1rem; }
label { display: block; margin-top: 1rem; }
input { box-sizing: border-box; width: 100%; padding: .5rem; font: inherit; }
button { margin-top: 1.5rem; padding: .5rem 1.5rem; font: inherit; }
small { opacity: .75; }
.problem { padding: .75rem; border: 2px solid #c22; border-radius: .25rem; }
pre { padding: .75rem; border: 1px solid; border-radius: .25rem; overflow-x: auto; }
"""

_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

HEADERS: Final = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    # The address holds the setup token.
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Language",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class _Texts(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    lead: str
    name_label: str
    name_rule: str
    phrase_label: str
    strength_rule: str
    again: str
    submit: str
    done_title: str
    done: str
    problems: dict[str, str]


_TEXTS: Final[dict[Language, _Texts]] = {
    "en": _Texts(
        title="Set up CodeLab",
        lead="Choose the name and the password of the first administrator.",
        name_label="User name",
        name_rule="Letters, digits and . _ - + @, up to 64.",
        phrase_label="Password",
        strength_rule="At least 10 characters.",
        again="Password again",
        submit="Create the administrator",
        done_title="CodeLab is ready",
        done="The administrator was created. In a terminal, sign in and ask your first question:",
        problems={
            "username": "A user name has 1 to 64 letters, digits or . _ - + @ and begins with a "
            "letter or a digit.",
            "password": "A password has 10 to 1024 characters and is not the user name.",
            "again": "The two passwords differ.",
            "setup_closed": "CodeLab is set up already. Sign in instead.",
            "setup_token_invalid": "This setup link does not work. Use the one that CodeLab "
            "printed last.",
        },
    ),
    "ru": _Texts(
        title="Настройка CodeLab",
        lead="Выберите имя и пароль первого администратора.",
        name_label="Имя пользователя",
        name_rule="Буквы, цифры и . _ - + @, не больше 64.",
        phrase_label="Пароль",
        strength_rule="Не меньше 10 символов.",
        again="Пароль ещё раз",
        submit="Создать администратора",
        done_title="CodeLab готов к работе",
        done="Администратор создан. Войдите в терминале и задайте первый вопрос:",
        problems={
            "username": "Имя пользователя — от 1 до 64 букв, цифр или знаков . _ - + @, "
            "первой стоит буква или цифра.",
            "password": "В пароле от 10 до 1024 символов, и он не совпадает с именем.",
            "again": "Пароли не совпадают.",
            "setup_closed": "CodeLab уже настроен. Просто войдите.",
            "setup_token_invalid": "Эта ссылка не действует. Откройте ту, которую CodeLab "
            "напечатал последней.",
        },
    ),
}


def choose_language(accept_language: str) -> Language:
    """Pick the language of the page by the browser's `Accept-Language`; English if in doubt."""
    best: Language = "en"
    best_weight = 0.0
    for entry in accept_language[:500].split(","):
        tag, _, parameters = entry.strip().partition(";")
        language = tag.strip().lower().partition("-")[0]
        weight = _weight(parameters)
        if weight > best_weight and (language == "en" or language == "ru"):
            best, best_weight = ("ru" if language == "ru" else "en"), weight
    return best


def form_page(language: Language, token: str, *, name: str = "", problem: str = "") -> str:
    """Write the page with the form.

    Args:
        language: The language of the texts.
        token: The setup token, which the form carries.
        name: The user name as it was typed before.
        problem: What was wrong with the last try: a field's name or an error's code.
    """
    texts = _TEXTS[language]
    notice = f'<p class="problem" role="alert">{texts.problems[problem]}</p>' if problem else ""
    return _document(
        language,
        texts.title,
        f"""<p>{texts.lead}</p>
{notice}
<form method="post" action="/setup">
<input type="hidden" name="token" value="{escape(token)}">
<label for="username">{texts.name_label}</label>
<input id="username" name="username" value="{escape(name)}" required maxlength="64"
 autocomplete="username" autofocus>
<small>{texts.name_rule}</small>
<label for="password">{texts.phrase_label}</label>
<input id="password" name="password" type="password" required minlength="10" maxlength="1024"
 autocomplete="new-password">
<small>{texts.strength_rule}</small>
<label for="again">{texts.again}</label>
<input id="again" name="again" type="password" required maxlength="1024"
 autocomplete="new-password">
<button>{texts.submit}</button>
</form>""",
    )


def problem_page(language: Language, problem: str) -> str:
    """Write the page for a link that cannot be used, by the error's code."""
    texts = _TEXTS[language]
    notice = f'<p class="problem" role="alert">{texts.problems[problem]}</p>'
    return _document(language, texts.title, notice)


def done_page(language: Language, chat: str) -> str:
    """Write the page that says what to do next.

    Args:
        language: The language of the texts.
        chat: The command that begins a conversation.
    """
    texts = _TEXTS[language]
    body = f"<p>{texts.done}</p>\n<pre>{escape(chat)}</pre>"
    return _document(language, texts.done_title, body)


def _document(language: Language, title: str, body: str) -> str:
    return f"""<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
