// A client that heard nothing sends its booking again under the same Idempotency-Key, also while
// the first copy is still on its way: one booking, and every copy gets the same answer.

import { sleep } from 'k6';
import exec from 'k6/execution';
import http from 'k6/http';
import { Counter } from 'k6/metrics';
import {
  NIGHTS, answer, bookAtOnce, careful, complain, createHotels, options as withProof, prove, ready,
  setting, sold, stay,
} from './lib/vacancy.js';

export { handleSummary } from './lib/vacancy.js';

const SECONDS = setting('SECONDS', 30, 3);
// Enough rooms that no night is asked for under two keys, however fast the machine.
const KEYS_A_SECOND_MAX = 2000;
const ROOMS = Math.max(20, Math.ceil((SECONDS * KEYS_A_SECOND_MAX) / NIGHTS));
const COPIES = 3;
const TRIES_MAX = 30;

const replayed = new Counter('replayed_answers');
const unequal = new Counter('unequal_answers');
const mismatches = new Counter('mismatches_refused');

export const options = withProof({
  replays: { executor: 'constant-vus', vus: setting('VUS', 8, 4), duration: `${SECONDS}s` },
}, {
  replayed_answers: ['count>0'],
  unequal_answers: ['count==0'],
  mismatches_refused: ['count>0'],
  // A copy that finds its night taken has met its own twin.
  room_unavailable: ['count==0'],
});

export function setup() {
  return ready({ hotels: createHotels(1, ROOMS), run: Date.now() });
}

export default careful(function bookWithEcho(data) {
  const turn = exec.scenario.iterationInTest;
  const room = data.rooms[turn % ROOMS];
  if (turn >= ROOMS * NIGHTS) exec.test.abort('every night of every room has been asked for');
  const nights = (count) => stay(Math.floor(turn / ROOMS), count, data.started);
  const key = `k6-${data.run}-${turn}`;

  const answers = [];
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    // All copies at once; afterwards one more, and one for each time that no copy got through.
    const responses = bookAtOnce(room, nights(1), tries === 0 ? COPIES : 1, key);
    const headings = responses.map((response) =>
      answer(response, 'created', 'lock_conflict', 'idempotency_in_flight'));
    answers.push(...responses.filter((_, i) => headings[i] === 'created'));
    if (headings.some((heading) => heading === 'unexpected' || heading === 'server_error')) break;
    if (tries > 0 && answers.length > 1) break;
    if (headings[0] !== 'created') sleep(0.1);
  }
  if (answers.length > 0) sold();
  compare(key, answers);
  if (turn % 10 === 0) otherRequestSameKey(room, nights(2), key);
});

// The first answer is the work itself, every other one its echo.
function compare(key, answers) {
  const echoes = answers.filter((response) => response.headers['Idempotency-Replayed'] === 'true');
  replayed.add(echoes.length);
  const told = new Set(answers.map(({ body, headers }) =>
    JSON.stringify([body, headers.Etag, headers.Location])));
  if (answers.length < 2 || told.size !== 1 || echoes.length !== answers.length - 1) {
    unequal.add(1);
    const count = `${answers.length} answers, ${echoes.length} replayed, ${told.size} different`;
    complain(`${key}: ${count}: ${[...told].join(' ')}`);
  }
}

function otherRequestSameKey(room, longer, key) {
  const [response] = bookAtOnce(room, longer, 1, key, http.expectedStatuses(422));
  const refused = response.status === 422 && response.json('code') === 'idempotency_mismatch';
  if (refused) {
    mismatches.add(1);
  } else {
    unequal.add(1);
    complain(`${key} with another body: ${response.status} ${response.body}`);
  }
}

export function teardown(data) {
  prove(data);
}
