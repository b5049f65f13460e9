import { printIntrospection, printPossibleTypes, printPowerCrudSchema } from "../../compose/print-schema.ts";
import type { CliContext } from "../cli-context.ts";

/** The options of the command. */
export interface PrintSchemaOptions {
  readonly possibleTypes?: boolean;
  readonly introspection?: boolean;
}

/** `powercrud print-schema`: prints the GraphQL schema of the project's models, or what clients' caches need of it. */
export async function printSchema(
  { print, loadProject }: CliContext,
  { possibleTypes = false, introspection = false }: PrintSchemaOptions,
): Promise<void> {
  const config = await loadProject();
  const printed = possibleTypes
    ? printPossibleTypes(config)
    : introspection
      ? printIntrospection(config)
      : printPowerCrudSchema(config);
  print(printed.trimEnd());
}
