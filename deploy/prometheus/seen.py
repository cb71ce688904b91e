"""What clients of the service counted, by what each answer says.

A booking's answer carries `attempts`: n means n - 1 lost races and n - 1 retries. `lock_conflict`
carries it too, and there the last attempt was lost as well. Nothing here reads the service's
metrics; that is the point.
"""

import collections
import threading

OBJECTIVE_SECONDS = 0.5


class Seen:
    """What the clients counted, all of them together."""

    def __init__(self):
        self.lock = threading.Lock()
        self.outcomes = collections.Counter()  # (operation, outcome)
        self.conflicts = collections.Counter()  # (operation,)
        self.retries = collections.Counter()  # (operation,)
        self.exhausted = collections.Counter()  # (operation,)
        self.attempts = collections.Counter()  # (operation,)
        self.refusals = collections.Counter()  # (code,)
        self.preconditions = collections.Counter()  # (result,)
        self.idempotency = collections.Counter()  # (result,)
        self.answers = collections.Counter()  # (method, status)
        self.holds_expired = 0
        self.slow = 0

    def count(self, sent, status, headers, body, seconds):
        with self.lock:
            self.answers[sent.method, str(status)] += 1
            self.slow += seconds > OBJECTIVE_SECONDS
            code = body.get("code") if status >= 400 else None
            self._count_precondition(sent, status, code)
            if self._count_key(sent, status, headers, code):
                return
            outcome = outcome_of(sent, status, code, body)
            if outcome and sent.write:
                self.wrote(sent.write, outcome, body.get("attempts", 1))
            if status == 409:
                self.refusals[code,] += 1

    def wrote(self, operation, outcome, attempts=1):
        lost = attempts if outcome == "exhausted" else attempts - 1
        self.outcomes[operation, outcome] += 1
        self.attempts[operation,] += attempts
        self.conflicts[operation,] += lost
        self.retries[operation,] += attempts - 1
        self.exhausted[operation,] += outcome == "exhausted"

    def _count_precondition(self, sent, status, code):
        by_code = {
            "weak_etag": "weak_etag",
            "precondition_failed": "failed_412",
            "version_conflict": "version_409",
            "precondition_required": "missing_428",
            "malformed_precondition": "malformed_400",
        }
        if code in by_code:
            self.preconditions[by_code[code],] += 1
        elif status == 304:
            self.preconditions["not_modified",] += 1
        elif sent.is_conditional and status < 300:
            self.preconditions["passed",] += 1

    def _count_key(self, sent, status, headers, code):
        """Whether the answer came from the key alone and no decision was taken."""
        if headers.get("Idempotency-Replayed") == "true":
            self.idempotency["replayed",] += 1
            return True
        if code == "idempotency_mismatch":
            self.idempotency["mismatch",] += 1
            return True
        if sent.has_key and status < 300:
            self.idempotency["new",] += 1
        return False


def outcome_of(sent, status, code, body):
    """The outcome an answer stands for; None where no decision was reached."""
    if status in (200, 201, 204):
        if sent.changes_nothing:
            return "unchanged"
        return "first_attempt" if body.get("attempts", 1) == 1 else "after_retry"
    if status == 412 or code == "version_conflict":
        return "precondition_failed"
    if code == "lock_conflict":
        return "exhausted"
    return "refused" if status == 409 else None


class Sent:
    """What was asked, as far as counting needs it."""

    def __init__(self, method, path, headers, write, changes_nothing):
        self.method = method
        self.write = write
        self.changes_nothing = changes_nothing
        tags = {"If-Match", "If-None-Match"}
        self.is_conditional = "version=" in path or not tags.isdisjoint(headers)
        self.has_key = "Idempotency-Key" in headers
