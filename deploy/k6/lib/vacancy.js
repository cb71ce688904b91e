// What every scenario shares: the service's address, its requests, the headings under which
// answers are counted, and the proof at the end.
//
// The proof is double-entry bookkeeping. k6's VUs share no memory and teardown cannot read a
// metric, so each quantity that must agree has a counter of its own (`unproven_*`): a VU adds what
// it was told, teardown subtracts what the API has on record, and the threshold demands zero.

import http from 'k6/http';
import exec from 'k6/execution';
import { Counter, Gauge, Rate } from 'k6/metrics';

export const smoke = __ENV.SMOKE === '1';
// Keys of the scope `admin`, for services that need one; clients take them in turn, because a principal
// may have no more than 64 requests at work.
const keys = (__ENV.KEY || '').split(',').filter((key) => key !== '');
export const credentials = keys.length ? { Authorization: `Bearer ${keys[__VU % keys.length]}` } : {};
export const bases = (__ENV.BASE_URLS || 'http://127.0.0.1:8080').split(',');

// Check-in may be today to 3 years ahead; starting tomorrow leaves room for midnight to pass.
export const NIGHTS = 1090;

// What a night costs in a new room, in cents.
export const RATE = 10000;

const PAGE = 200;
const ROOMS_AT_ONCE = 20;
// The history of a room is read for this many of the most written rooms.
const HISTORIES_MAX = 1000;
// A broken service would repeat itself thousands of times; so many lines of each VU tell the story.
const COMPLAINTS_MAX = 3;

// One counter for each kind of answer; an answer is counted once, under exactly one of them.
const headings = {
  created: new Counter('answers_201'),
  ok: new Counter('answers_200'),
  room_unavailable: new Counter('room_unavailable'),
  no_room_available: new Counter('no_room_available'),
  lock_conflict: new Counter('lock_conflict'),
  idempotency_in_flight: new Counter('idempotency_in_flight'),
  precondition_failed: new Counter('precondition_failed'),
  server_error: new Counter('server_errors'),
  unexpected: new Counter('unexpected'),
};
const accepted = new Counter('accepted_bookings');
const exhaustedShare = new Rate('exhausted_share');

const unprovenBookings = new Counter('unproven_bookings');
const unprovenVersions = new Counter('unproven_versions');
const unprovenRefusals = new Counter('unproven_refusals');
const unprovenExhaustions = new Counter('unproven_exhaustions');
const contradictions = new Counter('contradictions');
const guardViolations = new Counter('overlap_guard_violations');
const roomsProven = new Counter('rooms_proven');
const loadSeconds = new Gauge('load_seconds');

// What the replicas counted between the end of set-up and the start of teardown.
const service = {
  writes: new Counter('service_writes'),
  contested: new Counter('service_contested_writes'),
  first_attempt: new Counter('service_first_attempt'),
  conflicts: new Counter('service_conflicts'),
  retries: new Counter('service_retries'),
  exhausted: new Counter('service_exhausted'),
};

// A refusal is an answer of the contract, not a failed request.
http.setResponseCallback(http.expectedStatuses({ min: 200, max: 299 }, 409, 412));

// A positive number from the environment, else the default of the full or of the smoke run.
export function setting(name, full, short) {
  const given = __ENV[name];
  if (given === undefined || given === '') return smoke ? short : full;
  const number = Number(given);
  if (!Number.isInteger(number) || number < 1) {
    throw new Error(`${name} must be a whole number of at least 1, not "${given}"`);
  }
  return number;
}

// A threshold of the full run alone. It promises a pace, which the machine has to keep as well.
export function inFull(...rules) {
  return smoke ? [] : rules;
}

// k6 options: the scenarios, the thresholds that hold for all of them, and the caller's own.
// Set-up and teardown lack the tag `phase:load`, so latencies are those of the load alone.
export function options(scenarios, thresholds) {
  for (const name in scenarios) {
    scenarios[name].tags = { phase: 'load' };
    scenarios[name].gracefulStop = '30s';
  }
  return {
    scenarios,
    thresholds: {
      http_req_failed: ['rate==0'],
      server_errors: ['count==0'],
      unexpected: ['count==0'],
      unproven_bookings: ['count==0'],
      unproven_versions: ['count==0'],
      unproven_refusals: ['count==0'],
      unproven_exhaustions: ['count==0'],
      contradictions: ['count==0'],
      overlap_guard_violations: ['count==0'],
      rooms_proven: ['count>0'],
      accepted_bookings: ['count>0'],
      'http_reqs{phase:load}': ['count>0'],
      // How long an answer takes on a machine that does other things too is no matter of a smoke
      // run; without a rule the two are still measured.
      'http_req_duration{phase:load}': inFull('p(95)<2000'),
      'http_req_duration{phase:load,kind:write}': inFull('p(95)<2000'),
      ...thresholds,
    },
    setupTimeout: '15m',
    teardownTimeout: '30m',
    batch: ROOMS_AT_ONCE,
    batchPerHost: ROOMS_AT_ONCE,
    summaryTrendStats: ['avg', 'med', 'p(95)', 'p(99)', 'max'],
    // Without `url`: ids in it would make a time series of every room.
    systemTags: ['status', 'method', 'name', 'scenario', 'group', 'expected_response'],
  };
}

