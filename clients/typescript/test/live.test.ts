/** Against a live service at VACANCY_URL. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, done, editWithLatest, newKey, ProblemError, type Schemas } from "../src/index.js";

const baseUrl = process.env["VACANCY_URL"] ?? "http://127.0.0.1:8080";
const api = connect({ baseUrl });
// The same for the whole run, also when midnight passes.
const began = Date.now();

function day(ahead: number): string {
  return new Date(began + (30 + ahead) * 86_400_000).toISOString().slice(0, 10);
}

const stay = (from: number, to: number): Schemas["BookBody"] => ({
  check_in: day(from),
  check_out: day(to),
  guests: 2,
  guest: { name: "Ada Lovelace" },
});

async function newRoom(): Promise<Schemas["Room"]> {
  const hotel = await done(
    api.POST("/v1/hotels", { body: { name: "Rialto", city: "Venice", time_zone: "Europe/Rome" } }),
  );
  const body: Schemas["RoomBody"] = {
    number: "101",
    kind: "double",
    capacity: 2,
    nightly_rate: { amount: 12_900, currency: "EUR" },
  };
  return done(
    api.POST("/v1/hotels/{hotel_id}/rooms", { params: { path: { hotel_id: hotel.id } }, body }),
  );
}

const book = (room_id: string, from: number, to: number, key = newKey(), client = api) =>
  client.POST("/v1/rooms/{room_id}/bookings", {
    params: { path: { room_id }, header: { "Idempotency-Key": key } },
    body: stay(from, to),
  });

test("a stay is booked, and listed", async () => {
  const room = await newRoom();
  const booking = await done(book(room.id, 0, 3));
  assert.equal(booking.status, "confirmed");
  assert.deepEqual(booking.total, { amount: 38_700, currency: "EUR" });
  const page = await done(api.GET("/v1/bookings", { params: { query: { room_id: room.id } } }));
  assert.deepEqual(page.items.map(({ id }) => id), [booking.id]);
});

test("one of two wins the night, and the other one hears why", async () => {
  const room = await newRoom();
  const both = await Promise.allSettled([done(book(room.id, 0, 1)), done(book(room.id, 0, 1))]);
  const lost = both.filter((one) => one.status === "rejected");
  assert.equal(lost.length, 1);
  const refused: unknown = lost[0]?.reason;
  assert.ok(refused instanceof ProblemError);
  assert.equal(refused.problem.code, "room_unavailable");
  assert.equal(refused.problem.conflicts?.[0]?.check_in, day(0));
});

test("a lost answer is heard again, and nothing is done twice", async () => {
  const room = await newRoom();
  const keys: (string | null)[] = [];
  const unlucky = connect({
    baseUrl,
    sleep: async () => {},
    fetch: async (request) => {
      keys.push(request.headers.get("Idempotency-Key"));
      const answer = await fetch(request);
      if (keys.length === 1) throw new TypeError("the answer was lost");
      return answer;
    },
  });
  const { data, response } = await unlucky.POST("/v1/rooms/{room_id}/bookings", {
    params: { path: { room_id: room.id } },
    body: stay(0, 1),
  });
  assert.equal(response.headers.get("Idempotency-Replayed"), "true");
  assert.equal(data?.status, "confirmed");
  assert.equal(keys.length, 2);
  assert.ok(keys[0]);
  assert.equal(keys[0], keys[1]);
  const now = await done(api.GET("/v1/rooms/{room_id}", { params: { path: { room_id: room.id } } }));
  assert.equal(now.times_booked, 1);
});

test("what is retryable is sent again after Retry-After, and nothing else is", async () => {
  for (const [retryable, expected] of [[true, 3], [false, 1]] as const) {
    const waits: number[] = [];
    let sent = 0;
    const client = connect({
      baseUrl,
      attemptsMax: 3,
      sleep: async (milliseconds) => void waits.push(milliseconds),
      fetch: async () => {
        sent += 1;
        const headers = { "Content-Type": "application/problem+json", "Retry-After": "2" };
        return new Response(JSON.stringify({ code: "unavailable", retryable }), { status: 503, headers });
      },
    });
    const { response } = await client.GET("/v1/hotels");
    assert.equal(response.status, 503);
    assert.equal(sent, expected);
    assert.deepEqual(waits, Array<number>(expected - 1).fill(2000));
  }
});

test("a stale edit is decided again from what is there by then", async () => {
  const room = await newRoom();
  const params = { path: { room_id: room.id } };
  const seen: string[] = [];
  const edited = await editWithLatest(
    () => api.GET("/v1/rooms/{room_id}", { params }),
    async (current, ifMatch) => {
      seen.push(ifMatch);
      if (seen.length === 1) {
        const header = { "If-Match": "*" };
        await done(api.PATCH("/v1/rooms/{room_id}", { params: { ...params, header }, body: { capacity: 5 } }));
      }
      // The whole of what was read, changed: with what is only read, as it came.
      const body: Schemas["RoomReplacement"] = { ...current, capacity: current.capacity + 1 };
      return api.PUT("/v1/rooms/{room_id}", { params: { ...params, header: { "If-Match": ifMatch } }, body });
    },
  );
  assert.deepEqual(seen, ['"1"', '"2"']);
  assert.equal(edited.capacity, 6);
  const foreign = editWithLatest(
    () => api.GET("/v1/rooms/{room_id}", { params }),
    () => api.PATCH("/v1/rooms/{room_id}", { params: { ...params, header: { "If-Match": '"3-gzip"' } }, body: {} }),
  );
  await assert.rejects(foreign, (refused) =>
    refused instanceof ProblemError && refused.problem.code === "foreign_etag");
});

test("an instant that JavaScript has read is the same instant", async () => {
  const room = await newRoom();
  const created_at = new Date(room.created_at).toISOString();
  const body = { ...room, created_at, kind: "twin" };
  const header = { "If-Match": '"1"' };
  const params = { path: { room_id: room.id }, header };
  assert.equal((await done(api.PUT("/v1/rooms/{room_id}", { params, body }))).kind, "twin");
});
