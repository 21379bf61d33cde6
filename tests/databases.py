"""PostgreSQL databases for tests: a test gets one with nothing in it, made or used before.

To make one costs a sixth of a second of processor time, to empty one a thousandth. One that is
given back is lent again where nobody is connected to it any more, and where its schema and the few
rows that a prepared store begins with are as they were made.
"""

from collections import deque
from itertools import count

import psycopg
from psycopg import sql

from forecast.store import open_store

OURS = "nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"
SCHEMA = f"""
SELECT concat_ws(' ', c.relname, c.relkind, a.attname, a.atttypid, a.attnotnull, a.attisdropped,
                 pg_get_expr(d.adbin, d.adrelid))
FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid
JOIN pg_attribute a ON attrelid = c.oid
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE {OURS}
UNION ALL SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(c.oid))
FROM pg_constraint c JOIN pg_namespace n ON c.connamespace = n.oid WHERE {OURS}
UNION ALL SELECT concat_ws(' ', tgrelid::regclass, tgname, tgenabled) FROM pg_trigger
UNION ALL SELECT concat_ws(' ', proname, md5(prosrc))
FROM pg_proc p JOIN pg_namespace n ON p.pronamespace = n.oid WHERE {OURS}
UNION ALL SELECT array_to_string(setconfig, ' ') FROM pg_db_role_setting s
JOIN pg_database d ON s.setdatabase = d.oid AND datname = current_database()
"""
TABLES = f"""
SELECT nspname, relname FROM pg_class c JOIN pg_namespace n ON c.relnamespace = n.oid
WHERE relkind = 'r' AND {OURS} ORDER BY nspname, relname
"""
RESTARTED = f"""
SELECT setval(seqrelid, seqstart, false) FROM pg_sequence JOIN pg_class c ON seqrelid = c.oid
JOIN pg_namespace n ON c.relnamespace = n.oid WHERE {OURS}
"""
OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class Databases:
    """The prepared databases of one server, whose URL has {} for the name of a database.

    Their names begin with `name`.
    """

    def __init__(self, server: str, name: str = "store") -> None:
        self._server, self._name, self._numbers = server, name, count(1)
        self._free: deque[str] = deque()
        open_store(self._create(f"{name}_prepared", "template0")).close()
        with self._connect(f"{name}_prepared") as connection:
            tables = [sql.Identifier(*names) for names in connection.execute(TABLES).fetchall()]
            self._begun = [table for table in tables if _rows(connection, table)]
            self._made = self._look(connection)
            emptied = [sql.SQL("DELETE FROM {}").format(t) for t in tables if t not in self._begun]
        # without foreign keys and triggers, in whose order the tables are not
        plainly = sql.SQL("SET session_replication_role = replica")
        self._empty = sql.SQL("; ").join([plainly, *emptied, sql.SQL(RESTARTED)])

    def new(self) -> str:
        """The URL of a prepared one that nobody has used."""
        return self._create(f"{self._name}_{next(self._numbers)}", f"{self._name}_prepared")

    def lend(self) -> str:
        """The URL of a prepared one that holds nothing; give it back when done."""
        for _ in range(len(self._free)):
            url = self._free.popleft()
            with psycopg.connect(url, autocommit=True) as connection:
                if connection.execute(OTHERS).fetchone() != (0,):
                    self._free.append(url)
                elif self._look(connection) == self._made:
                    connection.execute(self._empty)
                    return url
        return self.new()

    def give_back(self, url: str) -> None:
        """Somebody else may have it, once nobody is connected to it."""
        self._free.append(url)

    def _connect(self, name: str) -> psycopg.Connection:
        return psycopg.connect(self._server.format(name), autocommit=True)

    def _create(self, name: str, template: str) -> str:
        with self._connect("postgres") as connection:
            made = f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy"
            connection.execute(made)
        return self._server.format(name)

    def _look(self, connection: psycopg.Connection) -> object:
        schema = sorted(connection.execute(SCHEMA).fetchall())
        return schema, [_rows(connection, table) for table in self._begun]


def _rows(connection: psycopg.Connection, table: sql.Identifier) -> list[tuple[object, ...]]:
    return sorted(connection.execute(sql.SQL("SELECT * FROM {}").format(table)).fetchall())
