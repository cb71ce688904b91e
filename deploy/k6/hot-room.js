// Every client books the same room at the same moment, each for a night of its own. Their
// nights do not overlap, but they share the room's version: the hardest case for a compare-and-set.

import exec from 'k6/execution';
import {
  NIGHTS, book, careful, createHotels, options as withProof, prove, ready, setting, stay,
} from './lib/vacancy.js';

export { handleSummary } from './lib/vacancy.js';

const SECONDS = setting('SECONDS', 30, 3);
// More rooms than the fastest machine could fill: one room's version moves on at each booking.
const NIGHTS_A_SECOND_MAX = 4000;

export const options = withProof({
  hot_room: { executor: 'constant-vus', vus: setting('VUS', 16, 4), duration: `${SECONDS}s` },
}, {
  // Every iteration asks for a night that no other one asks for.
  room_unavailable: ['count==0'],
  // Three attempts at one room among many clients: some give up, most must not.
  exhausted_share: ['rate<0.5'],
});

export function setup() {
  const rooms = Math.ceil((SECONDS * NIGHTS_A_SECOND_MAX) / NIGHTS) + 1;
  return ready({ hotels: createHotels(1, rooms) });
}

export default careful(function bookTheNextNight(data) {
  // The count is shared by all VUs, so all of them turn to the next room together.
  const turn = exec.scenario.iterationInTest;
  const room = data.rooms[Math.floor(turn / NIGHTS)];
  if (room === undefined) exec.test.abort('every night of every room has been asked for');
  book(room, stay(turn % NIGHTS, 1, data.started));
});

export function teardown(data) {
  prove(data);
}
