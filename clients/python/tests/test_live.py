"""Against a live service at VACANCY_URL."""

import os
import threading
import unittest
from datetime import date, timedelta

import httpx

from vacancy_client import ProblemError, connect, done, edit_with_latest, new_key
from vacancy_client.generated.api.bookings import book_room, list_bookings
from vacancy_client.generated.api.hotels import create_hotel, list_hotels
from vacancy_client.generated.api.rooms import create_room, edit_room, get_room, replace_room
from vacancy_client.generated.models import (
    BookBody,
    Guest,
    HotelBody,
    Money,
    RoomBody,
    RoomPatch,
    RoomReplacement,
)

URL = os.environ.get("VACANCY_URL", "http://127.0.0.1:8080")
# A busy machine may take its time; an answer that was given up is sent again, which tests count.
TIMEOUT = 120.0
api = connect(URL, timeout=TIMEOUT)
# The same for the whole run, also when midnight passes.
TODAY = date.today()


def day(ahead: int) -> date:
    return TODAY + timedelta(days=30 + ahead)


def stay(first: int, last: int) -> BookBody:
    return BookBody(
        check_in=day(first), check_out=day(last), guests=2, guest=Guest(name="Ada Lovelace")
    )


def new_room():
    hotel = HotelBody(name="Rialto", city="Venice", time_zone="Europe/Rome")
    hotel = done(create_hotel.sync_detailed(client=api, body=hotel))
    room = RoomBody(
        number="101", kind="double", capacity=2, nightly_rate=Money(amount=12_900, currency="EUR")
    )
    return done(create_room.sync_detailed(hotel.id, client=api, body=room))


class Lossy(httpx.BaseTransport):
    """Carries requests to the service, and loses the first answer."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.inner = httpx.HTTPTransport()

    def handle_request(self, request):
        self.keys.append(request.headers["Idempotency-Key"])
        response = self.inner.handle_request(request)
        if len(self.keys) == 1:
            response.read()
            raise httpx.ReadError("the answer was lost", request=request)
        return response


class LiveTest(unittest.TestCase):
    def test_a_stay_is_booked_and_listed(self):
        room = new_room()
        booking = done(book_room.sync_detailed(room.id, client=api, body=stay(0, 3)))
        self.assertEqual(booking.status, "confirmed")
        self.assertEqual(booking.total, Money(amount=38_700, currency="EUR"))
        page = done(list_bookings.sync_detailed(client=api, room_id=room.id))
        self.assertEqual([it.id for it in page.items], [booking.id])

    def test_one_of_two_wins_the_night_and_the_other_one_hears_why(self):
        room = new_room()
        answers = []

        def book():
            patient = connect(URL, timeout=TIMEOUT)
            answers.append(book_room.sync_detailed(room.id, client=patient, body=stay(0, 1)))

        threads = [threading.Thread(target=book) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(int(it.status_code) for it in answers), [201, 409])
        with self.assertRaises(ProblemError) as lost:
            for answer in answers:
                done(answer)
        self.assertEqual(lost.exception.code, "room_unavailable")
        conflicts = lost.exception.problem["conflicts"]
        self.assertEqual(conflicts[0]["check_in"], day(0).isoformat())

    def test_a_lost_answer_is_heard_again_and_nothing_is_done_twice(self):
        room = new_room()
        lossy = Lossy()
        unlucky = connect(URL, timeout=TIMEOUT, transport=lossy, sleep=lambda _: None)
        answer = book_room.sync_detailed(room.id, client=unlucky, body=stay(0, 1))
        self.assertEqual(done(answer).status, "confirmed")
        self.assertEqual(answer.headers["Idempotency-Replayed"], "true")
        self.assertEqual(len(lossy.keys), 2)
        self.assertEqual(len(set(lossy.keys)), 1)
        self.assertEqual(done(get_room.sync_detailed(room.id, client=api)).times_booked, 1)

    def test_an_intent_may_bring_its_own_key(self):
        room, key = new_room(), new_key()
        first, again = (
            book_room.sync_detailed(room.id, client=api, body=stay(0, 1), idempotency_key=key)
            for _ in range(2)
        )
        self.assertEqual(done(first), done(again))
        self.assertEqual(again.headers["Idempotency-Replayed"], "true")

    def test_what_is_retryable_is_sent_again_after_retry_after_and_nothing_else_is(self):
        for retryable, expected in [(True, 3), (False, 1)]:
            sent, waits = [], []

            def answer(request, sent=sent, retryable=retryable):
                sent.append(request)
                problem = {
                    "type": "/problems/unavailable",
                    "title": "Unavailable",
                    "status": 503,
                    "detail": "not now",
                    "instance": "1",
                    "code": "unavailable",
                    "retryable": retryable,
                }
                headers = {"Content-Type": "application/problem+json", "Retry-After": "2"}
                return httpx.Response(503, headers=headers, json=problem)

            transport = httpx.MockTransport(answer)
            client = connect(URL, transport=transport, attempts_max=3, sleep=waits.append)
            with self.assertRaises(ProblemError):
                done(list_hotels.sync_detailed(client=client))
            self.assertEqual(len(sent), expected)
            self.assertEqual(waits, [2.0] * (expected - 1))

    def test_a_stale_edit_is_decided_again_from_what_is_there_by_then(self):
        room = new_room()
        seen = []

        def change(current, if_match):
            seen.append(if_match)
            if len(seen) == 1:
                patch = RoomPatch(capacity=5)
                done(edit_room.sync_detailed(room.id, client=api, body=patch, if_match="*"))
            # The whole of what was read, changed: with what is only read, as Python writes it.
            body = RoomReplacement.from_dict(current.to_dict())
            body.capacity = current.capacity + 1
            return replace_room.sync_detailed(room.id, client=api, body=body, if_match=if_match)

        edited = edit_with_latest(lambda: get_room.sync_detailed(room.id, client=api), change)
        self.assertEqual(seen, ['"1"', '"2"'])
        self.assertEqual(edited.capacity, 6)

        def foreign(_, if_match):
            tag = if_match.replace('3"', '3-gzip"')
            return edit_room.sync_detailed(room.id, client=api, body=RoomPatch(), if_match=tag)

        with self.assertRaises(ProblemError) as refused:
            edit_with_latest(lambda: get_room.sync_detailed(room.id, client=api), foreign)
        self.assertEqual(refused.exception.code, "foreign_etag")


if __name__ == "__main__":
    unittest.main()
