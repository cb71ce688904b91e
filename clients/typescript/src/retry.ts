/** Sending the same request again, when that may help. */

/** How often and how to send. */
export interface RetryOptions {
  /** How often a request is sent at most; 5 if absent. */
  attemptsMax?: number;
  /** What sends it; the platform's `fetch` if absent. */
  fetch?: (request: Request) => Promise<Response>;
  /** What waits between two attempts; a timer if absent. */
  sleep?: (milliseconds: number) => Promise<void>;
}

/** Methods that write, and so need a key to be sent twice. */
const WRITES = new Set(["POST", "PUT", "PATCH", "DELETE"]);

const timer = (milliseconds: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

/**
 * A `fetch` that sends a request until it is answered for good. The key is chosen once, before the
 * first attempt: a lost answer to a write is then heard again instead of being done again.
 */
export function retrying(options: RetryOptions = {}): (request: Request) => Promise<Response> {
  const { attemptsMax = 5, fetch = globalThis.fetch, sleep = timer } = options;
  return async (request) => {
    if (WRITES.has(request.method) && !request.headers.has("Idempotency-Key")) {
      request.headers.set("Idempotency-Key", crypto.randomUUID());
    }
    for (let attempt = 1; ; attempt += 1) {
      const last = attempt >= attemptsMax;
      try {
        const response = await fetch(request.clone());
        if (last || !(await isRetryable(response))) return response;
        await sleep(1000 * secondsToWait(response));
      } catch (lost) {
        // Cancelled by the caller, or the connection was lost: its outcome is unknown.
        if (last || request.signal.aborted) throw lost;
        await sleep(1000);
      }
    }
  };
}

async function isRetryable(response: Response): Promise<boolean> {
  const type = response.headers.get("Content-Type") ?? "";
  if (!type.startsWith("application/problem+json")) return false;
  const problem = (await response.clone().json()) as { retryable?: boolean };
  return problem.retryable === true;
}

function secondsToWait(response: Response): number {
  const seconds = Number(response.headers.get("Retry-After"));
  return Number.isFinite(seconds) && seconds > 0 ? seconds : 1;
}
