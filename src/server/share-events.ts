import { AsyncLocalStorage } from "node:async_hooks";
import { createHash } from "node:crypto";
import type { DocumentNode, ExecutionArgs, ExecutionResult, OperationDefinitionNode } from "graphql";
import { createSourceEventStream, getOperationAST, Kind, print, visit } from "graphql";
import type { Plugin } from "graphql-yoga";
import type { GraphQLContext } from "../graphql/builder.ts";
import type { Execute } from "../graphql/execution/planned-executor.ts";
import type { EventSharing } from "../graphql/event-sharing.ts";
import { EVENT_SHARING, NOTHING_MORE } from "../graphql/event-sharing.ts";
import { isPromise } from "../graphql/execution/execute-fields.ts";
import type { Json } from "../kernel/json.ts";
import { canonicalJson } from "../kernel/json.ts";
import type { Sink } from "../kernel/subscriber.ts";
import { Subscriber } from "../kernel/subscriber.ts";
import { sendEventStream, sendNothingMore } from "./event-stream.ts";
import type { Asker, MaskError } from "./mask-error.ts";
import { PacedJobs } from "./paced-jobs.ts";
import type { PreparedResult } from "./prepared-result.ts";
import { preparedOf, prepareResult } from "./prepared-result.ts";

/** The bytes of results that are kept. For a slow subscription, an older item is executed again. */
const MAX_BYTES = 16 * 1024 * 1024;
/** What a result takes beside its JSON, in bytes: about. */
const RESULT_BYTES = 2000;

/** A result, or a promise of it. */
type Executed = ExecutionResult | Promise<ExecutionResult>;

/** Results of items by the class of their receivers. */
class SharedResults {
  readonly #byItem = new WeakMap<object, Map<string, Executed>>();
  /** What forgets each result that is kept, with its bytes, the oldest first. */
  readonly #kept = new Map<() => void, number>();
  #bytes = 0;

  /** The result, or a promise of it; made by `run` unless it is kept. */
  get(item: object, receivers: string, run: () => Executed): Executed {
    const results = this.#byItem.get(item) ?? new Map<string, Executed>();
    const known = results.get(receivers);
    if (known !== undefined) {
      return known;
    }
    const forget = (): void => void results.delete(receivers);
    const keep = (made: ExecutionResult): void => {
      results.set(receivers, made);
      this.#keep(forget, preparedOf(made)?.json.length ?? 0);
    };
    this.#byItem.set(item, results);
    const result = run();
    if (isPromise(result)) {
      results.set(receivers, result);
      result.then(keep, forget);
    } else {
      keep(result);
    }
    return result;
  }

  #keep(forget: () => void, jsonBytes: number): void {
    // Texts of servers' events are as large again.
    this.#kept.set(forget, RESULT_BYTES + 2 * jsonBytes);
    this.#bytes += RESULT_BYTES + 2 * jsonBytes;
    for (const [forgetOldest, bytes] of this.#kept) {
      if (this.#bytes <= MAX_BYTES) {
        return;
      }
      forgetOldest();
      this.#kept.delete(forgetOldest);
      this.#bytes -= bytes;
    }
  }
}

/**
 * Executes and serialises an event once for all subscriptions with the same document, the same variables below the root
 * field, and the same viewer. Each subscription still has its own source, which decides what it may see and from where on.
 *
 * Only items that several sources hand out as the same object are shared.
 * @param execute executes an event as the operation's root value
 */
export function shareEvents(maskError: MaskError, execute: Execute): Plugin {
  const results = new SharedResults();
  const spent = new WeakSet();
  const jobs = new PacedJobs();
  return {
    onSubscribe({ setSubscribeFn }) {
      setSubscribeFn((args: ExecutionArgs) => subscribe(args, { results, spent, maskError, execute }));
    },
    onResultProcess({ request, result, resultProcessor, setResultProcessor }) {
      if (resultProcessor !== undefined && Symbol.asyncIterator in result) {
        const send = spent.has(request) ? sendNothingMore : sendEventStream(jobs);
        setResultProcessor(send as typeof resultProcessor, "text/event-stream");
      }
    },
  };
}

interface SharedParts {
  /** The requests for streams to which nothing more will come. */
  readonly spent: WeakSet<object>;
  readonly results: SharedResults;
  readonly maskError: MaskError;
  readonly execute: Execute;
}

