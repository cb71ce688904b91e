"""ETags, conditions, ids and refusals arrive as the replica sent them."""

import uuid

from client import Client, call, create_rooms, night
from rig.checks import check


def wire(proxy, a):
    print("wire: what arrives")
    room = create_rooms(proxy.port, 1)[0]
    path = f"/v1/rooms/{room}"
    direct = call(a.port, "GET", path)
    tag = direct.headers["ETag"]
    check("the replica sends a strong tag", tag == '"1"', tag)

    for coding in ("gzip", "gzip, deflate, br, zstd", "identity;q=0, gzip"):
        answer = proxy.call("GET", path, Accept_Encoding=coding)
        check(
            f"Accept-Encoding {coding}: the tag and the body are the replica's, byte for byte",
            (answer.status, answer.headers["ETag"], answer.headers["Content-Encoding"], answer.body)
            == (200, tag, None, direct.body),
            answer,
        )
    check("no-transform arrives", "no-transform" in (answer.headers["Cache-Control"] or ""), answer)

    answer = proxy.call("GET", path, If_None_Match=tag)
    check(
        "If-None-Match with the current tag: 304, the tag, no body",
        (answer.status, answer.headers["ETag"], answer.body) == (304, tag, b""),
        answer,
    )
    answer = proxy.call("GET", path, If_None_Match='"99"')
    check("If-None-Match with another: 200", answer.status == 200, answer)

    client = Client(proxy.port)
    first = client.call("HEAD", path)
    source = client.connection.sock
    second = client.call("GET", path, If_None_Match=tag)
    third = client.call("GET", path)
    check(
        "HEAD: status, tag and length of GET, no body",
        (first.status, first.headers["ETag"], first.body, first.headers["Content-Length"])
        == (200, tag, b"", str(len(direct.body))),
        first,
    )
    check(
        "HEAD, 304 and GET follow each other on one kept connection",
        (second.status, third.status, third.body) == (304, 200, direct.body)
        and source is not None
        and client.connection.sock is source,
        (second, third),
    )
    answer = proxy.call("GET", path, Connection="close")
    check("Connection: close is honoured", answer.headers["Connection"] == "close", answer)

    merge = {"Content_Type": "application/merge-patch+json"}
    answer = proxy.call("PATCH", path, {"kind": "suite"}, **merge)
    check("an edit without If-Match: 428", answer.status == 428, answer)
    answer = proxy.call("PATCH", path, {"kind": "suite"}, If_Match=tag, **merge)
    check(
        "If-Match with the current tag: 200 and the next tag",
        (answer.status, answer.headers["ETag"]) == (200, '"2"'),
        answer,
    )
    answer = proxy.call("PATCH", path, {"kind": "twin"}, If_Match=tag, **merge)
    check(
        "If-Match with the old tag: 412, the current version in tag and body",
        (answer.status, answer.headers["ETag"], answer.json().get("current_version"))
        == (412, '"2"', 2),
        answer,
    )
    answer = proxy.call("PATCH", path, {"kind": "twin"}, If_Match='W/"2"', **merge)
    check(
        "If-Match with a weak tag: 412 weak_etag",
        (answer.status, answer.json().get("code")) == (412, "weak_etag"),
        answer,
    )
    answer = proxy.call("PATCH", path, {"kind": "twin"}, If_Match='"1", "2"', **merge)
    check("If-Match with a list of tags passes whole: 200", answer.status == 200, answer)
    answer = proxy.call("PATCH", f"{path}?version=2", {"kind": "single"}, **merge)
    check(
        "?version= passes: 409 version_conflict",
        (answer.status, answer.json().get("code")) == (409, "version_conflict"),
        answer,
    )

    key = str(uuid.uuid4())
    booking = {"check_in": night(10), "check_out": night(12), "guests": 1, "guest": {"name": "Ada"}}
    answers = [
        proxy.call("POST", f"{path}/bookings", booking, Idempotency_Key=key) for _ in range(2)
    ]
    check(
        "Idempotency-Key: the second answer is the first, and says so",
        [x.status for x in answers] == [201, 201]
        and answers[0].body == answers[1].body
        and answers[1].headers["Idempotency-Replayed"] == "true",
        answers,
    )

    answer = proxy.call("GET", path, X_Request_Id="Request-42")
    check(
        "X-Request-Id of the client is kept", answer.headers["X-Request-Id"] == "Request-42", answer
    )
    answer = proxy.call("GET", f"/v1/rooms/{uuid.uuid4()}", X_Request_Id="Request-43")
    check(
        "a problem names it and keeps its media type",
        answer.status == 404
        and answer.json()["instance"] == "Request-43"
        and answer.headers["Content-Type"].startswith("application/problem+json"),
        answer,
    )
    for bad in (None, "a b", "x" * 65, "id_with_underscore"):
        headers = {} if bad is None else {"X_Request_Id": bad}
        made = proxy.call("GET", path, **headers).headers["X-Request-Id"] or ""
        ok = 1 <= len(made) <= 64 and made != bad and made.replace("-", "").isalnum()
        check(f"X-Request-Id {bad and bad[:20]!r}: another is made", ok, made)

    for what, method, target, body, headers in (
        ("a URI of 9 KiB", "GET", "/v1/hotels?city=" + "x" * 9 * 1024, None, {}),
        ("header fields of 20 KiB", "GET", path, None, {"X_Padding": "x" * 20 * 1024}),
        ("a body of 70 KiB", "POST", "/v1/hotels", b'{"name":"' + b"x" * 70 * 1024 + b'"}', {}),
        ("an unknown path", "GET", "/v1/nothing", None, {}),
        ("a method that is not allowed", "DELETE", "/v1/hotels", None, {}),
        ("a wrong media type", "POST", "/v1/hotels", b"{}", {"Content_Type": "text/plain"}),
    ):
        ours = proxy.call(method, target, body, **headers)
        theirs = call(a.port, method, target, body, **headers)
        check(
            f"{what}: {theirs.status}, with and without the proxy",
            400 <= theirs.status < 500 and ours.status == theirs.status,
            (ours, theirs),
        )

    answer = proxy.call("GET", "/metrics")
    check("/metrics is not served through the proxy", answer.status == 404, answer)
    answer = call(proxy.admin_port, "GET", "/metrics")
    check(
        "the proxy's own metrics are, on its admin address",
        answer.status == 200 and b"haproxy_backend_retry_warnings_total" in answer.body,
        answer.status,
    )
    check("the proxy's own health is too", call(proxy.admin_port, "GET", "/healthz").status == 200)
