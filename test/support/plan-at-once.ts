/**
 * Makes the services of the tests execute every document by its plan from the first time on: most tests send each only once,
 * and their expectations should hold for both ways.
 */
import { vi } from "vitest";
import type * as PlannedExecutor from "../../src/graphql/execution/planned-executor.ts";

vi.mock("../../src/graphql/execution/planned-executor.ts", async (importOriginal) => {
  const { createPlannedExecutor } = await importOriginal<typeof PlannedExecutor>();
  return {
    createPlannedExecutor(
      interpret: PlannedExecutor.Execute,
      limits?: PlannedExecutor.PlanLimits,
    ): PlannedExecutor.Execute {
      let isFirst = false;
      const execute = createPlannedExecutor((args) => (isFirst ? undefined : interpret(args)), limits);
      const seen = new WeakSet<object>();
      return (args) => {
        if (!seen.has(args.document)) {
          seen.add(args.document);
          isFirst = true;
          void execute(args);
          isFirst = false;
        }
        return execute(args);
      };
    },
  };
});
