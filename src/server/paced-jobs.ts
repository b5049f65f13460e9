import { giveWay } from "../kernel/turns.ts";

/** How long the jobs of one turn may take, in ms. */
const SLICE_MS = 3;

/**
 * Runs short jobs in order, as many in one turn of the event loop as fit into a slice of time, so that requests are answered
 * between them.
 */
export class PacedJobs {
  readonly #jobs: (() => void)[] = [];
  #first = 0;
  #sliceEnd = 0;
  #isScheduled = false;

  /** Runs the job now, or in a later turn. It must not throw. */
  run(job: () => void): void {
    if (!this.#isScheduled) {
      this.#beginSlice();
    }
    if (this.#first === this.#jobs.length && performance.now() < this.#sliceEnd) {
      job();
    } else {
      this.#jobs.push(job);
    }
  }

  #beginSlice(): void {
    this.#isScheduled = true;
    this.#sliceEnd = performance.now() + SLICE_MS;
    giveWay(SLICE_MS, () => this.#goOn());
  }

  #goOn(): void {
    this.#isScheduled = false;
    if (this.#first === this.#jobs.length) {
      return;
    }
    this.#beginSlice();
    while (this.#first < this.#jobs.length && performance.now() < this.#sliceEnd) {
      this.#jobs[this.#first]?.();
      this.#first += 1;
    }
    if (this.#first === this.#jobs.length) {
      this.#jobs.length = 0;
      this.#first = 0;
    }
  }
}
