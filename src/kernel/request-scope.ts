import { AsyncLocalStorage } from "node:async_hooks";

/** The request on whose behalf code runs. */
export interface RequestScope {
  /** Made when it is first read. */
  readonly requestId: string;
  readonly viewerId: string | null;
  /** The address from which it came; undefined where that is not known. */
  readonly peer?: string | undefined;
}

const storage = new AsyncLocalStorage<RequestScope>();

/** Runs code on behalf of the request: everything that it calls and awaits knows it. */
export function inRequest<T>(scope: RequestScope, run: () => T): T {
  return storage.run(scope, run);
}

/** The request on whose behalf the caller runs; undefined where there is none. */
export function currentRequest(): RequestScope | undefined {
  return storage.getStore();
}
