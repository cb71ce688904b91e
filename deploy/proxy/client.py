"""What the tests ask of the service, through the proxy or past it."""

import datetime
import http.client
import json
import uuid

import rig

# The same for the whole run, also when midnight passes.
TODAY = datetime.datetime.now(datetime.timezone.utc).date()


class Answer:
    def __init__(self, response, body):
        self.status, self.headers, self.body = response.status, response.headers, body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {dict(self.headers)} {self.body[:300]!r}"


class Client:
    """A connection that is kept, and opened again after an error."""

    def __init__(self, port, timeout_s=60.0):
        self.connection = rig.Connection("127.0.0.1", port, timeout=timeout_s)

    def call(self, method, path, body=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        try:
            self.connection.request(method, path, data, headers)
            response = self.connection.getresponse()
            return Answer(response, response.read())
        except (OSError, http.client.HTTPException):
            self.connection.close()
            raise


def call(port, method, path, body=None, **headers):
    client = Client(port)
    try:
        return client.call(method, path, body, **headers)
    finally:
        client.connection.close()


def create_rooms(port, count):
    """A hotel with `count` rooms; answers the rooms' ids."""
    client = Client(port)
    answer = client.call("POST", "/v1/hotels", {"name": f"Hotel {uuid.uuid4()}", "city": "Bergen"})
    assert answer.status == 201, answer
    hotel = answer.json()["id"]
    rooms = []
    for number in range(count):
        room = {"number": str(number), "kind": "double", "capacity": 2}
        answer = client.call("POST", f"/v1/hotels/{hotel}/rooms", room)
        assert answer.status == 201, answer
        rooms.append(answer.json()["id"])
    return rooms


def night(n):
    return (TODAY + datetime.timedelta(days=n)).isoformat()
