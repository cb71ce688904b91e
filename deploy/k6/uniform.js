// Bookings spread evenly over very many rooms: the cost of a booking without contention.

import {
  NIGHTS, book, careful, createHotels, options as withProof, prove, ready, setting, stay,
} from './lib/vacancy.js';

export { handleSummary } from './lib/vacancy.js';

const ROOMS = setting('ROOMS', 10000, 40);
const ROOMS_PER_HOTEL = Math.min(ROOMS, 100);

export const options = withProof({
  uniform: {
    executor: 'constant-vus',
    vus: setting('VUS', 32, 4),
    duration: `${setting('SECONDS', 30, 3)}s`,
  },
}, {
  // Two clients seldom meet in one room, hardly ever three times within one booking.
  exhausted_share: ['rate<0.01'],
});

export function setup() {
  return ready({ hotels: createHotels(Math.ceil(ROOMS / ROOMS_PER_HOTEL), ROOMS_PER_HOTEL) });
}

export default careful(function bookAnywhere(data) {
  const room = data.rooms[Math.floor(Math.random() * data.rooms.length)];
  book(room, stay(Math.floor(Math.random() * NIGHTS), 1 + Math.floor(Math.random() * 3)));
});

export function teardown(data) {
  prove(data);
}