// ---- Requests ---------------------------------------------------------------------------------

// VUs are dealt out over the replicas; set-up and teardown talk to the first.
export function base() {
  return bases[Math.max(0, exec.vu.idInTest - 1) % bases.length];
}

export function get(name, path) {
  return http.get(base() + path, { headers: credentials, tags: { name, kind: 'read' } });
}

export function write(name, method, path, body, headers) {
  return http.request(...writeRequest(name, method, base() + path, body, headers));
}

function writeRequest(name, method, url, body, headers) {
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  const params = { headers: { 'Content-Type': type, ...credentials, ...headers }, tags: { name, kind: 'write' } };
  return [method, url, body === null ? null : JSON.stringify(body), params];
}

// The same booking sent `copies` times at the same moment, to the replicas in turn.
export function bookAtOnce(room, stay, copies, key, responseCallback) {
  const requests = Array.from({ length: copies }, (_, i) => {
    const url = `${bases[(exec.vu.idInTest + i) % bases.length]}/v1/rooms/${room}/bookings`;
    const headers = { 'Idempotency-Key': key };
    const request = writeRequest('book', 'POST', url, bookingBody(stay), headers);
    if (responseCallback) request[3].responseCallback = responseCallback;
    return request;
  });
  return http.batch(requests);
}

export function bookingBody(stay, more) {
  return { ...stay, guests: 1, guest: { name: 'Ada Guest' }, ...more };
}

// `nights` nights; 0 is tomorrow, or the day after `from`.
export function stay(first, nights = 1, from = Date.now()) {
  const day = (offset) => new Date(from + offset * 86400000).toISOString().slice(0, 10);
  return { check_in: day(first + 1), check_out: day(first + 1 + nights) };
}

// ---- Answers ----------------------------------------------------------------------------------

// Counts an answer and returns its heading, `unexpected` unless it is one of `expected`.
export function answer(response, ...expected) {
  let heading = headingOf(response);
  if (heading !== 'server_error' && !expected.includes(heading)) heading = 'unexpected';
  headings[heading].add(1);
  if (response.status === 409) unprovenRefusals.add(1);
  if (heading === 'lock_conflict') unprovenExhaustions.add(1);
  if (response.request.method !== 'GET') exhaustedShare.add(heading === 'lock_conflict');
  if (heading === 'unexpected' || heading === 'server_error') {
    const { method, url } = response.request;
    complain(`${method} ${url}: ${response.status} ${response.error} ${brief(response.body)}`);
  }
  return heading;
}

function headingOf(response) {
  if (response.status === 0 || response.status >= 500) return 'server_error';
  if (response.status === 201) return 'created';
  if (response.status === 200 || response.status === 204) return 'ok';
  if (response.status !== 409 && response.status !== 412) return 'unexpected';
  const { code, retryable } = response.json();
  // A client that is told to come back must also be told when.
  const comeBack = code === 'lock_conflict' || code === 'idempotency_in_flight';
  if (comeBack && !(retryable === true && response.headers['Retry-After'])) return 'unexpected';
  return code in headings ? code : 'unexpected';
}

// Books one room; for answers other than a confirmed booking see the heading.
export function book(room, stay) {
  const response = write('book', 'POST', `/v1/rooms/${room}/bookings`, bookingBody(stay));
  const heading = answer(response, 'created', 'room_unavailable', 'lock_conflict');
  if (heading === 'created') sold();
  return { heading, response };
}

// A write was acknowledged: it advanced a room by one version and `times_booked` by `bookings`.
export function acknowledged(bookings) {
  unprovenVersions.add(1);
  unprovenBookings.add(bookings);
}

// A booking was acknowledged as confirmed.
export function sold() {
  acknowledged(1);
  accepted.add(1);
}

// k6 ends an iteration that throws and passes the run all the same; here it counts.
export function careful(iteration) {
  return (data) => {
    try {
      iteration(data);
    } catch (error) {
      headings.unexpected.add(1);
      complain(`${error} ${error.stack || ''}`);
    }
  };
}

