/** A typed client of vacancy: what is generated from its document, and how to send a write once. */

import createClient, { type Client } from "openapi-fetch";
import { edited, ProblemError, done, type Result } from "./edit.js";
import { retrying, type RetryOptions } from "./retry.js";
import type { components, paths } from "./schema.js";

export { done, ProblemError, type Result };
export { edited as editWithLatest };

/** The schemas of the document, by their names. */
export type Schemas = components["schemas"];

/** How to reach the service. */
export interface Options extends RetryOptions {
  /** Where it is, such as `http://127.0.0.1:8080`. */
  baseUrl: string;
}

/**
 * A client whose every call is one intent: a write without an `Idempotency-Key` gets one, and what
 * may succeed later is sent again after `Retry-After`, the same request under the same key.
 *
 * An intent that outlives the process needs a key that does: keep one (`newKey()`) beside what it is
 * for, and send it as the header `Idempotency-Key`.
 */
export function connect({ baseUrl, ...options }: Options): Client<paths> {
  return createClient<paths>({ baseUrl, fetch: retrying(options) });
}

/** A key for one thing that shall be done once. */
export function newKey(): string {
  return crypto.randomUUID();
}
