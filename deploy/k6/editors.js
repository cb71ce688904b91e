// Editors raise a room's rate by one, again and again, each on the state it has just read, while a
// stream of bookings moves the room's version under them. A lost edit would be missing from the
// rate at the end.

import { sleep } from 'k6';
import exec from 'k6/execution';
import { Counter } from 'k6/metrics';
import {
  NIGHTS, RATE, acknowledged, answer, book, careful, complain, createHotels, get, options as
  withProof, prove, ready, setting, stay, write,
} from './lib/vacancy.js';

export { handleSummary } from './lib/vacancy.js';

const SECONDS = setting('SECONDS', 30, 3);
const EDITORS = setting('VUS', 6, 3);
const BOOKINGS_A_SECOND = setting('RATE', 20, 10);
// One room, unless the stream of bookings would fill it.
const ROOMS = Math.ceil((BOOKINGS_A_SECOND * SECONDS) / NIGHTS);
const TRIES_MAX = 100;

const edits = new Counter('edits');
const reread = new Counter('edits_reread');
const abandoned = new Counter('edits_abandoned');
const lostEdits = new Counter('lost_edits');

export const options = withProof({
  editors: { executor: 'constant-vus', vus: EDITORS, duration: `${SECONDS}s`, exec: 'edit' },
  bookings: {
    executor: 'constant-arrival-rate',
    rate: BOOKINGS_A_SECOND,
    duration: `${SECONDS}s`,
    preAllocatedVUs: 4,
    maxVUs: 100,
    exec: 'bookings',
  },
}, {
  edits: ['count>0'],
  edits_abandoned: ['count==0'],
  lost_edits: ['count==0'],
  room_unavailable: ['count==0'],
});

export function setup() {
  return ready({ hotels: createHotels(1, ROOMS) });
}

export const edit = careful((data) => {
  const path = `/v1/rooms/${data.rooms[Math.floor(Math.random() * ROOMS)]}`;
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const seen = get('room', path);
    if (answer(seen, 'ok') !== 'ok') return;
    const response = raiseRate(path, seen);
    const heading = answer(response, 'ok', 'precondition_failed');
    if (heading === 'ok') {
      acknowledged(0);
      edits.add(1);
      lostEdits.add(1);
      sleep(0.05);
      return;
    }
    if (heading !== 'precondition_failed') return;
    reread.add(1);
    sleep(Math.random() / 20);
  }
  abandoned.add(1);
  complain(`${path}: no edit in ${TRIES_MAX} tries`);
});

// By turns the whole representation as it was read, and the one member that changes.
function raiseRate(path, seen) {
  const room = seen.json();
  const nightly_rate = { ...room.nightly_rate, amount: room.nightly_rate.amount + 1 };
  const headers = { 'If-Match': seen.headers.Etag };
  return exec.vu.iterationInScenario % 2 === 0
    ? write('put_room', 'PUT', path, { ...room, nightly_rate }, headers)
    : write('patch_room', 'PATCH', path, { nightly_rate }, headers);
}

export const bookings = careful((data) => {
  const turn = exec.scenario.iterationInTest;
  book(data.rooms[turn % ROOMS], stay(Math.floor(turn / ROOMS), 1, data.started));
});

export function teardown(data) {
  for (const room of prove(data)) lostEdits.add(RATE - room.nightly_rate.amount);
}
