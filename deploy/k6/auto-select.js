// Clients ask a hotel for any room, all for the same stay, until it is sold out: to the last room
// and never beyond. Then the next hotel.

import { sleep } from 'k6';
import exec from 'k6/execution';
import {
  answer, bookingBody, careful, contradiction, createHotels, options as withProof, prove, ready,
  setting, sold, stay, write,
} from './lib/vacancy.js';

export { handleSummary } from './lib/vacancy.js';

const VUS = setting('VUS', 32, 8);
const ROOMS = setting('ROOMS', 100, 15);
// The duration is reached by number: about two hotels sell out in a second.
const HOTELS = 2 * setting('SECONDS', 30, 4);
// Half as many clients again as there are rooms, so some must go away empty-handed.
const ASKING = ROOMS + Math.ceil(ROOMS / 2);
const TRIES_MAX = 30;

export const options = withProof({
  auto_select: {
    executor: 'shared-iterations',
    vus: VUS,
    iterations: HOTELS * ASKING,
    maxDuration: `${60 + HOTELS * 15}s`,
  },
}, {
  accepted_bookings: [`count==${HOTELS * ROOMS}`],
  no_room_available: [`count==${HOTELS * (ASKING - ROOMS)}`],
});

export function setup() {
  return ready({ hotels: createHotels(HOTELS, ROOMS) });
}

export default careful(function bookAnyRoom(data) {
  const hotel = data.hotels[Math.floor(exec.scenario.iterationInTest / ASKING)];
  const body = bookingBody(stay(7, 2, data.started), { kind: 'double' });
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const response = write('auto_book', 'POST', `/v1/hotels/${hotel.id}/bookings`, body);
    const heading = answer(response, 'created', 'no_room_available', 'lock_conflict');
    if (heading === 'created') sold();
    // Only a lost race is worth another try; the hotel must sell every room it has.
    if (heading !== 'lock_conflict') return;
    sleep(0.1 + Math.random() / 5);
  }
});

export function teardown(data) {
  for (const room of prove(data)) {
    if (room.times_booked !== 1 || room.version !== 2) {
      contradiction(`room ${room.id}: times_booked ${room.times_booked}, version ${room.version}`);
    }
  }
}
