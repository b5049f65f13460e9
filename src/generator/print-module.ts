import type { SchemaDescription } from "../adapters/prisma/schema-description.ts";
import { fieldNamesOf } from "../adapters/prisma/schema-description.ts";

/**
 * The module that a project's `powercrud.config.ts` imports: the schema as data, the client, and its types. The same schema
 * gives the same text.
 * @param clientModule how the module imports the project's Prisma client: `./prisma/client.ts`
 */
export function printModule(schema: SchemaDescription, clientModule: string): string {
  const client = JSON.stringify(clientModule);
  return `// Made by \`prisma generate\` (generator "powercrud") from the Prisma schema. Changes are lost at its next run.
/* eslint-disable */
import { PrismaClient } from ${client};
import type * as Client from ${client};

/** What the types of a config are made of. */
export interface GeneratedTypes {
  /** Prisma's client inside a transaction. */
  readonly client: Client.Prisma.TransactionClient;
  readonly models: {
${modelTypes(schema)}
  };
  readonly enums: {
${enumTypes(schema)}
  };
}

const schema: object = ${printSchema(schema)};

/** For the member \`generated\` of defineConfig. */
export const generated: {
  readonly schema: object;
  readonly createClient: (options: Client.Prisma.PrismaClientOptions) => PrismaClient;
  /** Exists for the types only. */
  readonly types?: GeneratedTypes;
} = { schema, createClient: (options) => new PrismaClient(options) };
`;
}

/** A line for each model: its records, and the names of its fields. */
function modelTypes({ models }: SchemaDescription): string {
  return Object.keys(models)
    .map((name) => {
      const members = Object.entries(fieldNamesOf(models, name)).map(
        ([member, names]) => `readonly ${member}: ${unionOf(names)}`,
      );
      return `    readonly ${name}: { ${[`readonly record: Client.${name}`, ...members].join("; ")} };`;
    })
    .join("\n");
}

/** A line for each enum: its values. */
function enumTypes({ enums }: SchemaDescription): string {
  return Object.entries(enums)
    .map(([name, { values }]) => `    readonly ${name}: ${unionOf(values.map((value) => value.name))};`)
    .join("\n");
}

function unionOf(names: readonly string[]): string {
  return names.map((name) => JSON.stringify(name)).join(" | ") || "never";
}

/** JSON with a line for each field and each enum, so that a change of the schema is a small change of the module. */
function printSchema({ relationMode, models, enums }: SchemaDescription): string {
  return block({
    relationMode: JSON.stringify(relationMode),
    models: block(
      Object.fromEntries(
        Object.entries(models).map(([name, { fields, ...model }]) => [
          name,
          block(
            {
              ...Object.fromEntries(
                Object.entries(model).map(([member, value]) => [member, JSON.stringify(value)]),
              ),
              fields: `[\n${fields.map((field) => `        ${JSON.stringify(field)},`).join("\n")}\n      ]`,
            },
            2,
          ),
        ]),
      ),
      1,
    ),
    enums: block(
      Object.fromEntries(Object.entries(enums).map(([name, found]) => [name, JSON.stringify(found)])),
      1,
    ),
  });
}

/** An object literal; `members` have their values as text. */
function block(members: Readonly<Record<string, string>>, depth = 0): string {
  const indent = "  ".repeat(depth + 1);
  const lines = Object.entries(members).map(([name, text]) => `${indent}${JSON.stringify(name)}: ${text},\n`);
  return lines.length === 0 ? "{}" : `{\n${lines.join("")}${"  ".repeat(depth)}}`;
}
