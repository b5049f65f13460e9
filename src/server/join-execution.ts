import type { ExecutionResult } from "graphql";
import type { Plugin } from "graphql-yoga";

/** What a plugin does around the execution of an operation: at once, without waiting for anything. */
type AroundExecution = NonNullable<Plugin["onExecute"]>;
type Before = Parameters<AroundExecution>[0];
type AfterExecution = (payload: After) => void;

/** The part that is used of what a plugin gets after an execution. */
interface After {
  readonly args: Before["args"];
  readonly result: ExecutionResult;
  setResult(result: ExecutionResult): void;
}

/**
 * The same plugins, with one `onExecute` in the place of theirs, which do not wait for anything. The pipeline makes some ten
 * objects and functions for each of these and each operation, which costs more than most of ours do.
 * @param plugins in the order in which they are asked before an execution, and told of its result
 */
export function joinExecution(plugins: readonly Plugin[]): Plugin[] {
  const around = plugins.flatMap(({ onExecute }) => (onExecute === undefined ? [] : [onExecute]));
  const onExecute: AroundExecution = (payload) => {
    const ends = askEach(around, payload);
    return ends.length === 0 ? undefined : { onExecuteDone: (done) => tellEach(ends, done as never) };
  };
  return [{ onExecute }, ...plugins.map(({ onExecute: _joined, ...others }) => others)];
}

/** Asks one after the other, until one of them knows the result. @returns what wants to be told of the result */
function askEach(around: readonly AroundExecution[], payload: Before): readonly AfterExecution[] {
  const ends: AfterExecution[] = [];
  let isOver = false;
  const own: Before = {
    ...payload,
    setExecuteFn(execute) {
      own.executeFn = execute;
      payload.setExecuteFn(execute);
    },
    setResultAndStopExecution(result) {
      isOver = true;
      payload.setResultAndStopExecution(result);
    },
  };
  for (const ask of around) {
    const { onExecuteDone: end } = (ask(own) ?? {}) as { readonly onExecuteDone?: AfterExecution };
    if (end !== undefined) {
      ends.push(end);
    }
    if (isOver) {
      break;
    }
  }
  return ends;
}

function tellEach(ends: readonly AfterExecution[], { args, result: first, setResult }: After): void {
  let result = first;
  const replace = (next: ExecutionResult): void => {
    result = next;
    setResult(next);
  };
  for (const end of ends) {
    end({ args, result, setResult: replace });
  }
}