let complaints = 0;

export function complain(line) {
  complaints += 1;
  if (complaints <= COMPLAINTS_MAX) console.error(line);
}

export function contradiction(line) {
  contradictions.add(1);
  complain(line);
}

function brief(body) {
  return body ? String(body).slice(0, 300) : '';
}

// ---- Set-up -----------------------------------------------------------------------------------

// Creates hotels through the API: `[{ id, rooms: [id…] }…]`, in a city of their own.
export function createHotels(count, roomsEach, city = `k6 ${Date.now()}`) {
  const hotels = [];
  for (let i = 0; i < count; i += 1) {
    const body = { name: `Hotel ${i + 1}`, city, country: 'PT', time_zone: 'UTC' };
    const id = mustBe(201, write('create hotel', 'POST', '/v1/hotels', body)).json('id');
    hotels.push({ id, rooms: createRooms(id, roomsEach) });
  }
  return hotels;
}

function createRooms(hotel, count) {
  const ids = [];
  while (ids.length < count) {
    const requests = [];
    while (requests.length < ROOMS_AT_ONCE && ids.length + requests.length < count) {
      const n = ids.length + requests.length;
      const url = `${bases[n % bases.length]}/v1/hotels/${hotel}/rooms`;
      const body = {
        number: String(n + 1), kind: 'double', capacity: 2,
        nightly_rate: { amount: RATE, currency: 'EUR' },
      };
      requests.push(writeRequest('create room', 'POST', url, body));
    }
    for (const response of http.batch(requests)) ids.push(mustBe(201, response).json('id'));
  }
  return ids;
}

// The last step of set-up: from here on the replicas' counters belong to the load.
export function ready(data) {
  const rooms = data.hotels.flatMap((hotel) => hotel.rooms);
  return { ...data, rooms, started: Date.now(), before: counted() };
}

// Set-up and teardown cannot go on without this answer.
export function mustBe(status, response) {
  if (response.status === status) return response;
  const { method, url } = response.request;
  const got = `${response.status}, not ${status}`;
  throw new Error(`${method} ${url}: ${got}: ${response.error} ${brief(response.body)}`);
}

// ---- The proof --------------------------------------------------------------------------------

// Teardown of every scenario: what the clients were told against what the API has on record.
export function prove(data) {
  loadSeconds.add((Date.now() - data.started) / 1000);
  proveCounters(data.before, counted());

  let bookings = 0;
  let versions = 0;
  const rooms = [];
  for (const hotel of data.hotels) {
    const confirmed = confirmedByRoom(hotel.id);
    each(`/v1/rooms?hotel_id=${hotel.id}`, (room) => {
      const listed = confirmed.get(room.id) || 0;
      if (room.times_booked !== listed) {
        contradiction(`room ${room.id}: times_booked ${room.times_booked}, ${listed} confirmed`);
      }
      bookings += room.times_booked;
      versions += room.version - 1; // Version 1 is the room's creation.
      rooms.push(room);
    });
  }
  if (rooms.length !== data.rooms.length) {
    contradiction(`${data.rooms.length} rooms were created, ${rooms.length} are listed`);
  }
  rooms.sort((a, b) => b.version - a.version);
  for (const room of rooms.slice(0, HISTORIES_MAX)) versions -= proveHistory(room);
  roomsProven.add(rooms.length);
  unprovenBookings.add(-bookings);
  unprovenVersions.add(-versions);
  return rooms;
}

// Confirmed bookings of each room of a hotel. Two of them that share a night are reported.
function confirmedByRoom(hotel) {
  const confirmed = new Map();
  const until = new Map();
  // Listed by check-in, so a stay can only overlap the latest night seen so far in its room.
  each(`/v1/bookings?hotel_id=${hotel}&status=confirmed`, (booking) => {
    const room = booking.room_id;
    const taken = until.get(room);
    if (taken !== undefined && booking.check_in < taken) {
      contradiction(`room ${room}: sold twice for the night of ${booking.check_in}`);
    }
    if (taken === undefined || booking.check_out > taken) until.set(room, booking.check_out);
    confirmed.set(room, (confirmed.get(room) || 0) + 1);
  });
  return confirmed;
}

