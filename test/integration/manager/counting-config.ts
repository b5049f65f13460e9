import demo from "../../../powercrud.config.ts";
import { defineConfig, defineTask } from "../../../src/index.ts";
import { z } from "zod";

/** Counts to a number, in the process that runs it. */
export const count = defineTask({
  kind: "count",
  input: z.int().min(1),
  async run({ input, progress }) {
    progress.total(input);
    progress.add(input);
    return { counted: input, pid: process.pid };
  },
});

export const config = defineConfig({ ...demo, tasks: [count] });
