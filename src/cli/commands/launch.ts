import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";

import type { GraphQLField } from "graphql";
import { graphql } from "graphql";

import type { PowerCrud } from "../../compose/create-powercrud.ts";
import type { PowerCrudConfig } from "../../compose/define-config.ts";
import type { Json, JsonObject } from "../../kernel/json.ts";
import { nearestName } from "../../kernel/nearest-name.ts";
import type { CliContext } from "../cli-context.ts";
import { answerLaunch } from "../answer-task.ts";
import type { AnswerOptions, LaunchOutcome } from "../answer-task.ts";
import { parseJson, parseViewer, UsageError } from "../usage.ts";
import { withClient } from "../with-client.ts";

/** The options of `powercrud launch`. */
export interface LaunchCommandOptions extends AnswerOptions {
  /** JSON, `@` and a file with it, or `-` for standard input. Default: `{}` if the task takes input. */
  readonly input?: string;
  readonly dryRun?: boolean;
  readonly label?: string;
  readonly idempotencyKey?: string;
  readonly ifUnfinished?: "RETURN" | "RETRY";
  readonly allowDuplicate?: boolean;
  /** Stands in line for records that are held. */
  readonly wait?: boolean;
  /** JSON of a viewer. Default: an anonymous one. */
  readonly viewer?: string;
}

/** `powercrud launch`: launches one of the project's own tasks or a bulk operation, and follows it if asked to. */
export async function launch(
  context: CliContext,
  kind: string,
  options: LaunchCommandOptions,
): Promise<void> {
  const { tasks = [] } = await context.loadProject();
  const definition = tasks.find((task) => task.kind === kind);
  if (definition === undefined && !kind.startsWith("bulk")) {
    throw unknownKind(kind, tasks);
  }
  if (options.preview === true && options.dryRun !== true) {
    throw new UsageError("--preview shows what a dry run would change; add --dry-run.");
  }
  const hasInput = definition === undefined || definition.input !== undefined;
  const input = await readInput(options.input ?? (hasInput ? "{}" : "null"));
  const viewer = parseViewer(options.viewer);
  const { dryRun, label, idempotencyKey, ifUnfinished, allowDuplicate } = options;
  const given = { dryRun, label, idempotencyKey, ifUnfinished, allowDuplicate };
  const launchOptions = {
    ...viewer,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    ...(options.wait === true ? { onConflict: "WAIT" as const } : {}),
  };
  await withClient(context, async (powercrud) => {
    const outcome =
      definition === undefined
        ? await launchBulk(powercrud, kind, input, launchOptions)
        : await powercrud.tasks.launch(kind, input, launchOptions);
    // No command runs inside a task.
    await answerLaunch(context, powercrud, outcome as LaunchOutcome, options);
  });
}

/** Sends the bulk mutation to the project's schema, so that it is checked and refused as over HTTP. */
async function launchBulk(
  { schema, tasks }: PowerCrud,
  name: string,
  input: Json,
  { viewer = { id: null }, ...options }: ReturnType<typeof parseViewer>,
): Promise<LaunchOutcome> {
  const field = bulkMutation(schema, name);
  const given: Record<string, unknown> = { ...(input as JsonObject), options };
  checkArguments(field, given);
  const declared = field.args.map((argument) => `$${argument.name}: ${String(argument.type)}`);
  const passed = field.args.map((argument) => `${argument.name}: $${argument.name}`);
  const source = `mutation (${declared.join(", ")}) { outcome: ${name}(${passed.join(", ")}) { __typename
    ... on TaskLaunched { isDuplicate task { id } } ... on Error { message } ... on ValidationError { problems { message } } } }`;
  const { data, errors } = await graphql({ schema, source, variableValues: given, contextValue: { viewer } });
  const [error] = errors ?? [];
  if (error !== undefined) {
    // What has no path was found in the input.
    throw error.path === undefined
      ? new UsageError(`--input: ${error.message}`)
      : (error.originalError ?? error);
  }
  const outcome = data?.["outcome"] as MutationOutcome;
  const { __typename: kind, task, ...rest } = outcome;
  const launched = task && (await tasks.get(task.id));
  const known = launched === undefined ? { kind } : { kind: "LAUNCHED", task: launched };
  return { ...rest, ...known } as LaunchOutcome;
}

interface MutationOutcome {
  readonly __typename: string;
  readonly task?: { readonly id: string };
}

type Mutation = GraphQLField<unknown, unknown>;

function bulkMutation(schema: PowerCrud["schema"], name: string): Mutation {
  const mutations = schema.getMutationType()?.getFields() ?? {};
  const field = mutations[name];
  if (field === undefined) {
    const nearest = nearestName(name, Object.keys(mutations));
    const hint = nearest === undefined ? "" : `; did you mean ${nearest}?`;
    throw new UsageError(`there is no mutation ${name}${hint}`);
  }
  return field;
}

function checkArguments({ name, args }: Mutation, given: object): void {
  const names = args.map((argument) => argument.name);
  const unknown = Object.keys(given).find((member) => !names.includes(member));
  if (unknown !== undefined) {
    const known = names.filter((member) => member !== "options").join(" and ");
    throw new UsageError(`--input: ${name} takes ${known}, not "${unknown}".`);
  }
}

function unknownKind(kind: string, tasks: NonNullable<PowerCrudConfig["tasks"]>): UsageError {
  const kinds = tasks.map((task) => task.kind);
  const nearest = nearestName(kind, kinds);
  const known = kinds.length === 0 ? "it has none." : `it has ${kinds.join(", ")}.`;
  return new UsageError(
    `the project has no task of the kind "${kind}"; ${nearest === undefined ? known : `did you mean ${nearest}?`}`,
  );
}

async function readInput(given: string): Promise<Json> {
  return parseJson("--input", await textOf(given));
}

async function textOf(given: string): Promise<string> {
  if (given === "-") {
    return text(process.stdin);
  }
  if (!given.startsWith("@")) {
    return given;
  }
  const file = given.slice(1);
  return readFile(file, "utf8").catch((error: unknown) => {
    throw new UsageError(
      `--input: ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  });
}
