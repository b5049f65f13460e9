/** What clients were told of a bulk launch. */
export interface LaunchRecord {
  /** Its idempotency key, its label, and the mark that it writes. */
  readonly key: string;
  /** ACCEPTED with a task's id, REFUSED for good, or UNKNOWN: never heard of. */
  answer: "ACCEPTED" | "REFUSED" | "UNKNOWN";
  taskId: string | undefined;
  /** Some try ended without a trustworthy answer, so a task may be there whatever the last one said. */
  hasUnheardTries: boolean;
}

/** What clients were told of a write of one record. */
export interface SingleRecord {
  readonly kind: "UPDATE" | "CREATE";
  readonly id: number;
  readonly mark: string;
  answer: "ACCEPTED" | "REFUSED" | "UNKNOWN";
}

/** Everything that clients asked for, and were told. */
export interface Ledger {
  readonly launches: LaunchRecord[];
  readonly singles: SingleRecord[];
  /** Answers by their code, for the report. */
  readonly answers: Map<string, number>;
  /** Answers that refuse because of Redis, where nothing may: always for single writes, for launches as configured. */
  readonly redisRefusals: string[];
}

export function createLedger(): Ledger {
  return { launches: [], singles: [], answers: new Map(), redisRefusals: [] };
}

export function countAnswer(ledger: Ledger, code: string): void {
  ledger.answers.set(code, (ledger.answers.get(code) ?? 0) + 1);
}
