/** Time as an argument, so that tests can set it. */
export interface Clock {
  /** The present moment. */
  now(): Date;
  /** Calls back every `intervalMs` until the returned function is called. Never keeps the process alive. */
  every(intervalMs: number, callback: () => void): () => void;
  /** Calls back once after `delayMs` unless the returned function is called first. Never keeps the process alive. */
  after(delayMs: number, callback: () => void): () => void;
}
