import type { Model } from "../../core/records/model.ts";
import type { TypedId } from "../../core/records/typed-id.ts";
import { parseAnyTypedId } from "../../core/records/typed-id.ts";
import type { TaskSight } from "../../core/tasks/task-sight.ts";
import { ALL_SEEN } from "../../core/tasks/task-sight.ts";
import { AppError } from "../../kernel/app-error.ts";
import type { NodeRef } from "../builder.ts";
import { findSeen, taskIdOf } from "../tasks/find-task.ts";
import type { ModelPorts, ModelSchema } from "./model-schema.ts";
import type { PlanRoot } from "./plan-selection.ts";
import { readRecords } from "./read-record.ts";

/** The most ids of one query. */
const MAX_IDS = 1000;

/** The types of records and tasks that were read as nodes. */
const typeNames = new WeakMap<object, string>();

/** Implements `Node`, and adds the queries `node` and `nodes`. */
export function addNodeFields({ builder, ports, sight = ALL_SEEN }: ModelSchema, node: NodeRef): void {
  const seeing = { ...ports, sight };
  node.implement({
    description: "What has an id that nothing else has: a record, or a task.",
    resolveType: (value) => typeNames.get(value),
    fields: (t) => ({
      // Each type has its own; an interface's resolver is never called.
      id: t.id({ resolve: () => "" }),
    }),
  });
  builder.queryFields((t) => ({
    node: t.field({
      type: node,
      nullable: true,
      description: "The record or the task with this id; null if there is none that the caller may see.",
      args: { id: t.arg.id({ required: true }) },
      resolve: async (_root, { id }, context, info) =>
        (await readNodes(seeing, { context, info }, [parseNode(ports, id, "id")]))[0] ?? null,
    }),
    nodes: t.field({
      type: [node],
      nullable: { list: false, items: true },
      description: `The records and tasks with these ids, in their order; null in the place of each that is not there, or that the caller may not see. At most ${MAX_IDS} ids.`,
      args: { ids: t.arg.idList({ required: true }) },
      resolve: (_root, { ids }, context, info) => {
        refuseMany(ids);
        return readNodes(
          seeing,
          { context, info },
          ids.map((id) => parseNode(ports, id, "ids")),
        );
      },
    }),
  }));
}

/** A task's id, or a record's. */
type NodeId = { readonly task: string } | TypedId;

/** @throws AppError VALIDATION_FAILED */
function parseNode({ models }: ModelPorts, text: string, field: string): NodeId {
  const task = taskIdOf(text);
  if (task !== undefined) {
    return { task };
  }
  const parsed = parseAnyTypedId(models, text);
  if ("value" in parsed) {
    return parsed.value;
  }
  throw new AppError("VALIDATION_FAILED", parsed.problems[0]?.message ?? "", { details: { field } });
}

/** @throws AppError VALIDATION_FAILED */
function refuseMany(ids: readonly string[]): void {
  if (ids.length > MAX_IDS) {
    throw new AppError(
      "VALIDATION_FAILED",
      `ids can name at most ${MAX_IDS} records and tasks, not ${ids.length}. Ask for them in parts.`,
      { details: { field: "ids", max: MAX_IDS } },
    );
  }
}

/** One look-up per model, and one for all tasks. */
async function readNodes(
  ports: ModelPorts & { readonly sight: TaskSight },
  root: PlanRoot,
  asked: readonly NodeId[],
): Promise<readonly (object | null)[]> {
  const idsByModel = new Map<Model, Set<string>>();
  const taskIds = new Set<string>();
  for (const each of asked) {
    if ("task" in each) {
      taskIds.add(each.task);
    } else {
      idsByModel.set(each.model, (idsByModel.get(each.model) ?? new Set()).add(each.id));
    }
  }
  const [tasks, ...read] = await Promise.all([
    taskIds.size === 0 ? new Map<string, object>() : findSeen(ports, root.context.viewer, [...taskIds]),
    ...[...idsByModel].map(
      async ([model, ids]) => [model, await readRecords(ports, model, [...ids], root)] as const,
    ),
  ]);
  const records = new Map(read);
  return asked.map((each) => {
    const [typeName, node] =
      "task" in each
        ? ["Task", tasks.get(each.task)]
        : [each.model.apiName, records.get(each.model)?.get(each.id)];
    if (node !== undefined) {
      typeNames.set(node, typeName);
    }
    return node ?? null;
  });
}
