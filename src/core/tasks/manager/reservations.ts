import { AppError, isAppError } from "../../../kernel/app-error.ts";
import type { Service } from "../../../kernel/service.ts";
import { createService } from "../../../kernel/service.ts";
import type { Viewer } from "../../access/viewer.ts";
import { ANONYMOUS } from "../../access/viewer.ts";
import { recordEvent } from "../../events/record-event.ts";
import type { Claim } from "../../locks/claim.ts";
import { withoutEmptyClaims } from "../../locks/claim.ts";
import type { LockRefusal } from "../../locks/lock-store.ts";
import { conflictRefusal } from "../../refusals/conflict-refusal.ts";
import type { ModelRegistry } from "../../records/model.ts";
import type { Parsed, RecordProblem, ValidationRefusal } from "../../refusals/problems.ts";
import { invalid, problem } from "../../refusals/problems.ts";
import type { ConflictRefusal, UnavailableRefusal } from "../../refusals/refusals.ts";
import { unavailableRefusal } from "../../refusals/unavailable-refusal.ts";
import { runOrRollBack } from "../../transactions/run-or-roll-back.ts";
import { checkClaims } from "../launch/check-claims.ts";
import { checkLaunchOptions } from "../launch/check-launch-options.ts";
import type { LaunchRequest } from "../launch/launch-request.ts";
import { launchHash } from "../launch/launch-request.ts";
import type { LaunchPorts } from "../launch/launch-task.ts";
import { createLaunchTransaction } from "../launch/launch-transaction.ts";
import type { LaunchOptions } from "../launch-options.ts";
import type { Attempt } from "../task-attempts.ts";
import { RESERVATION_KIND } from "../task.ts";
import type { HoldPorts, Reservation } from "./held-reservation.ts";
import { HeldReservation } from "./held-reservation.ts";
import type { WaitOptions } from "./wait-for-task.ts";

/** The options of TaskManager.reserve. */
export interface ReserveOptions extends WaitOptions {
  /** Who reserves. Default: an anonymous viewer. */
  readonly viewer?: Viewer;
  /** Shown beside the task. At most 200 characters. */
  readonly label?: string;
  /**
   * How long the records stay reserved once this process is dead or cut off, in ms, from 1,000 on. It does not end while
   * the process lives. Default: the setting `leaseMs`.
   */
  readonly leaseMs?: number;
  /**
   * REJECT (default): a conflict is returned. WAIT: waits for the tasks in the way, by their events, and tries again; who
   * waits so has no place in the line of waiting tasks. `signal` and `timeoutMs` end the wait.
   */
  readonly onConflict?: "REJECT" | "WAIT";
}

/** What became of TaskManager.reserve. After a refusal nothing is held. */
export type ReserveOutcome =
  | { readonly kind: "RESERVED"; readonly reservation: Reservation }
  | ConflictRefusal
  | ValidationRefusal
  | UnavailableRefusal;

/** What reserving needs. */
export interface ReservationPorts extends LaunchPorts, Pick<HoldPorts, "followTime"> {
  readonly models: Pick<ModelRegistry, "get">;
  /** Waits until a task is settled; see TaskManager.wait. */
  readonly untilSettled: (taskId: string, options: WaitOptions) => Promise<unknown>;
}

/** The reservations of this process. Its stop releases them. */
export interface Reservations extends Service {
  /** See TaskManager.reserve. */
  reserve(claims: readonly Claim[], options?: ReserveOptions): Promise<ReserveOutcome>;
}

const MIN_LEASE_MS = 1000;
/** A lease is kept alive by a timer, which cannot be set for longer. */
const MAX_LEASE_MS = 2_147_483_647;

export function createReservations(ports: ReservationPorts): Reservations {
  const held = new Set<HeldReservation>();
  let isStopped = false;
  const service = createService({
    name: "reservations",
    start: () => Promise.resolve(),
    async stop() {
      isStopped = true;
      await Promise.all([...held].map((reservation) => reservation.giveBack()));
    },
  });
  const hold = async (attempt: Attempt, leaseMs: number): Promise<ReserveOutcome> => {
    const reservation: HeldReservation = new HeldReservation(ports, attempt, leaseMs, () =>
      held.delete(reservation),
    );
    held.add(reservation);
    if (isStopped) {
      await reservation.giveBack();
      throw new AppError("UNAVAILABLE", "The process stops and reserves nothing more.");
    }
    return { kind: "RESERVED", reservation };
  };
  return {
    ...service,
    async reserve(claims, options = {}) {
      try {
        const request = describe(ports, claims, options);
        if ("problems" in request) {
          return invalid(request.problems);
        }
        const outcome = await claim(ports, request.value, options);
        return outcome.kind === "BEGUN"
          ? await hold(outcome.attempt, options.leaseMs ?? ports.leaseMs)
          : outcome;
      } catch (error) {
        return unavailableRefusal(ports.logger, error, "a reservation was refused");
      }
    },
  };
}

