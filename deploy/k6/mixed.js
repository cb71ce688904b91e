// A realistic day: people look far more often than they book, hold before they confirm, sometimes
// cancel, and now and then correct a name or a rate.

import exec from 'k6/execution';
import {
  NIGHTS, acknowledged, answer, book, bookingBody, careful, createHotels, get, options as withProof,
  prove, ready, setting, smoke, sold, stay, write,
} from './lib/vacancy.js';

export { handleSummary } from './lib/vacancy.js';

const ROOMS_PER_HOTEL = 25;
const HOTELS = Math.ceil(setting('ROOMS', 500, 50) / ROOMS_PER_HOTEL);
// Long enough that no hold runs out between a client's two requests.
const HOLD_SECONDS = 900;
// A client remembers its latest bookings, to cancel or correct one.
const MINE_MAX = 50;

// Of 100 visits.
const day = [
  [60, search],
  [20, availability],
  [10, holdAndConfirm],
  [5, bookARoom],
  [3, cancel],
  [2, edit],
];

export const options = withProof({
  mixed: {
    executor: 'constant-vus',
    vus: setting('VUS', 16, 6),
    duration: `${setting('SECONDS', 30, 4)}s`,
    exec: 'visit',
  },
}, {
  exhausted_share: ['rate<0.01'],
});

export function setup() {
  const city = `k6 ${Date.now()}`;
  return ready({ city, hotels: createHotels(HOTELS, ROOMS_PER_HOTEL, city) });
}

export const visit = careful((data) => {
  // However few visits a slow machine makes in a smoke run, some of them book.
  if (smoke && exec.vu.iterationInScenario === 0) {
    bookARoom(data);
    return;
  }
  let dice = Math.random() * 100;
  for (const [share, action] of day) {
    dice -= share;
    if (dice < 0) {
      action(data);
      return;
    }
  }
});

function search(data) {
  const { check_in, check_out } = anyStay();
  const where = `city=${encodeURIComponent(data.city)}&guests=1`;
  const when = `check_in=${check_in}&check_out=${check_out}`;
  answer(get('search', `/v1/rooms?${where}&${when}&sort=times_booked&limit=20`), 'ok');
}

function availability(data) {
  const { check_in, check_out } = stay(below(NIGHTS - 90), 60);
  const path = `/v1/rooms/${anyRoom(data)}/availability?from=${check_in}&to=${check_out}`;
  answer(get('availability', path), 'ok');
}

function holdAndConfirm(data) {
  const body = bookingBody(anyStay(), { hold_seconds: HOLD_SECONDS });
  const held = write('hold', 'POST', `/v1/rooms/${anyRoom(data)}/bookings`, body);
  if (answer(held, 'created', 'room_unavailable', 'lock_conflict') !== 'created') return;
  acknowledged(0);
  const confirmed = write('confirm', 'POST', `/v1/bookings/${held.json('id')}/confirm`, null);
  if (answer(confirmed, 'ok', 'lock_conflict') !== 'ok') return;
  sold();
  remember(confirmed);
}

function bookARoom(data) {
  const { heading, response } = book(anyRoom(data), anyStay());
  if (heading === 'created') remember(response);
}

// A client without a booking looks around instead.
function cancel(data) {
  const booking = mine.pop();
  if (booking === undefined) {
    search(data);
    return;
  }
  const response = write('cancel', 'POST', `/v1/bookings/${booking.id}/cancel`, null);
  if (answer(response, 'ok', 'lock_conflict') === 'ok') acknowledged(-1);
  else mine.unshift(booking);
}

// A guest corrects the name on a booking, or the hotel changes a rate.
function edit(data) {
  if (mine.length > 0 && Math.random() < 0.5) correctName();
  else changeRate(data);
}

function correctName() {
  const booking = mine.pop();
  const change = { guest: { name: `Guest ${exec.scenario.iterationInTest}` } };
  const response = write('edit_booking', 'PATCH', `/v1/bookings/${booking.id}`, change, {
    'If-Match': `"${booking.version}"`,
  });
  // Only this client knows the booking, so its version is true; the room's race can be lost.
  if (answer(response, 'ok', 'lock_conflict') !== 'ok') {
    mine.unshift(booking);
    return;
  }
  acknowledged(0);
  remember(response);
}

function changeRate(data) {
  const path = `/v1/rooms/${anyRoom(data)}`;
  const seen = get('room', path);
  if (answer(seen, 'ok') !== 'ok') return;
  const rate = seen.json('nightly_rate');
  const change = { nightly_rate: { ...rate, amount: rate.amount + 1 } };
  const response = write('edit_room', 'PATCH', path, change, { 'If-Match': seen.headers.Etag });
  if (answer(response, 'ok', 'precondition_failed') === 'ok') acknowledged(0);
}

const mine = [];

function remember(response) {
  const { id, version } = response.json();
  mine.unshift({ id, version });
  if (mine.length > MINE_MAX) mine.pop();
}

function below(limit) {
  return Math.floor(Math.random() * limit);
}

function anyStay() {
  return stay(below(NIGHTS), 1 + below(4));
}

function anyRoom(data) {
  return data.rooms[below(data.rooms.length)];
}

export function teardown(data) {
  prove(data);
}
