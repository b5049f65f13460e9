import type { DatabaseFault, HookTransactions } from "./hook-transactions.ts";
import type { ModelOptionsMap } from "./model-options.ts";
import type { Model } from "./model.ts";
import type {
  AppProblem,
  AppRefusal,
  HookChunk,
  HookRecord,
  ModelHooks,
  WriteContext,
  WriteOperation,
  WriteRules,
} from "./write-hooks.ts";
import type { RecordProblem } from "../refusals/problems.ts";
import type { Transaction } from "../transactions/transaction.ts";
import { isAppError } from "../../kernel/app-error.ts";
import type { Logger } from "../../kernel/logger.ts";

/** Who writes, and how. */
type WriteSetting = Pick<WriteContext, "viewer" | "task" | "isDryRun">;

/** Why a record is not written. */
export interface RefusedRecord {
  readonly id: string;
  readonly problem: RecordProblem;
}

/** What the app says about writes of one model, by one viewer; the same for single and for bulk writes. */
export interface AppHooks {
  /** The app writes by itself: {@link persist} takes the place of the service's own write. */
  readonly hasPersist: boolean;
  /** Whether {@link after} wants to see the records as they were written. */
  hasAfter(operation: WriteOperation): boolean;
  /** Before the write: validates creates and updates, then asks the hook about those that are left. */
  check(transaction: Transaction, chunk: HookChunk): Promise<readonly RefusedRecord[]>;
  /** Has the app write. @throws what it threw; the caller undoes what it wrote */
  persist(transaction: Transaction, chunk: HookChunk): Promise<readonly RefusedRecord[]>;
  /** Why {@link persist} threw: refused by the database, which may be one record's doing, or by the app. @throws if lost */
  refusalOf(error: unknown): { readonly problem: RecordProblem; readonly isForAll: boolean };
  /** After the write; never throws for what the app did. */
  after(transaction: Transaction, chunk: HookChunk): Promise<void>;
}

/** Gives what apps say about writes. */
export interface RecordHooks {
  /** Undefined where there is nothing to ask about any of the operations: then nothing is read for it, either. */
  of(model: Model, operations: readonly WriteOperation[], setting: WriteSetting): AppHooks | undefined;
}

/** What hooks run with. */
interface RecordHooksPorts {
  readonly options: ModelOptionsMap;
  readonly transactions: HookTransactions;
  readonly logger: Logger;
}

const BEFORE = { CREATE: "beforeCreate", UPDATE: "beforeUpdate", DELETE: "beforeDelete" } as const;
const AFTER = { CREATE: "afterCreate", UPDATE: "afterUpdate", DELETE: "afterDelete" } as const;

/** What the models' options say about writes. */
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

function bindHooks(
  ports: RecordHooksPorts,
  model: Model,
  rules: WriteRules,
  setting: WriteSetting,
): AppHooks {
  const { transactions, logger } = ports;
  const contextOf = (transaction: Transaction, operation: WriteOperation): WriteContext => ({
    ...setting,
    operation,
    client: transactions.clientOf(transaction),
    onCommit: (effect) => transaction.onCommit(effect),
  });
  return {
    hasPersist: rules.persist !== undefined,
    hasAfter: (operation) => rules.hooks?.[AFTER[operation]] !== undefined,
    async check(transaction, chunk) {
      const context = contextOf(transaction, chunk.operation);
      try {
        return await transactions.undoable(transaction, async () => {
          const invalid = await validateAll(ports, model, rules, chunk, context);
          const valid = without(chunk, invalid);
          return [...invalid, ...(await askBefore(rules.hooks, valid, context))];
        });
      } catch (error) {
        const problem = problemOfThrown(ports, model, error);
        return chunk.records.map(({ id }) => ({ id, problem }));
      }
    },
    async persist(transaction, chunk) {
      const refusals = await rules.persist?.(chunk, contextOf(transaction, chunk.operation));
      return known(chunk, refusals ?? []);
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
        await transactions.undoable(transaction, async () => hook.call(rules.hooks, chunk, context));
      } catch (error) {
        faultUnlessLost(ports, model, error);
        logger.error({ err: error, model: model.name }, "a hook failed after a write, which stays");
      }
    },
  };
}

