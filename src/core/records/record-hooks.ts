import type { DatabaseFault, HookTransactions } from "./hook-transactions.ts";
import type { ClaimOf, LockScopes } from "../locks/claim.ts";
import type { LaunchInside, OpenWriteOptions } from "../locks/open-write.ts";
import { runInWrite, WriteStopped } from "../locks/open-write.ts";
import type { ModelOptionsMap } from "./model-options.ts";
import { toColumnText } from "./column-text.ts";
import type { Model, ModelRegistry } from "./model.ts";
import { canonicalRecordId } from "./record-key.ts";
import { apiNameOf, columnsOf } from "./model.ts";
import type {
  AppProblem,
  AppRecord,
  AppRefusal,
  AppValues,
  HookChunk,
  HookRecord,
  ModelHooks,
  WriteContext,
  WriteOperation,
  WriteRules,
} from "./write-hooks.ts";
import type { RecordProblem } from "../refusals/problems.ts";
import { problem } from "../refusals/problems.ts";
import type { Transaction } from "../transactions/transaction.ts";
import { isAppError } from "../../kernel/app-error.ts";
import type { CallLimit } from "../../kernel/call-limit.ts";
import { limiterOf } from "../../kernel/call-limit.ts";
import { toJsonValue } from "../../kernel/json.ts";
import type { Logger } from "../../kernel/logger.ts";

/** The circumstances of a write that are the same for all of its records. */
type WriteSetting = Pick<WriteContext, "viewer" | "task" | "isDryRun">;

/** What the app's checks say about a chunk. */
interface CheckedChunk {
  readonly refused: readonly RefusedRecord[];
  /** What the app adds to new records, by id. */
  readonly values: ReadonlyMap<string, AppRecord>;
}

/** A record that is not written, and why. */
export interface RefusedRecord {
  readonly id: string;
  readonly problem: RecordProblem;
}

/** The app's own code for writes of one model by one viewer; the same for single and bulk writes. */
export interface AppHooks {
  /** Whether the app writes the records itself: {@link persist} then replaces the service's own write. */
  readonly hasPersist: boolean;
  /** Whether the app may add values to new records, of any column. */
  readonly mayAddValues: boolean;
  /** Whether {@link after} needs the records as they were written. */
  hasAfter(operation: WriteOperation): boolean;
  /** Before the write: validates creates and updates, then calls the hook with the valid records. */
  check(transaction: Transaction, chunk: HookChunk): Promise<CheckedChunk>;
  /** Has the app write. @throws the app's error; the caller undoes what the app wrote */
  persist(transaction: Transaction, chunk: HookChunk): Promise<readonly RefusedRecord[]>;
  /**
   * The problem behind an error of {@link persist}. `isForAll` is false if the database refused something: one record
   * may be the cause.
   * @throws the error if the transaction is lost
   */
  refusalOf(error: unknown): { readonly problem: RecordProblem; readonly isForAll: boolean };
  /** After the write. Logs errors of the app instead of throwing them. */
  after(transaction: Transaction, chunk: HookChunk): Promise<void>;
}

/** Finds the app's own code for writes. */
export interface RecordHooks {
  /** Undefined if the app has no code for any of the operations; then no records are read for it, either. */
  of(model: Model, operations: readonly WriteOperation[], setting: WriteSetting): AppHooks | undefined;
}

/** Checks the names, and makes ids canonical. */
export function createClaimOf(models: Pick<ModelRegistry, "get">, scopes: LockScopes): ClaimOf {
  return (name, ids, viewer) => {
    const model = models.get(name);
    const canonical = ids === "all" ? ids : ids.map((id) => canonicalRecordId(model, String(id)));
    const scope = scopes.of(name, viewer);
    return { model: name, ids: canonical, ...(scope === undefined ? {} : { scope }) };
  };
}

/** What running hooks needs. */
interface RecordHooksPorts {
  readonly options: ModelOptionsMap;
  readonly transactions: HookTransactions;
  /** Holds the records that hooks register. */
  readonly locks: OpenWriteOptions["locks"];
  readonly claimOf: ClaimOf;
  /** Launches tasks for hooks. */
  readonly launch: LaunchInside;
  /** On the time of each call. Default: none. */
  readonly limit?: CallLimit;
  readonly logger: Logger;
}

const BEFORE = { CREATE: "beforeCreate", UPDATE: "beforeUpdate", DELETE: "beforeDelete" } as const;
const AFTER = { CREATE: "afterCreate", UPDATE: "afterUpdate", DELETE: "afterDelete" } as const;

/** The hooks in the models' options. */
export function createRecordHooks(ports: RecordHooksPorts): RecordHooks {
  return {
    of(model, operations, setting) {
      const rules = ports.options[model.name];
      return rules !== undefined && operations.some((operation) => concerns(rules, operation))
        ? bindHooks(ports, model, rules, setting)
        : undefined;
    },
  };
}