async function subscribe(
  args: ExecutionArgs,
  parts: SharedParts,
): Promise<ExecutionResult | AsyncIterableIterator<ExecutionResult, undefined>> {
  const { request } = args.contextValue as { readonly request?: Request };
  // Its results may be for others, too, so they are read to the end when this client leaves.
  Object.assign(args.contextValue as object, { client: undefined });
  const lastEventId = request?.headers.get("last-event-id") ?? "";
  if (lastEventId !== "") {
    Object.assign(args.contextValue as object, { lastEventId } satisfies Partial<GraphQLContext>);
  }
  const source = await createSourceEventStream(args);
  if (!(Symbol.asyncIterator in source)) {
    return source;
  }
  if (source === NOTHING_MORE && request !== undefined) {
    parts.spent.add(request);
  }
  const sharing = sharingOf(args);
  const finish = (item: unknown, result: ExecutionResult): ExecutionResult => {
    const errors = result.errors?.map((error) => parts.maskError(error, args.contextValue as Asker));
    const id = isObject(item) ? sharing?.idOf?.(item) : undefined;
    return prepareResult({ ...result, ...(errors && { errors }) }, id);
  };
  const run = (item: unknown): Executed => {
    const result = parts.execute({ ...args, rootValue: item }) as Executed;
    return isPromise(result) ? result.then((made) => finish(item, made)) : finish(item, result);
  };
  const receivers = sharing && receiverClass(args);
  // What an execution knows of its surroundings is the subscription's, not that of what brings the item.
  const within = AsyncLocalStorage.snapshot();
  const resultOf = (item: unknown): Executed =>
    receivers !== undefined && isObject(item)
      ? parts.results.get(item, receivers, () => within(run, item))
      : within(run, item);
  if (source instanceof Subscriber) {
    pushes.set(args.contextValue as object, pushFrom(source, resultOf));
  }
  return mapEach(source, resultOf);
}

/** Sends each result of a subscription to the sink. Its end, and failures, still come from its iterator. */
export type Push = (sink: Sink<PreparedResult>) => void;

const pushes = new WeakMap<object, Push>();

/**
 * What pushes the results of a subscription, past the pipeline's plugins, which have nothing left to do: reading through them
 * costs some ten promises a result. Undefined for a source that can only be read.
 * @param context the subscription's
 */
export function pushOf(context: unknown): Push | undefined {
  return pushes.get(context as object);
}

function pushFrom(source: Subscriber<unknown>, resultOf: (item: unknown) => Executed): Push {
  return (sink) => {
    const send = (result: ExecutionResult): Promise<unknown> | undefined => {
      const prepared = preparedOf(result);
      return prepared && sink(prepared);
    };
    source.pushTo((item) => {
      const result = resultOf(item);
      return isPromise(result) ? result.then(send) : send(result);
    });
  };
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function sharingOf({ schema, document, operationName }: ExecutionArgs): EventSharing | undefined {
  const [selection] = getOperationAST(document, operationName)?.selectionSet.selections ?? [];
  const name = selection?.kind === Kind.FIELD ? selection.name.value : "";
  const field = schema.getSubscriptionType()?.getFields()[name];
  return field?.extensions[EVENT_SHARING] as EventSharing | undefined;
}

/** The class of the subscriptions whose results are the same for every item: document, variables and viewer. */
function receiverClass({ document, operationName, variableValues, contextValue }: ExecutionArgs): string {
  const { text, variables } = describeOperation(document, operationName);
  const given = (variableValues ?? {}) as Readonly<Record<string, Json | undefined>>;
  const used = variables.map((name) => [name, given[name] ?? null, given[name] === undefined]);
  const { viewer } = contextValue as GraphQLContext;
  const parts = [text, operationName ?? null, used, viewer] as unknown as Json;
  return createHash("sha256").update(canonicalJson(parts)).digest("base64");
}

interface DescribedOperation {
  readonly text: string;
  /** The variables that can change what is below the root field. */
  readonly variables: readonly string[];
}

/** By document: yoga keeps the parsed documents. */
const described = new WeakMap<DocumentNode, Map<string, DescribedOperation>>();

function describeOperation(
  document: DocumentNode,
  operationName: string | null | undefined,
): DescribedOperation {
  const known = described.get(document) ?? new Map<string, DescribedOperation>();
  described.set(document, known);
  const name = operationName ?? "";
  const operation = known.get(name) ?? {
    text: document.loc?.source.body ?? print(document),
    variables: variablesBelowRoot(document, operationName),
  };
  known.set(name, operation);
  return operation;
}

/** Arguments of the root field, such as `after`, decide which items come, and are no part of their results. */
function variablesBelowRoot(document: DocumentNode, operationName: string | null | undefined): string[] {
  const operation = getOperationAST(document, operationName);
  const names = new Set<string>();
  const collect = {
    Variable: ({ name }: { readonly name: { readonly value: string } }) => void names.add(name.value),
  };
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) {
      visit(definition, collect);
    }
  }
  if (operation) {
    visit(withoutRootArguments(operation), collect);
  }
  return [...names].toSorted();
}

function withoutRootArguments(operation: OperationDefinitionNode): OperationDefinitionNode {
  const { selectionSet } = operation;
  const selections = selectionSet.selections.map((selection) =>
    selection.kind === Kind.FIELD ? { ...selection, arguments: [] } : selection,
  );
  return { ...operation, variableDefinitions: [], selectionSet: { ...selectionSet, selections } };
}

/** The source's items, mapped. Leaving it leaves the source at once, even while `next` waits. */
function mapEach<Result>(
  source: AsyncIterable<unknown>,
  map: (item: unknown) => Result | Promise<Result>,
): AsyncIterableIterator<Result, undefined> {
  const items = source[Symbol.asyncIterator]();
  const end = { done: true, value: undefined } as const;
  const mapped: AsyncIterableIterator<Result, undefined> = {
    async next() {
      const step = await items.next();
      return step.done === true ? end : { done: false, value: await map(step.value) };
    },
    async return() {
      await items.return?.();
      return end;
    },
    async throw(error: unknown) {
      await items.return?.();
      throw error;
    },
    [Symbol.asyncIterator]: () => mapped,
  };
  return mapped;
}
