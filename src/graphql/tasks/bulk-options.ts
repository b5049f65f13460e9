import type { SchemaContext } from "../builder.ts";

/** Implements `BulkOptions`, with the enums that it is made of. */
export function addBulkOptions(schema: SchemaContext): void {
  const { onConflict, errorPolicy, mode } = addEnums(schema);
  schema.refs.bulkOptions.implement({
    description: "How a task is launched and carried out.",
    fields: (t) => ({
      onConflict: t.field({ type: onConflict, defaultValue: "REJECT" }),
      errorPolicy: t.field({
        type: errorPolicy,
        description: "Left out: ALL_OR_NOTHING; for a retry that of the first task.",
      }),
      mode: t.field({ type: mode, defaultValue: "AUTO" }),
      idempotencyKey: t.string({
        description:
          "The same key with the same input gives the first task again; with other input it is refused. At most 200 characters.",
      }),
      allowDuplicate: t.boolean({
        defaultValue: false,
        description:
          "Launches a task of its own even while an identical one of the caller's is not settled. Otherwise that one is the answer, with `isDuplicate`. A launch with an idempotency key is always one of its own.",
      }),
      maxAffected: t.int({
        description: "Refuse when more records match. Needed with a filter that matches everything.",
      }),
      dryRun: t.boolean({
        defaultValue: false,
        description:
          "Only tries: the task takes its records and settles with the counts and errors that it would have, and changes nothing. Bulk operations only.",
      }),
      label: t.string({ description: "Shown beside the task. At most 200 characters." }),
    }),
  });
}

function addEnums({ builder }: SchemaContext) {
  const onConflict = builder.enumType("OnConflict", {
    description: "How a launch meets records that another task holds, or stands in line for.",
    values: {
      REJECT: { description: "Refuse the whole launch, naming records and holders." },
      SKIP: {
        description:
          "Do the rest. The held records count as skipped, and stand among the task's errors with their holders.",
      },
      WAIT: {
        description:
          "Stand in line, first come, first served per record: the task is WAITING until all of its records are free.",
      },
    },
  });
  const errorPolicy = builder.enumType("ErrorPolicy", {
    description: "What happens when some records cannot be written.",
    values: {
      ALL_OR_NOTHING: {
        description:
          "When one record cannot be changed, none is. Records that are missing, out of reach or, with SKIP, held are left out beforehand, and named.",
      },
      SKIP_FAILED: {
        description: "Every record that can be changed is; the others are named with the reason.",
      },
    },
  });
  const mode = builder.enumType("RunMode", {
    description: "Where a task runs.",
    values: {
      AUTO: { description: "In the request when it is small, else in a worker." },
      SYNC: {
        description:
          "In the request; the answer has the settled task. One that has to wait in line is answered while it is WAITING, and runs in a worker.",
      },
      ASYNC: { description: "In a worker." },
    },
  });
  return { onConflict, errorPolicy, mode };
}
