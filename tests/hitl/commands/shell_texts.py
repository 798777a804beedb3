"""Texts that are hard on whoever reads command lines."""

from __future__ import annotations

from hypothesis import strategies as st

# Programs that no shell knows, and what attackers put around them. There is no slash in them,
# because bash tells its handler of unknown programs about bare names only.
_PIECES = [
    *("qa", "qb", "zz", "a", "-x", "1", "é", "日", "q.w"),
    *("'", '"', "\\", "\\\n", "''", '""', "'q a'", '"q b"', "\\ ", "\\'", '\\"', "'\\'"),
    *(" ", " ", "  ", "\t", "\n", "\n"),
    *(";", "&&", "||", "|", "|&", "&", ";;", ";&", "; ", " & ", " && ", "\n\n"),
    *("%", "=", "+", "-", "^", ",", "@", "q:w", "_"),
    *("if", "then", "fi", "time", "do", "in", "function", "select", "coproc", "case"),
]
_STRANGE = [
    *("$", "`", "$(", "${", ")", "(", "{", "}", "*", "?", "[", "]", "~", "!", "#", "<", ">"),
    *(">|", "<<<", "<<", "2>&1", "&>", "$'", '$"', "$x", "a=b", "a+=b ", "[[", "]]", "{ "),
    *("\r", "\x00", "\x01", "\x7f", "\u200b", "\u00a0", "\u3000", "\u202e", "\ufeff"),
]

plain_texts = st.lists(st.sampled_from(_PIECES), max_size=14).map("".join)
# They are safe to run: a free text might happen to name a real program or a builtin.
# Half of what is tried has nothing strange in it, or next to nothing would be free of doubt.
hard_texts = st.one_of(
    plain_texts,
    st.lists(st.sampled_from(_PIECES + _STRANGE), max_size=14).map("".join),
)
