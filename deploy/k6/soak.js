// The realistic day at a modest, steady rate for a long time: what leaks shows here. The memory of
// every replica is read from its own metrics.

import http from 'k6/http';
import { sleep } from 'k6';
import { Gauge, Trend } from 'k6/metrics';
import {
  bases, careful, credentials, inFull, mustBe, options as withProof, setting, smoke,
} from './lib/vacancy.js';

export { handleSummary } from './lib/vacancy.js';
export { setup, teardown, visit } from './mixed.js';

const SECONDS = setting('SECONDS', 1800, 5);
const RATE = setting('RATE', 30, 20);
const VUS = setting('VUS', 50, 10);
const SECONDS_A_SAMPLE = Math.max(1, Math.min(30, Math.floor(SECONDS / 60)));
// Pools, caches and histograms fill up in the first fifth of the run; from then on, memory holds.
const WARM_UP_MS = SECONDS * 200;
const GROWTH_MAX = smoke ? 3 : 1.5;

const memory = new Trend('resident_memory_mib');
const growth = new Gauge('resident_memory_growth');

export const options = withProof({
  soak: {
    executor: 'constant-arrival-rate',
    rate: RATE,
    duration: `${SECONDS}s`,
    preAllocatedVUs: VUS,
    maxVUs: Math.max(200, VUS),
    exec: 'visit',
  },
  memory: { executor: 'constant-vus', vus: 1, duration: `${SECONDS}s`, exec: 'watchMemory' },
}, {
  exhausted_share: ['rate<0.01'],
  // Visits that found no idle client: at this rate, one in a hundred would be a stall.
  dropped_iterations: inFull(`count<${Math.max(1, (RATE * SECONDS) / 100)}`),
  resident_memory_mib: ['max<256'],
  resident_memory_growth: ['value>0', `value<${GROWTH_MAX}`],
});

// The largest size of each replica while it warmed up.
const warm = {};
let firstSample = null;

export const watchMemory = careful(() => {
  firstSample = firstSample || Date.now();
  const ratios = bases.map((replica) => {
    const mib = residentMib(replica);
    memory.add(mib, { replica });
    // The first sample counts however late it comes.
    if (warm[replica] === undefined || Date.now() - firstSample < WARM_UP_MS) {
      warm[replica] = Math.max(warm[replica] || 0, mib);
    }
    return mib / warm[replica];
  });
  growth.add(Math.max(...ratios));
  sleep(SECONDS_A_SAMPLE);
});

function residentMib(replica) {
  const text = mustBe(200, http.get(`${replica}/metrics`, { headers: credentials, tags: { name: 'metrics' } })).body;
  const sample = /^process_resident_memory_bytes (\S+)$/m.exec(text);
  if (!sample) throw new Error(`${replica}/metrics does not show process_resident_memory_bytes`);
  return Number(sample[1]) / 1048576;
}
