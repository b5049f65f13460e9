import type { CallLimit } from "../../../kernel/call-limit.ts";
import { limiterOf } from "../../../kernel/call-limit.ts";
import type { DefinedTask } from "../define-task.ts";
import type {
  ContextOfStep,
  HookListeners,
  Listener,
  Listeners,
  StepContext,
  StepHooks,
  StepName,
  TaskHooks,
} from "../task-hooks.ts";
import { FINAL_STEPS } from "../task-hooks.ts";
import { checkInput } from "./check-input.ts";

/**
 * The listeners that a project's config has for every task, and in its definitions.
 * @param limit on the time of each call. Default: none
 */
export function createHookListeners(
  hooks: TaskHooks = {},
  definitions: readonly Pick<DefinedTask, "kind" | "input" | "hooks">[] = [],
  limit?: CallLimit,
): HookListeners {
  const call = limiterOf(limit, "A hook");
  const limited =
    <Context>(listener: Listener<Context>): Listener<Context> =>
    (context) =>
      call(() => listener(context));
  const own = new Map(definitions.map((definition) => [definition.kind, definition]));
  return {
    beforeCreate: listOf(hooks.beforeCreate).map((listener) => limited(listener)),
    of<Step extends StepName>(step: Step, kind: string) {
      const definition = own.get(kind);
      return [
        ...ofStep(hooks, step),
        ...(definition?.hooks === undefined ? [] : ofStep(definition.hooks, step)).map((listener) =>
          withCheckedInput(definition as DefinedTask, listener),
        ),
      ].map((listener) => limited(listener));
    },
    finalSteps: FINAL_STEPS.filter((step) => ofStep(hooks, step).length > 0),
    finalStepsOfKinds: definitions.flatMap(({ kind, hooks: its = {} }) =>
      FINAL_STEPS.filter((step) => ofStep(its, step).length > 0).map((step) => ({ kind, step })),
    ),
  };
}

function ofStep<Step extends StepName>(
  hooks: StepHooks,
  step: Step,
): readonly Listener<ContextOfStep[Step]>[] {
  return listOf(hooks[step] as Listeners<ContextOfStep[Step]> | undefined);
}

function listOf<Context>(listeners: Listeners<Context> | undefined): readonly Listener<Context>[] {
  return typeof listeners === "function" ? [listeners] : (listeners ?? []);
}

/** The listener of a definition is given the input as `run` is. */
function withCheckedInput<Context extends StepContext>(
  definition: Pick<DefinedTask, "input">,
  listener: Listener<Context>,
): Listener<Context> {
  return async (context) => {
    const checked = await checkInput(definition, context.task.input);
    if ("problems" in checked) {
      throw new TypeError(checked.problems.map(({ message }) => message).join(" "));
    }
    await listener({ ...context, input: checked.value });
  };
}