// Replays a room's events against its representation and its own list of bookings. Returns the
// versions that no client asked for: holds that ran out.
function proveHistory(listed) {
  const room = mustBe(200, get('room', `/v1/rooms/${listed.id}`)).json();
  const confirmed = new Set();
  let version = 0;
  let expired = 0;
  each(`/v1/rooms/${room.id}/events`, (event) => {
    version += 1;
    if (event.version !== version) {
      contradiction(`room ${room.id}: event ${version} carries version ${event.version}`);
    }
    if (event.kind === 'booked' || event.kind === 'confirmed') confirmed.add(event.booking_id);
    if (event.kind === 'cancelled') confirmed.delete(event.booking_id);
    if (event.kind === 'expired') expired += 1;
  });
  if (room.version !== version) {
    contradiction(`room ${room.id}: version ${room.version}, ${version} events`);
  }
  let bookings = 0;
  each(`/v1/rooms/${room.id}/bookings?status=confirmed`, (booking) => {
    bookings += 1;
    if (!confirmed.has(booking.id)) {
      contradiction(`booking ${booking.id} is confirmed, its room's events say otherwise`);
    }
  });
  if (room.times_booked !== bookings || room.times_booked !== confirmed.size) {
    const told = `${bookings} confirmed, ${confirmed.size} by its events`;
    contradiction(`room ${room.id}: times_booked ${room.times_booked}, ${told}`);
  }
  return expired;
}

// The replicas counted every refusal and exhaustion that a client was told of, and no others.
function proveCounters(before, after) {
  const grown = (name) => (after[name] || 0) - (before[name] || 0);
  unprovenRefusals.add(-grown('refusals'));
  unprovenExhaustions.add(-grown('exhausted'));
  guardViolations.add(grown('guard_violations'));
  service.first_attempt.add(grown('first_attempt'));
  // As in the recording rules: shares are of the writes that only the compare-and-set decided, the
  // mean of retries is over all, since a refused write may have retried too.
  service.writes.add(grown('writes'));
  service.contested.add(grown('first_attempt') + grown('after_retry') + grown('exhausted'));
  service.conflicts.add(grown('conflicts'));
  service.retries.add(grown('retries'));
  service.exhausted.add(grown('exhausted'));
}

// The booking counters of all replicas, summed. Expiry is left out: no client asked for it.
function counted() {
  const totals = {};
  for (const replica of bases) {
    const text = mustBe(200, http.get(`${replica}/metrics`, { headers: credentials, tags: { name: 'metrics' } })).body;
    for (const line of text.split('\n')) {
      const sample = /^booking_(\w+)_total(?:\{(.*)\})? (\S+)$/.exec(line);
      if (!sample || (sample[2] || '').includes('operation="expire"')) continue;
      for (const name of totalsOf(sample[1], sample[2])) {
        totals[name] = (totals[name] || 0) + Number(sample[3]);
      }
    }
  }
  for (const name of ['first_attempt', 'refusals', 'retries', 'exhausted', 'guard_violations']) {
    if (totals[name] === undefined) throw new Error(`no replica shows its ${name} on /metrics`);
  }
  return totals;
}

// The totals that a series of `booking_<metric>_total` belongs to.
function totalsOf(metric, labels) {
  switch (metric) {
    case 'write_outcomes': {
      const outcome = /outcome="(first_attempt|after_retry)"/.exec(labels);
      return outcome ? ['writes', outcome[1]] : ['writes'];
    }
    case 'refusals': return ['refusals'];
    case 'lock_conflicts': return ['conflicts'];
    case 'lock_retries': return ['retries'];
    case 'lock_exhausted': return ['exhausted'];
    case 'overlap_guard_violations': return ['guard_violations'];
    default: return [];
  }
}

// Walks a list from its first page to its last.
export function each(path, visit) {
  const joint = path.includes('?') ? '&' : '?';
  let cursor = '';
  do {
    const page = mustBe(200, get('page', `${path}${joint}limit=${PAGE}${cursor}`)).json();
    page.items.forEach(visit);
    cursor = page.next_cursor ? `&cursor=${encodeURIComponent(page.next_cursor)}` : null;
  } while (cursor !== null);
}

// ---- Summary ----------------------------------------------------------------------------------

// Keeps every figure as JSON where `run` asks for it, and says which thresholds were crossed.
export function handleSummary(data) {
  const lines = [];
  for (const name of Object.keys(data.metrics).sort()) {
    const { thresholds, values } = data.metrics[name];
    for (const rule of Object.keys(thresholds || {})) {
      if (thresholds[rule].ok) continue;
      lines.push(`  crossed: ${name} ${rule}, was ${JSON.stringify(values)}`);
    }
  }
  const out = { stdout: lines.length ? `${lines.join('\n')}\n` : '  every threshold held\n' };
  if (__ENV.SUMMARY_JSON) {
    const { metrics, state } = data;
    out[__ENV.SUMMARY_JSON] = JSON.stringify({ metrics, state }, null, 1);
  }
  return out;
}