function concerns({ validate, hooks, persist }: WriteRules, operation: WriteOperation): boolean {
  return (
    persist !== undefined ||
    (validate !== undefined && operation !== "DELETE") ||
    hooks?.[BEFORE[operation]] !== undefined ||
    hooks?.[AFTER[operation]] !== undefined
  );
}

/** What the app's code may do in the transaction, besides what its context offers. */
function openWriteOf(
  { transactions, locks, launch, claimOf }: RecordHooksPorts,
  { viewer, isDryRun }: WriteSetting,
  transaction: Transaction,
): OpenWriteOptions {
  return {
    locks,
    transaction,
    client: transactions.clientOf(transaction),
    viewer,
    launch,
    undoable: transactions.undoable,
    isDryRun,
    claimOf: (name, ids) => claimOf(name, ids, viewer),
  };
}

function bindHooks(
  ports: RecordHooksPorts,
  model: Model,
  rules: WriteRules,
  setting: WriteSetting,
): AppHooks {
  const { transactions, logger } = ports;
  const limited = limiterOf(ports.limit, `A hook of ${model.apiName}`);
  const within = <T>(transaction: Transaction, work: () => Promise<T>): Promise<T> =>
    runInWrite(openWriteOf(ports, setting, transaction), () => limited(work));
  const contextOf = (transaction: Transaction, operation: WriteOperation): WriteContext => ({
    ...setting,
    operation,
    prisma: transactions.clientOf(transaction),
    onCommit: (effect) => transaction.onCommit(effect),
  });
  return {
    hasPersist: rules.persist !== undefined,
    mayAddValues: rules.hooks?.beforeCreate !== undefined,
    hasAfter: (operation) => rules.hooks?.[AFTER[operation]] !== undefined,
    async check(transaction, chunk) {
      const context = contextOf(transaction, chunk.operation);
      try {
        return await transactions.undoable(transaction, () =>
          within(transaction, () => checkAll(ports, model, rules, chunk, context)),
        );
      } catch (error) {
        const thrown = problemOfThrown(ports, model, error);
        return { refused: chunk.records.map(({ id }) => ({ id, problem: thrown })), values: NO_VALUES };
      }
    },
    async persist(transaction, chunk) {
      const context = contextOf(transaction, chunk.operation);
      const refusals = await within(transaction, async () => rules.persist?.(chunk, context));
      return refusedOf(model, chunk, refusals ?? []);
    },
    refusalOf(error) {
      const fault = faultUnlessLost(ports, model, error);
      return {
        problem: problemOfThrown(ports, model, error),
        isForAll: fault?.kind !== "REFUSED",
      };
    },
    async after(transaction, chunk) {
      const hook = rules.hooks?.[AFTER[chunk.operation]];
      if (hook === undefined || chunk.records.length === 0) {
        return;
      }
      const context = contextOf(transaction, chunk.operation);
      try {
        await transactions.undoable(transaction, () =>
          within(transaction, async () => hook.call(rules.hooks, chunk, context)),
        );
      } catch (error) {
        faultUnlessLost(ports, model, error);
        logger.error({ err: error, model: model.name }, "a hook failed after a write; the write is kept");
      }
    },
  };
}

async function checkAll(
  ports: RecordHooksPorts,
  model: Model,
  rules: WriteRules,
  chunk: HookChunk,
  context: WriteContext,
): Promise<CheckedChunk> {
  const refused = await validateAll(ports, model, rules, chunk, context);
  const asked = await askBefore(model, rules.hooks, without(chunk, refused), context);
  return { ...asked, refused: [...refused, ...asked.refused] };
}

/**
 * An error of a validator refuses its record only, unless it came from the database: then the transaction is spoiled.
 */
async function validateAll(
  ports: RecordHooksPorts,
  model: Model,
  { validate }: WriteRules,
  { operation, records }: HookChunk,
  context: WriteContext,
): Promise<readonly RefusedRecord[]> {
  if (validate === undefined || operation === "DELETE") {
    return [];
  }
  const refused: RefusedRecord[] = [];
  for (const { id, record, change } of records) {
    try {
      const answer = validate(record, change, context);
      // Awaits promises only: most validators answer at once, for many thousands of records.
      const problems = answer instanceof Promise ? await answer : answer;
      const [first] = problems ?? [];
      if (first !== undefined) {
        refused.push({ id, problem: problemOf(model, problems ?? []) });
      }
    } catch (error) {
      if (ports.transactions.faultOf(error, model) !== undefined) {
        throw error;
      }
      refused.push({ id, problem: problemOfThrown(ports, model, error) });
    }
  }
  return refused;
}

async function askBefore(
  model: Model,
  hooks: ModelHooks | undefined,
  chunk: HookChunk,
  context: WriteContext,
): Promise<CheckedChunk> {
  const hook = hooks?.[BEFORE[chunk.operation]];
  if (hook === undefined || chunk.records.length === 0) {
    return { refused: [], values: NO_VALUES };
  }
  const answers = (await hook.call(hooks, chunk, context)) ?? [];
  const added = answers.filter((answer) => "values" in answer);
  const refusals = answers.filter((answer): answer is AppRefusal => !("values" in answer));
  return { refused: refusedOf(model, chunk, refusals), values: valuesOf(model, chunk, added) };
}

