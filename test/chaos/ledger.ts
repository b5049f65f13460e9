import type { User } from "./signed-users.ts";

/** A client's knowledge of a bulk launch. */
export interface LaunchRecord {
  /** Its idempotency key, its label, and the mark that it writes. */
  readonly key: string;
  readonly user: User;
  /** ACCEPTED with a task's id, REFUSED for good, or UNKNOWN without any answer. */
  answer: "ACCEPTED" | "REFUSED" | "UNKNOWN";
  taskId: string | undefined;
  /** A try ended without a reliable answer, so a task may exist even if the last answer is a refusal. */
  hasUnheardTries: boolean;
}

/** A client's knowledge of a write of one record. */
export interface SingleRecord {
  readonly kind: "UPDATE" | "CREATE";
  readonly id: number;
  readonly mark: string;
  readonly user: User;
  answer: "ACCEPTED" | "REFUSED" | "UNKNOWN";
}

/** All requests of clients, with their answers. */
export interface Ledger {
  readonly launches: LaunchRecord[];
  readonly singles: SingleRecord[];
  /** Answers by their code, for the report. */
  readonly answers: Map<string, number>;
  /** Refusals because of Redis that must not happen: any of a single write, and those of launches that the setting forbids. */
  readonly redisRefusals: string[];
  /** Refusals of users who may ask, and answers with what they may not see. */
  readonly sightFaults: string[];
}

export function createLedger(): Ledger {
  return { launches: [], singles: [], answers: new Map(), redisRefusals: [], sightFaults: [] };
}

export function countAnswer(ledger: Ledger, code: string): void {
  ledger.answers.set(code, (ledger.answers.get(code) ?? 0) + 1);
}
