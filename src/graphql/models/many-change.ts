import type { ModelSchema } from "./model-schema.ts";
import type { AnyInputRef } from "./pothos-dynamic.ts";

/** `ManyChange`. */
export function manyChange(schema: ModelSchema): AnyInputRef {
  return schema.input("ManyChange", {
    description:
      "A change of a record's links: `set` replaces them all and goes alone; `add` and `remove` may go together, each with other ids.",
    fields: (t) => ({
      add: t.field({ type: ["ID"], description: "Ids to link with; those that are linked already stay so." }),
      remove: t.field({
        type: ["ID"],
        description: "Ids to unlink; those that are not linked are no error.",
      }),
      set: t.field({ type: ["ID"], description: "The only ids to be linked with from now on." }),
    }),
  });
}
