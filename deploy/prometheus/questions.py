"""The questions an operator asks, put to the clients' counts and to Prometheus."""

import math

SCRAPE_SECONDS = 1
WINDOW_SECONDS = 300


class Table:
    """What was asked, what the clients counted, what Prometheus says."""

    def __init__(self):
        self.lines = []

    def add(self, question, counted, says, ok, *, is_detail=False):
        self.lines.append((question, counted, says, "ok" if ok else "DIFFERS", is_detail))

    def is_ok(self):
        return bool(self.lines) and all(line[3] == "ok" for line in self.lines)

    def print(self, *, with_details):
        shown = [line for line in self.lines if with_details or line[3] != "ok" or not line[4]]
        head = ("question", "clients counted", "prometheus says", "ok")
        lines = [head] + [tuple(map(text, line[:4])) for line in shown]
        widths = [max(len(line[column]) for line in lines) for column in range(4)]
        for line in lines:
            print(" | ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
        hidden = len(self.lines) - len(shown)
        if hidden:
            print(f"and {hidden} by operation that agree (--all shows them)")
        wrong = sum(line[3] != "ok" for line in self.lines)
        print(f"{len(self.lines)} comparisons, {wrong} differ")


def text(value):
    if isinstance(value, float):
        return f"{value:.4f}".rstrip("0").rstrip(".")
    return str(value)


def counters(prometheus, seen, table):
    """Compares every counter, summed over the replicas. Returns what differs."""
    one = {
        ("holds expired", "booking_holds_expired_total"): seen.holds_expired,
        ("guard violations", "booking_overlap_guard_violations_total"): 0,
    }
    writes = count_by_operation(seen.outcomes)
    first_tries = count_by_operation(
        {key: n for key, n in seen.outcomes.items() if key[1] not in ("after_retry", "exhausted")}
    )
    several = [
        ("writes", "booking_write_outcomes_total", ("operation", "outcome"), seen.outcomes),
        ("conflicts", "booking_lock_conflicts_total", ("operation",), seen.conflicts),
        ("retries", "booking_lock_retries_total", ("operation",), seen.retries),
        ("exhausted", "booking_lock_exhausted_total", ("operation",), seen.exhausted),
        ("attempts", "booking_write_attempts_sum", ("operation",), seen.attempts),
        ("writes with attempts", "booking_write_attempts_count", ("operation",), writes),
        ("one attempt", 'booking_write_attempts_bucket{le="1"}', ("operation",), first_tries),
        ("backoffs", "booking_retry_backoff_seconds_count", ("operation",), seen.retries),
        ("refusals", "booking_refusals_total", ("code",), seen.refusals),
        ("preconditions", "http_preconditions_total", ("result",), seen.preconditions),
        ("idempotency", "idempotency_requests_total", ("result",), seen.idempotency),
        (
            "answers",
            'http_server_request_duration_seconds_count{route=~"/v1/.+"}',
            ("method", "status"),
            seen.answers,
        ),
    ]
    different = []

    def compare(question, counted, says):
        if table:
            table.add(question, counted, says, counted == says)
        if counted != says:
            different.append(question)

    for (question, metric), counted in one.items():
        compare(question, counted, prometheus.value(f"sum({metric})"))
    for question, metric, labels, counted in several:
        says = prometheus.by(f"sum by ({', '.join(labels)}) ({metric})", *labels)
        for key in sorted(set(counted) | set(says)):
            if counted.get(key, 0) or says.get(key, 0) or key not in says:
                compare(
                    f"{question}: {' '.join(key)}", counted.get(key, 0), says.get(key, "nothing")
                )
    return different


def count_by_operation(outcomes):
    counted = {}
    for (operation, _), number in outcomes.items():
        counted[operation,] = counted.get((operation,), 0) + number
    return counted


def scrape_seconds(prometheus):
    """How far apart the scrapes were, on average: a busy machine does not answer each in time."""
    query = f"booking_overlap_guard_violations_total[{WINDOW_SECONDS}s]"
    series = prometheus.get("query", query=query)["result"]
    times = [[float(at) for at, _ in each["values"]] for each in series]
    apart = [(each[-1] - each[0]) / (len(each) - 1) for each in times if len(each) > 1]
    return max([SCRAPE_SECONDS, *apart])


def recording_rules(prometheus, seen, table, elapsed):
    """Compares the five-minute rules, whose window holds the whole run.

    `rate` extrapolates from the last scrape to the end of its window, by at most one scrape; every
    rate may be off by that much of the run, and a ratio too, because the two replicas are scraped
    at different moments. Returns that tolerance.
    """
    tolerance = 2 * scrape_seconds(prometheus) / elapsed
    writes = count_by_operation(seen.outcomes)
    contested = count_by_operation(
        {
            key: number
            for key, number in seen.outcomes.items()
            if key[1] in ("first_attempt", "after_retry", "exhausted")
        }
    )
    first = count_by_operation(
        {key: number for key, number in seen.outcomes.items() if key[1] == "first_attempt"}
    )
    rates = {
        "booking_writes": writes,
        "booking_contested_writes": contested,
        "booking_attempts": seen.attempts,
        "booking_lock_conflicts": seen.conflicts,
        "booking_first_attempt_wins": first,
        "booking_lock_retries": seen.retries,
        "booking_lock_exhausted": seen.exhausted,
    }
    ratios = {
        "booking_conflicts_per_attempt": (seen.conflicts, seen.attempts),
        "booking_first_attempt_wins": (first, contested),
        "booking_retries_per_write": (seen.retries, writes),
        "booking_lock_exhausted": (seen.exhausted, contested),
    }

    def compare(rule, counted, says, **how):
        ok = says is not None and math.isclose(counted, says, rel_tol=tolerance, abs_tol=1e-9)
        table.add(rule, float(counted), "nothing" if says is None else says, ok, **how)

    operations = sorted(operation for (operation,) in writes)
    for name, counted in rates.items():
        rule = f"job:{name}:rate5m"
        says = prometheus.value(f"{rule} * {WINDOW_SECONDS}")
        compare(f"{rule} x 300 s", sum(counted.values()), says)
        by_operation = prometheus.by(f"job_operation:{name}:rate5m * {WINDOW_SECONDS}", "operation")
        for operation in operations:
            question = f"job_operation:{name}:rate5m x 300 s {operation}"
            counted_here = counted.get((operation,), 0)
            compare(question, counted_here, by_operation.get((operation,)), is_detail=True)
    for name, (top, bottom) in ratios.items():
        rule = f"job:{name}:ratio_rate5m"
        compare(rule, sum(top.values()) / sum(bottom.values()), prometheus.value(rule))
        by_operation = prometheus.by(f"job_operation:{name}:ratio_rate5m", "operation")
        for operation in operations:
            if bottom.get((operation,), 0):
                counted = top.get((operation,), 0) / bottom[operation,]
                question = f"job_operation:{name}:ratio_rate5m {operation}"
                compare(question, counted, by_operation.get((operation,)), is_detail=True)
    failed = prometheus.value("job:http_requests_failed:ratio_rate5m")
    table.add("job:http_requests_failed:ratio_rate5m", 0.0, failed, failed == 0)
    # A client's clock runs longer than the service's, so it can only have seen more slow answers.
    slow = prometheus.value("job:http_requests_slow:ratio_rate5m")
    most = seen.slow / sum(seen.answers.values())
    is_less = slow is not None and slow <= most * (1 + tolerance) + 1e-9
    table.add("job:http_requests_slow:ratio_rate5m", f"at most {most:.4f}", slow, is_less)
    return tolerance