const NO_VALUES: CheckedChunk["values"] = new Map();

/** @throws TypeError or RangeError for a record that is not a new one of the chunk, and for impossible values */
function valuesOf(
  model: Model,
  { operation, records }: HookChunk,
  added: readonly AppValues[],
): CheckedChunk["values"] {
  const ids = new Set(records.map(({ id }) => id));
  if (added.some(({ id }) => operation !== "CREATE" || !ids.has(id))) {
    throw new TypeError("a hook set values of a record that is not new, or not in its chunk");
  }
  const values = new Map<string, AppRecord>();
  for (const { id, values: more } of added) {
    Object.entries(more).forEach(([name, value]) => addedText(model, name, value));
    values.set(id, { ...values.get(id), ...more });
  }
  return values;
}

/** The column's text of a value that a hook adds. @throws TypeError or RangeError for one that it must not or cannot add */
export function addedText(model: Model, name: string, value: unknown): string | null {
  const column = columnsOf(model).find((field) => field.name === name);
  if (column === undefined || column.isKey) {
    const reason = column === undefined ? "there is no such column" : "the key is locked already";
    throw new TypeError(`beforeCreate cannot set ${model.name}.${name}: ${reason}`);
  }
  return toColumnText(column, toJsonValue(value));
}

/** @throws TypeError for a record outside the chunk: ignoring it would write a record that the app meant to refuse */
function refusedOf(
  model: Model,
  { records }: HookChunk,
  refusals: readonly AppRefusal[],
): readonly RefusedRecord[] {
  const problems = new Map<string, AppProblem[]>();
  for (const { id, ...refusal } of refusals) {
    problems.set(id, [...(problems.get(id) ?? []), refusal]);
  }
  const refused = records.flatMap(({ id }) => {
    const own = problems.get(id);
    return own === undefined ? [] : [{ id, problem: problemOf(model, own) }];
  });
  if (refused.length < problems.size) {
    throw new TypeError("a hook refused a record that is not in its chunk");
  }
  return refused;
}

/** A task records one problem for each record, so several become one. */
function problemOf(model: Model, problems: readonly AppProblem[]): RecordProblem {
  // The app's code has the names of the Prisma schema.
  const named = problems.flatMap(({ field }) => (field === undefined ? [] : [apiNameOf(model, field)]));
  const fields = [...new Set(named)];
  const message = problems.map((each) => each.message).join(" ");
  return problem(message, fields.length === 0 ? undefined : fields.join(","));
}

function without(chunk: HookChunk, refused: readonly RefusedRecord[]): HookChunk {
  const ids = new Set(refused.map(({ id }) => id));
  const isLeft = ({ id }: HookRecord): boolean => !ids.has(id);
  return ids.size === 0 ? chunk : { ...chunk, records: chunk.records.filter(isLeft) };
}

/** Errors of mistakes in code: their messages are not meant for callers. */
const MISTAKES = [TypeError, ReferenceError, RangeError, SyntaxError];

interface FaultPorts {
  readonly transactions: Pick<HookTransactions, "faultOf">;
  readonly logger: Logger;
}

/**
 * The problem of the records when the app's code threw. An error of the app's own passes its message on to the caller;
 * any other error is logged, and reported as INTERNAL.
 * @throws the error if the transaction is lost: the database went away, or others won a race
 */
function problemOfThrown(ports: FaultPorts, model: Model, error: unknown): RecordProblem {
  const fault = faultUnlessLost(ports, model, error);
  if (fault?.kind === "REFUSED") {
    return fault.problem;
  }
  const isMistake = MISTAKES.some((kind) => error instanceof kind);
  if (fault === undefined && error instanceof Error && !isMistake) {
    return problem(error.message);
  }
  ports.logger.error({ err: error, model: model.name }, "the app's code around a write failed");
  const message = `The rules of ${model.apiName} could not be applied. The details are in the service's log.`;
  return problem(message, undefined, "INTERNAL");
}

/**
 * The database fault behind the error, if there is one.
 * @throws the error if the transaction is lost
 */
function faultUnlessLost(
  { transactions }: Pick<FaultPorts, "transactions">,
  model: Model,
  error: unknown,
): DatabaseFault | undefined {
  // A write that was stopped is not refused: its writer decides what becomes of it. Nor is one whose hook was left behind:
  // only the end of the transaction keeps that hook from writing on.
  if (isAppError(error, "UNAVAILABLE") || isAppError(error, "TIMED_OUT") || error instanceof WriteStopped) {
    throw error;
  }
  const fault = transactions.faultOf(error, model);
  if (fault?.kind === "LOST") {
    throw fault.error;
  }
  return fault;
}
