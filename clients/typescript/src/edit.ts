/** Editing what others edit too. */

import type { components } from "./schema.js";

type Problem = components["schemas"]["Problem"];

/** The result of a call of the generated client. */
export interface Result<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** A refusal. */
export class ProblemError extends Error {
  constructor(
    /** What the service said. */
    readonly problem: Problem,
    /** With which headers. */
    readonly response: Response,
  ) {
    super(`${problem.code}: ${problem.detail}`);
    this.name = "ProblemError";
  }
}

/**
 * What a call brought. Throws a `ProblemError` when it was refused. Not for calls that ask for no
 * body (`Prefer: return=minimal`): they bring nothing.
 */
export async function done<T>(call: Promise<Result<T>>): Promise<NonNullable<T>> {
  const { data, error, response } = await call;
  if (!response.ok) throw new ProblemError(error as Problem, response);
  return data as NonNullable<T>;
}

/** What says that the resource is another one by now. */
const STALE = new Set<string>(["precondition_failed", "version_conflict"]);

/**
 * Edits the latest version of a resource: `get` reads it, `change` decides what to write from what
 * was read and writes it with the tag given as `If-Match`. When another writer was first, both are
 * done again: the new version is read and decided upon, never written over unseen. Throws the last
 * refusal after `attemptsMax` attempts, and every other refusal at once.
 */
export async function edited<T, U>(
  get: () => Promise<Result<T>>,
  change: (current: NonNullable<T>, ifMatch: string) => Promise<Result<U>>,
  attemptsMax = 5,
): Promise<NonNullable<U>> {
  for (let attempt = 1; ; attempt += 1) {
    const read = await get();
    const current = await done(Promise.resolve(read));
    const tag = read.response.headers.get("ETag");
    if (tag === null) throw new Error("what is edited has no ETag");
    try {
      return await done(change(current, tag));
    } catch (refused) {
      const stale = refused instanceof ProblemError && STALE.has(refused.problem.code);
      if (!stale || attempt >= attemptsMax) throw refused;
    }
  }
}
