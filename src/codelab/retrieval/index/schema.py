"""The tables of the catalogue, and what of them lies in the workspace now as views."""

from __future__ import annotations

import apsw

from codelab.retrieval.errors import IndexBroken, IndexOutdated
from codelab.retrieval.index.connecting import reported, run

# Also to be raised where the terms of texts or the pieces of files become others.
SCHEMA = 1
# Tells the file from one of another program.
_APPLICATION = 0x0C0DE1AB
# Numbers of rows are never given out twice (AUTOINCREMENT): what a full-text index still has of a
# row that is gone can then never be taken for another one. The names of a piece, and what a symbol
# lies in, are places among the symbols of the file. A folded name has no capitals (of ASCII), no
# underscores and no marks; its index goes by the beginning, which tells nearly all of them apart.
_TABLES = """
CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE paths (id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL UNIQUE);
CREATE TABLE versions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path_id INTEGER NOT NULL,
    digest BLOB NOT NULL,
    language TEXT NOT NULL,
    lines INTEGER NOT NULL,
    size INTEGER NOT NULL,
    how TEXT NOT NULL,
    put_in INTEGER NOT NULL,
    left_in INTEGER,
    UNIQUE (path_id, digest)
);
CREATE INDEX versions_left ON versions (left_in) WHERE left_in IS NOT NULL;
CREATE TABLE current (
    path_id INTEGER PRIMARY KEY,
    version_id INTEGER UNIQUE,
    skipped TEXT,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    device INTEGER NOT NULL
);
CREATE TABLE pieces (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    version_id INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    names TEXT NOT NULL,
    digest BLOB NOT NULL
);
CREATE INDEX pieces_versions ON pieces (version_id);
CREATE INDEX pieces_digests ON pieces (digest);
CREATE TABLE symbols (
    version_id INTEGER NOT NULL,
    place INTEGER NOT NULL,
    name TEXT NOT NULL,
    kind INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    qualifier TEXT,
    within INTEGER,
    folded TEXT AS (ltrim(replace(lower(name), '_', ''), '$@~')),
    beginning TEXT AS (substr(ltrim(replace(lower(name), '_', ''), '$@~'), 1, 10)),
    PRIMARY KEY (version_id, place)
) WITHOUT ROWID;
CREATE INDEX symbols_beginning ON symbols (beginning);
CREATE VIEW found_files AS
SELECT path, current.size, mtime_ns, ctime_ns, inode, device, digest, language, lines, how, skipped
FROM current
JOIN paths ON paths.id = current.path_id
LEFT JOIN versions ON versions.id = current.version_id;
CREATE VIEW found_pieces AS
SELECT pieces.id, path, versions.digest AS version, language, first, last,
    (
        SELECT group_concat(coalesce(qualifier, '') || name, char(10))
        FROM json_each(pieces.names) AS each
        CROSS JOIN symbols ON symbols.version_id = pieces.version_id AND symbols.place = each.value
    ) AS names,
    pieces.digest
FROM pieces
JOIN versions ON versions.id = pieces.version_id
JOIN current ON current.version_id = versions.id
JOIN paths ON paths.id = current.path_id;
CREATE VIEW found_symbols AS
SELECT path, versions.digest AS version, language, name, kind, first, last, folded, beginning,
    rtrim(coalesce(qualifier, (
        SELECT coalesce(outer.qualifier, '') || outer.name FROM symbols AS outer
        WHERE outer.version_id = symbols.version_id AND outer.place = symbols.within
    ), ''), ':.#\\') AS container
FROM symbols
JOIN versions ON versions.id = symbols.version_id
JOIN current ON current.version_id = versions.id
JOIN paths ON paths.id = current.path_id;
CREATE TABLE treeless (digest BLOB PRIMARY KEY) WITHOUT ROWID;
"""


def create(connection: apsw.Connection) -> None:
    """Make the tables in an empty file, all or none.

    Raises:
        IndexOutdated: The file is of another schema.
        IndexBroken: It is damaged, or of another program.
        IndexUnwritable: The disk is full or refuses.
    """
    if run(connection, "SELECT count(*) FROM sqlite_schema")[0][0] == 0:
        with reported(), connection:
            connection.execute(_TABLES)
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute(f"PRAGMA user_version = {SCHEMA}")
    check(connection)


def check(connection: apsw.Connection) -> None:
    """See that the tables are the ones that this release knows.

    Raises:
        IndexOutdated: The file is of another schema.
        IndexBroken: It is damaged, or of another program.
    """
    if run(connection, "PRAGMA application_id")[0][0] != _APPLICATION:
        raise IndexBroken("The index is damaged and has to be made anew.")
    if run(connection, "PRAGMA user_version")[0][0] != SCHEMA:
        raise IndexOutdated("The index was made by another release and has to be made anew.")
