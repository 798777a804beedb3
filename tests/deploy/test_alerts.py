"""The alert rules speak of measurements that exist."""

import re
from pathlib import Path

import yaml

from codelab.gateway.metrics import Metrics
from codelab.kit.bus import Bus
from codelab.kit.db import Database

RULES = Path(__file__).parents[2] / "deploy" / "alerts.yaml"


async def test_every_rule_names_existing_measurements(sqlite_url: str) -> None:
    db = Database(sqlite_url, Bus())
    metrics = Metrics()
    metrics.watch_database(db)
    metrics.http.labels("GET", "/", "200").observe(0.1)
    metrics.http_errors.labels("GET", "/").inc()
    metrics.llm_time.labels("any").observe(1)
    rendered = metrics.render().decode()
    await db.close()
    rules = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    assert {rule["for"] for rule in rules} == {"5m", "2m"}
    for rule in rules:
        names = re.findall(r"codelab_\w+", rule["expr"])
        assert names
        for name in names:
            assert re.search(rf"^{name}\b", rendered, re.MULTILINE), name
        assert rule["annotations"]["action"]
