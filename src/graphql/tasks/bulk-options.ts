import type { SchemaContext } from "../builder.ts";
import type { TaskParts } from "./task-parts.ts";

/** Implements `BulkOptions`, `LaunchOptions` and what they consist of. */
export function addLaunchOptions(schema: SchemaContext, status: TaskParts["status"]): void {
  const parts = { ...addEnums(schema), notify: addNotifyInput(schema, status) };
  addBulkOptions(schema, parts);
  addOwnOptions(schema, parts);
}

type Parts = ReturnType<typeof addEnums> & { readonly notify: ReturnType<typeof addNotifyInput> };

function addBulkOptions(
  { refs }: SchemaContext,
  { onConflict, errorPolicy, mode, ifUnfinished, notify }: Parts,
): void {
  refs.bulkOptions.implement({
    description: "How a bulk operation is launched and carried out.",
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
      ifUnfinished: t.field({
        type: ifUnfinished,
        defaultValue: "RETURN",
        description: "What happens if the task of the idempotency key is settled, and did not do all.",
      }),
      allowDuplicate: t.boolean({
        defaultValue: false,
        description:
          "Launches a new task even if an identical one of the caller is not settled yet. By default, that task is returned with `isDuplicate`. A launch with an idempotency key is never such a duplicate.",
      }),
      maxAffected: t.int({
        description: "Refuse when more records match. Needed with a filter that matches everything.",
      }),
      dryRun: t.boolean({
        defaultValue: false,
        description:
          "Only tries: the task locks its records, settles with the counts and errors that a real run would have, and changes nothing. Bulk operations only.",
      }),
      label: t.string({ description: "Shown beside the task. At most 200 characters." }),
      notify: t.field({
        type: [notify],
        description:
          "Whom to tell how the task ends, instead of whom the config says; an empty list for nobody. At most 20. A launch that an earlier task answers adds nobody.",
      }),
    }),
  });
}

function addNotifyInput({ builder, refs }: SchemaContext, status: TaskParts["status"]) {
  return builder.inputType("NotifyInput", {
    description: "Whom to tell how a task ends.",
    fields: (t) => ({
      channel: t.field({ type: refs.notificationChannel, required: true }),
      target: t.string({
        description:
          "EMAIL: an address. WEBHOOK: a URL, http or https. CALLBACK: the name of a function in the config. IN_APP and STATUS_PAGE: leave it out.",
      }),
      on: t.field({ type: [status], description: "The final statuses to tell of. Left out: all." }),
    }),
  });
}

function addOwnOptions({ refs }: SchemaContext, { onConflict, mode, ifUnfinished, notify }: Parts): void {
  refs.launchOptions.implement({
    description: "How a task of the app's own is launched. The members mean what those of `BulkOptions` do.",
    fields: (t) => ({
      onConflict: t.field({
        type: onConflict,
        defaultValue: "REJECT",
        description: "SKIP is for bulk operations only.",
      }),
      mode: t.field({ type: mode, defaultValue: "AUTO" }),
      idempotencyKey: t.string(),
      ifUnfinished: t.field({ type: ifUnfinished, defaultValue: "RETURN" }),
      allowDuplicate: t.boolean({ defaultValue: false }),
      dryRun: t.boolean({
        defaultValue: false,
        description: "Only tries, and changes nothing. For kinds that are `isDryRunnable`.",
      }),
      label: t.string(),
      notify: t.field({ type: [notify] }),
    }),
  });
}

function addEnums({ builder }: SchemaContext) {
  const onConflict = builder.enumType("OnConflict", {
    description: "What a launch does about records that another task holds or stands in line for.",
    values: {
      REJECT: { description: "Refuse the whole launch, naming records and holders." },
      SKIP: {
        description:
          "Change the other records. The held ones count as skipped, and are among the task's errors with their holders.",
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
          "If one record cannot be changed, none is. Records that are missing, out of scope or, with SKIP, held are left out beforehand and reported.",
      },
      SKIP_FAILED: {
        description: "Every record that can be changed is changed; the others are reported with the reason.",
      },
    },
  });
  const mode = builder.enumType("RunMode", {
    description: "Where a task runs.",
    values: {
      AUTO: { description: "In the request if it is small, else in a worker." },
      SYNC: {
        description:
          "In the request; the answer has the settled task. A task that has to wait in line is returned as WAITING, and runs in a worker.",
      },
      ASYNC: { description: "In a worker." },
    },
  });
  const ifUnfinished = builder.enumType("IfUnfinished", {
    description: "What a launch does if the task of its idempotency key is settled, and did not do all.",
    values: {
      RETURN: { description: "Return that task." },
      RETRY: {
        description:
          "Retry what is left of it, or of the newest of its retries. A cancelled task counts, too. While a retry is not settled, it is returned with `isDuplicate`.",
      },
    },
  });
  return { onConflict, errorPolicy, mode, ifUnfinished };
}
