// Hundreds of clients ask for one room and one night at the same moment; exactly one gets it. Then
// again, round after round, each with a room of its own.

import { sleep } from 'k6';
import exec from 'k6/execution';
import {
  book, careful, contradiction, createHotels, options as withProof, prove, ready, setting, stay,
} from './lib/vacancy.js';

export { handleSummary } from './lib/vacancy.js';

const VUS = setting('VUS', 200, 50);
const SECONDS_A_ROUND = 2;
const ROUNDS = Math.max(1, Math.floor(setting('SECONDS', 30, 4) / SECONDS_A_ROUND));

export const options = withProof({
  flash_sale: {
    executor: 'per-vu-iterations',
    vus: VUS,
    iterations: ROUNDS,
    maxDuration: `${60 + 5 * ROUNDS * SECONDS_A_ROUND}s`,
  },
}, {
  accepted_bookings: [`count==${ROUNDS}`],
  room_unavailable: [`count==${ROUNDS * (VUS - 1)}`],
  // The room changes once a round, so no client can lose more than one race.
  lock_conflict: ['count==0'],
});

export function setup() {
  return ready({ hotels: createHotels(1, ROUNDS) });
}

export default careful(function takeTheNight(data) {
  const round = exec.vu.iterationInScenario;
  // The clock is the starting gun: a VU that is early waits, one that is late still takes part.
  const start = data.started + (1 + round * SECONDS_A_ROUND) * 1000;
  sleep(Math.max(0, start - Date.now()) / 1000);
  book(data.rooms[round], stay(0, 1, data.started));
});

export function teardown(data) {
  for (const room of prove(data)) {
    if (room.times_booked !== 1 || room.version !== 2) {
      contradiction(`room ${room.id}: times_booked ${room.times_booked}, version ${room.version}`);
    }
  }
}
