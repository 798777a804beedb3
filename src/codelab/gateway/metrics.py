"""What Prometheus reads: measured from events and at the edge; nothing is global."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from codelab.kit.bus import Bus
from codelab.kit.db import Database
from codelab.retrieval.api import IndexFigures

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_SLOW = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160)
_HUMAN = (1, 5, 10, 30, 60, 120, 180, 240, 300, 600)
_MAX_NAMES = 200

Reading = tuple[str, float]


class Metrics:
    """The measurements of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        self._names: dict[str, set[str]] = {}
        self.http = self._histogram(
            "http_response", "Time to the start of an answer.", ["method", "route", "status"], _FAST
        )
        self.http_errors = self._counter(
            "http_errors", "Answers with a status of 500 or more.", ["method", "route"]
        )
        self.rate_limited = self._counter("rate_limited", "Requests refused by a limit.", [])
        self.sockets = self._gauge("websocket_connections", "Open WebSockets.", [])
        self.turns = self._counter("turns", "Turns that ended.", ["stop_reason"])
        self.turn_time = self._histogram("turn", "Duration of turns.", ["stop_reason"], _SLOW)
        self.tokens = self._counter("tokens", "Tokens of models.", ["model", "direction"])
        self.cost = self._counter(
            "llm_cost_usd", "Cost of models in US dollars.", ["model", "agent"]
        )
        self.llm_calls = self._counter(
            "llm_calls", "Calls of models that went well, by who answered.", ["source"]
        )
        self.llm_first_token = self._histogram(
            "llm_first_token", "Time to a model's first piece.", ["provider"], _SLOW
        )
        self.llm_time = self._histogram("llm", "Duration of model calls.", ["provider"], _SLOW)
        self.llm_errors = self._counter("llm_errors", "Model calls that failed.", ["code"])
        self.db_time = self._histogram(
            "db_query", "Time that a database connection was held.", [], _FAST
        )
        self.approvals = self._counter("approvals", "Requests for approval by outcome.", ["status"])
        self.approval_time = self._histogram(
            "approval_response", "Time until a request for approval was answered.", [], _HUMAN
        )
        self.tools = self._counter("tool_runs", "Tool calls that ended.", ["tool", "ok"])
        self.tool_time = self._histogram("tool", "Duration of tool calls.", ["tool"], _FAST)
        self.searches = self._counter(
            "code_searches", "Answers of code search, with or without hits.", ["kind", "found"]
        )
        self.search_time = self._histogram(
            "code_search", "Duration of code search.", ["kind"], _FAST
        )
        self._asked: list[Callable[[], Awaitable[None]]] = []
        self.facts = self._counter("facts", "Entries committed to logs here.", [])

    def known(self, kind: str, name: str) -> str:
        """Bound the number of values of a label that models or users can make up."""
        names = self._names.setdefault(kind, set())
        if name in names or len(names) < _MAX_NAMES:
            names.add(name)
            return name
        return "other"

    def watch_bus(self, bus: Bus) -> None:
        """Report the handlers of events that failed or were too slow."""
        self._read("bus_failures", "Event handlers that failed.", "handler", bus.failures.items)
        self._read("bus_dropped", "Events dropped by slow handlers.", "handler", bus.dropped.items)

    def watch_database(self, db: Database) -> None:
        """Report query times and the use of the connection pool."""
        db.on_query = self.db_time.observe
        pool = db.engine.pool

        def read() -> Iterable[Reading]:
            used: Callable[[], int] | None = getattr(pool, "checkedout", None)
            size: Callable[[], int] | None = getattr(pool, "size", None)
            yield "used", used() if used else 0
            yield "size", size() if size else 0

        self._read("db_pool_connections", "Database connections.", "kind", read, gauge=True)

    def watch_cache(self, name: str, read: Callable[[], tuple[int, int]]) -> None:
        """Report a cache's hits and misses.

        Args:
            name: The cache.
            read: Returns both since the start.
        """
        self._read(
            f"cache_{name}",
            f"Look-ups in the cache {name}.",
            "outcome",
            lambda: zip(("hit", "miss"), read(), strict=True),
        )

    def watch_models(self, read: Callable[[], Iterable[Reading]]) -> None:
        """Report which models rest after failures.

        Args:
            read: Returns each model with the seconds until it is tried again, zero for the others.
        """
        text = "Seconds until a model that has failed is tried again; zero while it is well."
        self._read("model_rest_seconds", text, "model", read, gauge=True)

    def watch_budget(
        self, outcomes: Callable[[], Iterable[Reading]], reserved: Callable[[], Iterable[Reading]]
    ) -> None:
        """Report what became of requests for money, and how much was granted.

        Args:
            outcomes: Returns how often each outcome was, since the start.
            reserved: Returns the US dollars that were reserved since the start.
        """
        self._read("budget_reservations", "Requests for money, by outcome.", "outcome", outcomes)
        self._read("budget_reserved_usd", "Money reserved, in US dollars.", "outcome", reserved)

    def watch_indexes(self, read: Callable[[], Awaitable[IndexFigures]]) -> None:
        """Report what is in indexes of code and how fresh they are.

        Args:
            read: Adds up those of all projects in use.
        """
        states = self._gauge("indexes", "Indexes of projects in use, by state.", ["state"])
        files = self._gauge("index_files", "Files that can be found.", ["language"])
        lines = self._gauge("index_lines", "Lines of files that can be found.", ["language"])
        waiting = self._gauge("index_waiting_files", "Changed files not in an index yet.", [])
        age = self._gauge(
            "index_age_seconds", "Since an index was found whole; the longest of all.", []
        )

        async def ask() -> None:
            figures = await read()
            _show(states, figures.states.items())
            _show(files, figures.files.items())
            _show(lines, figures.lines.items())
            waiting.set(figures.waiting)
            age.set(figures.age_s)

        self._asked.append(ask)

    async def refresh(self) -> None:
        """Ask for what cannot be read at once; to be awaited before writing."""
        for ask in self._asked:
            await ask()

    def render(self) -> bytes:
        """Write all measurements as Prometheus reads them."""
        return generate_latest(self.registry)

    def _histogram(
        self, name: str, text: str, labels: list[str], buckets: tuple[float, ...]
    ) -> Histogram:
        return Histogram(
            f"codelab_{name}_seconds", text, labels, buckets=buckets, registry=self.registry
        )

    def _gauge(self, name: str, text: str, labels: list[str]) -> Gauge:
        return Gauge(f"codelab_{name}", text, labels, registry=self.registry)

    def _counter(self, name: str, text: str, labels: list[str]) -> Counter:
        return Counter(f"codelab_{name}", text, labels, registry=self.registry)

    def _read(
        self,
        name: str,
        text: str,
        label: str,
        read: Callable[[], Iterable[Reading]],
        *,
        gauge: bool = False,
    ) -> None:
        self.registry.register(_Readings(f"codelab_{name}", text, label, read, gauge=gauge))


def _show(gauge: Gauge, values: Iterable[Reading]) -> None:
    """Show these values and no earlier ones."""
    gauge.clear()
    for name, value in values:
        gauge.labels(name).set(value)


class _Readings(Collector):
    """Values that somebody else keeps, read when Prometheus asks."""

    def __init__(
        self,
        name: str,
        text: str,
        label: str,
        read: Callable[[], Iterable[Reading]],
        *,
        gauge: bool,
    ) -> None:
        self._family: Callable[[], Metric] = lambda: (
            GaugeMetricFamily(name, text, labels=[label])
            if gauge
            else CounterMetricFamily(name, text, labels=[label])
        )
        self._label = label
        self._read = read

    def collect(self) -> Iterable[Metric]:
        """Read the values now."""
        family = self._family()
        for name, value in list(self._read()):
            suffix = "_total" if isinstance(family, CounterMetricFamily) else ""
            family.add_sample(f"{family.name}{suffix}", {self._label: name}, value)
        yield family
