import type { Viewer } from "../../core/access/viewer.ts";
import type { LaunchOptions } from "../../core/tasks/launch-options.ts";
import type { LaunchOutcome } from "../../core/tasks/launch/launch-outcome.ts";
import type { Json } from "../../kernel/json.ts";
import type { BuilderTypes, SchemaContext } from "../builder.ts";
import { givenMembers } from "../models/model-schema.ts";
import type { AnyInputRef, InputFields } from "../models/pothos-dynamic.ts";
import { recordInput } from "../models/pothos-dynamic.ts";
import type { LaunchableTask } from "./launchable-task.ts";
import type { InputPlan, InputType, InputValue } from "./plan-input.ts";

/** The use case behind the mutations. */
export type LaunchOwnTask = (launch: {
  readonly kind: string;
  readonly input: Json;
  readonly viewer: Viewer;
  readonly options: LaunchOptions;
}) => Promise<LaunchOutcome>;

/** Adds the mutation that launches a task of the app's own: `launchRebuildStatistics`. */
export function addLaunchField(schema: SchemaContext, task: LaunchableTask, launch: LaunchOwnTask): void {
  const { builder, refs, names } = schema;
  const { kind, description, input } = task;
  const named = names.task(kind);
  const types = input.kind === "NONE" ? new Map() : addInputTypes(schema, named.base, task.kind, input.plan);
  builder.mutationField(named.launch, (t) =>
    t.field({
      type: refs.launchResult,
      description: description ?? `Launches a task of the kind \`${kind}\`.`,
      args: {
        ...(input.kind === "NONE" ? {} : { input: t.arg(fieldOptions(t.arg, types, input.plan.root)) }),
        options: t.arg({ type: refs.launchOptions }),
      },
      resolve: (_root, { input: given = null, options }: LaunchArgs, { viewer }) =>
        launch({
          kind,
          input: input.kind === "NONE" ? input.value : (given as Json),
          viewer,
          options: givenMembers(options ?? {}) as LaunchOptions,
        }),
    }),
  );
}

interface LaunchArgs {
  readonly input?: unknown;
  readonly options?: object | null | undefined;
}

/** The named types of one task's input, by suffix. */
type InputTypes = ReadonlyMap<string, AnyInputRef | PothosSchemaTypes.EnumRef<BuilderTypes, string>>;

function addInputTypes(
  { builder }: SchemaContext,
  base: string,
  kind: string,
  { types }: InputPlan,
): InputTypes {
  const refs = new Map<string, AnyInputRef | PothosSchemaTypes.EnumRef<BuilderTypes, string>>();
  const inputs: (() => void)[] = [];
  for (const named of types) {
    const name = `${base}${named.suffix}`;
    const description =
      named.description === "" ? `A part of the input of tasks of kind ${kind}.` : named.description;
    if (named.kind === "ENUM") {
      const words = named.valueDescriptions ?? [];
      const values = Object.fromEntries(
        named.values.map((value, at) => [value, { value, ...(words[at] && { description: words[at] }) }]),
      );
      refs.set(named.suffix, builder.enumType(name, { description, values }));
    } else {
      const members = Object.entries(named.members);
      const { ref, implement } = recordInput(builder, name, {
        description,
        fields: (t): InputFields =>
          Object.fromEntries(
            members.map(([member, value]) => [member, t.field(fieldOptions(t, refs, value))]),
          ),
      });
      refs.set(named.suffix, ref);
      inputs.push(implement);
    }
  }
  // Only now, since they refer to each other.
  inputs.forEach((implement) => implement());
  return refs;
}

/** Makes types of lists. */
interface ListMaker {
  listRef(item: never, options: { readonly required: boolean }): unknown;
}

/** A value as Pothos takes it; the types are known only at start, so there is nothing to infer. */
function fieldOptions(t: ListMaker, types: InputTypes, value: InputValue): { readonly type: "JSON" } {
  const { type, isNullable, description, defaultValue } = value;
  const options = {
    type: typeRef(t, types, type) as "JSON",
    required: !isNullable,
    ...(description === "" ? {} : { description }),
    ...(defaultValue === undefined ? {} : { defaultValue }),
  };
  return options;
}

function typeRef(t: ListMaker, types: InputTypes, type: InputType): unknown {
  switch (type.kind) {
    case "SCALAR":
      return type.name;
    case "LIST":
      return t.listRef(typeRef(t, types, type.item) as never, { required: !type.isItemNullable });
    case "ENUM":
    case "OBJECT":
      return types.get(type.suffix);
  }
}
