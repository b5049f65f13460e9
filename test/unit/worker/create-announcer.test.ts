import { describe, expect, it } from "vitest";
import { createMemoryProcessRegister } from "../../../src/adapters/memory/memory-process-register.ts";
import type { BackendName, RunningProcess } from "../../../src/core/processes/process-register.ts";
import type { AppError } from "../../../src/kernel/app-error.ts";
import type { Logger } from "../../../src/kernel/logger.ts";
import { createAnnouncer } from "../../../src/worker/create-announcer.ts";
import { createManualClock } from "../../support/manual-clock.ts";

const SILENCE_MS = 900;

function processOf(id: string, backend: BackendName, startedAt: Date): RunningProcess {
  return { id, role: "work", backend, host: "a", pid: 7, concurrency: 4, startedAt };
}

describe("the announcer of a process that slept through a move of the locks", () => {
  it("says so once, and announces the process no more", async () => {
    const clock = createManualClock();
    const register = createMemoryProcessRegister();
    const logged: string[] = [];
    const note = (_fields: object, message: string): void => void logged.push(message);
    const logger: Logger = { debug: () => {}, info: () => {}, warn: note, error: note };
    const moves: AppError[] = [];
    const announcer = createAnnouncer({
      register,
      process: processOf("sleeper", "postgres", clock.now()),
      silenceMs: SILENCE_MS,
      clock,
      logger,
      onMoved: (error) => moves.push(error),
    });
    await announcer.start();
    const later = new Date(clock.now().getTime() + 10 * SILENCE_MS);
    await register.enlist(processOf("mover", "redis", later), later, later);

    clock.advance(12 * SILENCE_MS);
    // The stop waits for what is under way.
    await announcer.stop();
    expect(moves).toEqual([
      expect.objectContaining({
        code: "START_FAILED",
        message: expect.stringMatching(/moved .* to redis, and this process kept them in postgres/),
      }),
    ]);
    expect(logged).toEqual(["the process is of no use any more"]);
    expect((await register.list(later)).map(({ id }) => id)).toEqual(["mover"]);
  });
});
