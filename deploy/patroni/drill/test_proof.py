"""The judge judged:

PYTHONPATH=deploy python3 -m unittest discover -s deploy/patroni -t deploy/patroni
"""

import dataclasses
import datetime
import unittest

from .load import Ack
from .proof import Row, prove

NIGHT = datetime.date(2031, 5, 1)
ACK = Ack("k1", "b1", "r1", NIGHT, room_version=2, sent=1.0, sent_last=1.0, ended=2.0)
LATER = Ack(
    "k2", "b2", "r1", NIGHT + datetime.timedelta(days=1), 3, sent=3.0, sent_last=3.0, ended=4.0
)
ROW = Row("b1", "r1", "2031-05-01", "2031-05-02", "confirmed", "k1")
NEXT = Row("b2", "r1", "2031-05-02", "2031-05-03", "confirmed", "k2")
EVENTS = {("r1", 2): "b1", ("r1", 3): "b2"}


class ProofTest(unittest.TestCase):
    """Each test is one way to break the promise."""

    def check(self, acks, rows, events=EVENTS, **expected):
        """The one place that calls `prove`. What is not named must be 0."""
        proof = prove(acks, rows, events)
        for name in ("lost", "doubled", "disordered", "unacknowledged"):
            self.assertEqual(getattr(proof, name), expected.get(name, 0), (name, proof.examples))

    def test_neighbours_in_order_are_fine(self):
        self.check([ACK, LATER], [ROW, NEXT])

    def test_a_missing_row_is_lost(self):
        self.check([ACK, LATER], [NEXT], lost=1)

    def test_a_cancelled_row_is_lost(self):
        self.check([ACK], [dataclasses.replace(ROW, status="cancelled")], lost=1)

    def test_a_row_for_another_night_is_lost(self):
        moved = dataclasses.replace(ROW, check_in="2031-05-09", check_out="2031-05-10")
        self.check([ACK], [moved], lost=1)

    def test_two_rows_for_one_key_are_doubled(self):
        again = dataclasses.replace(ROW, booking="b9", room="r9")
        self.check([ACK], [ROW, again], doubled=1)

    def test_an_overlap_under_a_long_stay_is_doubled(self):
        long = dataclasses.replace(ROW, booking="b9", check_out="2031-06-01", key="k9")
        self.check([ACK, LATER], [ROW, NEXT, long], doubled=2, unacknowledged=1)

    def test_one_booking_for_two_keys_is_doubled(self):
        twin = dataclasses.replace(ACK, key="k9")
        self.check([ACK, twin], [ROW], doubled=1)

    def test_an_event_of_another_booking_is_disorder(self):
        self.check([ACK], [ROW], {("r1", 2): "b2"}, disordered=1)

    def test_a_later_version_that_ended_first_is_disorder(self):
        early = dataclasses.replace(LATER, sent=0.1, ended=0.2)
        self.check([ACK, early], [ROW, NEXT], disordered=1)

    def test_a_row_nobody_was_told_of_is_counted(self):
        self.check([ACK], [ROW, NEXT], unacknowledged=1)


if __name__ == "__main__":
    unittest.main()
