import { generated } from "../../../src/generated/powercrud.ts";
import { defineTask } from "../../../src/index.ts";

/** Fails in its first attempt. Each attempt leaves a tag. */
export const flaky = defineTask({
  kind: "flaky",
  generated,
  claims: () => [{ model: "Tag", ids: "all" }],
  retries: { max: 1, delayMs: 1500 },
  async run({ attempt, prisma }) {
    await prisma.tag.create({ data: { label: `attempt ${attempt}` } });
    if (attempt === 1) {
      throw new Error("not yet");
    }
    return { attempt };
  },
});