/** What a validator throws is about its record, unless the database threw it: that spoils the transaction for all. */
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
      // Only what has to be waited for: most validators answer at once, for many thousands of records.
      const problems = answer instanceof Promise ? await answer : answer;
      const [first] = problems ?? [];
      if (first !== undefined) {
        refused.push({ id, problem: problemOf(problems ?? []) });
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
  hooks: ModelHooks | undefined,
  chunk: HookChunk,
  context: WriteContext,
): Promise<readonly RefusedRecord[]> {
  const hook = hooks?.[BEFORE[chunk.operation]];
  if (hook === undefined || chunk.records.length === 0) {
    return [];
  }
  return known(chunk, (await hook.call(hooks, chunk, context)) ?? []);
}

/** @throws TypeError for a record that is not of the chunk: silence would leave one written that the app meant to keep */
function known({ records }: HookChunk, refusals: readonly AppRefusal[]): readonly RefusedRecord[] {
  const problems = new Map<string, AppProblem[]>();
  for (const { id, ...problem } of refusals) {
    problems.set(id, [...(problems.get(id) ?? []), problem]);
  }
  const refused = records.flatMap(({ id }) => {
    const own = problems.get(id);
    return own === undefined ? [] : [{ id, problem: problemOf(own) }];
  });
  if (refused.length < problems.size) {
    throw new TypeError("a hook refused a record that is not among those that it was given");
  }
  return refused;
}

/** A task records one problem for each record, so several become one. */
function problemOf(problems: readonly AppProblem[]): RecordProblem {
  const fields = [...new Set(problems.flatMap(({ field }) => (field === undefined ? [] : [field])))];
  return {
    code: "VALIDATION_FAILED",
    message: problems.map(({ message }) => message).join(" "),
    ...(fields.length === 0 ? {} : { field: fields.join(",") }),
  };
}

function without(chunk: HookChunk, refused: readonly RefusedRecord[]): HookChunk {
  const ids = new Set(refused.map(({ id }) => id));
  const isLeft = ({ id }: HookRecord): boolean => !ids.has(id);
  return ids.size === 0 ? chunk : { ...chunk, records: chunk.records.filter(isLeft) };
}

/** Thrown by mistakes in code: their words are not meant for callers. */
const MISTAKES = [TypeError, ReferenceError, RangeError, SyntaxError];

interface FaultPorts {
  readonly transactions: Pick<HookTransactions, "faultOf">;
  readonly logger: Logger;
}

/**
 * What it means for the records that code of the app threw. The message of an error of its own is for the person who
 * asked; anything else is logged, and reported as a fault.
 * @throws the error, where it is the transaction's end: the database went away, others won a race
 */
function problemOfThrown(ports: FaultPorts, model: Model, error: unknown): RecordProblem {
  const fault = faultUnlessLost(ports, model, error);
  if (fault?.kind === "REFUSED") {
    return fault.problem;
  }
  const isMistake = MISTAKES.some((kind) => error instanceof kind);
  if (fault === undefined && error instanceof Error && !isMistake) {
    return { code: "VALIDATION_FAILED", message: error.message };
  }
  ports.logger.error({ err: error, model: model.name }, "the app's code around a write failed");
  return {
    code: "INTERNAL",
    message: `The rules of ${model.name} could not be applied. The details are in the service's log.`,
  };
}

/**
 * What the error tells of the database, if anything.
 * @throws the error, where it is the transaction's end
 */
function faultUnlessLost(
  { transactions }: Pick<FaultPorts, "transactions">,
  model: Model,
  error: unknown,
): DatabaseFault | undefined {
  if (isAppError(error, "UNAVAILABLE")) {
    throw error;
  }
  const fault = transactions.faultOf(error, model);
  if (fault?.kind === "LOST") {
    throw fault.error;
  }
  return fault;
}
