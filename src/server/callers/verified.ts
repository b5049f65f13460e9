import { hash } from "node:crypto";

/** The most credentials that are remembered. */
const MAX_VERIFIED = 10_000;

/** Credentials that were verified, by the hash of their text, so that memory holds none of them. The oldest goes first. */
export class Verified<Value> {
  readonly #byHash = new Map<string, Value>();
  readonly #max: number;

  constructor(max = MAX_VERIFIED) {
    this.#max = max;
  }

  get(name: string): Value | undefined {
    return this.#byHash.get(name);
  }

  set(name: string, value: Value): void {
    if (this.#byHash.size >= this.#max && !this.#byHash.has(name)) {
      const [oldest = ""] = this.#byHash.keys();
      this.#byHash.delete(oldest);
    }
    this.#byHash.set(name, value);
  }

  delete(name: string): void {
    this.#byHash.delete(name);
  }
}

/** The name of a credential in memory. */
export function nameOfCredential(text: string): string {
  return hash("sha256", text, "base64");
}