/** A reservation whose records are held. */
interface Begun {
  readonly kind: "BEGUN";
  readonly attempt: Attempt;
}

/** Claims the records, at once or when the tasks in the way are settled. */
async function claim(
  ports: ReservationPorts,
  request: LaunchRequest,
  options: ReserveOptions,
): Promise<Begun | ConflictRefusal> {
  for (;;) {
    options.signal?.throwIfAborted();
    const written = await write(ports, request);
    if (written.kind === "BEGUN") {
      return written;
    }
    const refusal = await conflictRefusal(ports.tasks, written, ports.nameOf);
    const [blocker] = refusal.conflicts;
    if (options.onConflict !== "WAIT" || blocker === undefined) {
      return refusal;
    }
    await ports.untilSettled(blocker.owner, options).catch(unlessGone);
  }
}

/** A task that settled long ago may be deleted by now. */
function unlessGone(error: unknown): void {
  if (!isAppError(error, "NOT_FOUND")) {
    throw error;
  }
}

/** Task, CREATE, START and locks in one transaction: a crash leaves a running task without a lease, or nothing. */
function write(ports: ReservationPorts, request: LaunchRequest): Promise<Begun | LockRefusal> {
  return runOrRollBack<Begun | LockRefusal>(ports.unitOfWork, async (transaction) => {
    const launch = createLaunchTransaction(ports, transaction, request, undefined);
    const { taskId } = launch;
    const claims = launch.escalatedClaims;
    await launch.create(claims);
    const begin = { taskId, expectedAttempt: 0, workerId: ports.workerId, at: ports.clock.now() };
    const attempt = await ports.tasks.beginAttempt(transaction, begin);
    if (attempt === undefined) {
      throw new AppError("INTERNAL", `Reservation ${taskId} could not be begun.`);
    }
    await recordEvent(ports, transaction, { taskId, type: "START", progress: attempt.task.progress });
    // Locks last: other writers to the models wait from here to the commit.
    const claimed = await launch.acquire(claims);
    return claimed.kind === "GRANTED" ? { commit: { kind: "BEGUN", attempt } } : { rollBack: claimed };
  });
}

/** The reservation as a launch. @throws AppError UNKNOWN_MODEL, naming the known ones */
function describe(
  { models }: Pick<ReservationPorts, "models">,
  given: readonly Claim[],
  { viewer = ANONYMOUS, label, leaseMs }: ReserveOptions,
): Parsed<LaunchRequest> {
  const options: LaunchOptions = { allowDuplicate: true, ...(label === undefined ? {} : { label }) };
  const checked = checkClaims(models, given);
  const problems = [
    ...("problems" in checked ? checked.problems : []),
    ...checkLaunchOptions(options),
    ...checkLease(leaseMs),
  ];
  const claims = "value" in checked ? withoutEmptyClaims(checked.value) : [];
  if (problems.length > 0 || claims.length === 0) {
    const nothing = problem("claims: name at least one record, or a whole model.", "claims");
    return { problems: problems.length > 0 ? problems : [nothing] };
  }
  const names = [...new Set(claims.map(({ model }) => model))];
  const input = { models: names };
  return {
    value: {
      kind: RESERVATION_KIND,
      model: names.length === 1 ? (names[0] ?? null) : null,
      viewer,
      input,
      inputHash: launchHash(RESERVATION_KIND, input, options),
      options,
      records: [],
      maxChunkRecords: 1,
      claims,
      total: null,
    },
  };
}

function checkLease(leaseMs: number | undefined): readonly RecordProblem[] {
  return leaseMs === undefined ||
    (Number.isInteger(leaseMs) && leaseMs >= MIN_LEASE_MS && leaseMs <= MAX_LEASE_MS)
    ? []
    : [
        problem(
          `leaseMs: needs a whole number from ${MIN_LEASE_MS} to ${MAX_LEASE_MS}, not ${leaseMs}.`,
          "leaseMs",
        ),
      ];
}
