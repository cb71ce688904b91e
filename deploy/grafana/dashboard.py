"""Reads the dashboard as Grafana does: its panels, and their queries with the variables filled in.

Shared by `check` (is it sound?), `render` (draw it) and `../prometheus/compare` (has it data?).
"""

import json
import pathlib
import re
from dataclasses import dataclass

DASHBOARD = pathlib.Path(__file__).resolve().parent / "dashboards" / "vacancy.json"


@dataclass(frozen=True)
class Query:
    """One query of one panel, ready for Prometheus."""

    panel: dict
    row: str
    ref: str
    expr: str
    legend: str


def load(path=DASHBOARD):
    """The dashboard as a dictionary. Fails when the file is not JSON."""
    return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))


def rows(dashboard):
    """`(title, panels)` of every row, in order; panels of a collapsed row lie inside it."""
    found = []
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            found.append((panel["title"], list(panel.get("panels", []))))
        elif found:
            found[-1][1].append(panel)
        else:
            found.append(("", [panel]))
    return found


def substitute(expr, *, rate_interval, range_seconds, instance=".+", operation=".+"):
    """Fills in the variables. `rate_interval` and `range_seconds` are in seconds."""
    values = {
        "$__rate_interval": f"{rate_interval}s",
        "$__range": f"{range_seconds}s",
        "$instance": instance,
        "$operation": operation,
    }
    for name, value in values.items():
        expr = re.sub(re.escape(name) + r"\b", lambda _, value=value: value, expr)
    left = re.search(r"\$\{?\w+", expr)
    if left:
        raise ValueError(f"{left.group()} is no variable of this dashboard: {expr}")
    return expr


def queries(dashboard, *, rate_interval, range_seconds):
    """Every query of every panel."""
    return [
        Query(
            panel=panel,
            row=title,
            ref=target["refId"],
            expr=substitute(
                target["expr"], rate_interval=rate_interval, range_seconds=range_seconds
            ),
            legend=target["legendFormat"],
        )
        for title, panels in rows(dashboard)
        for panel in panels
        for target in panel["targets"]
    ]
