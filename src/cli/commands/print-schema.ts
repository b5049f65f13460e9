import { printPossibleTypes, printPowerCrudSchema } from "../../compose/print-schema.ts";
import type { CliContext } from "../cli-context.ts";

/** The options of the command. */
export interface PrintSchemaOptions {
  readonly possibleTypes?: boolean;
}

/** `powercrud print-schema`: prints the GraphQL schema of the project's models, or the types of its unions and interfaces. */
export async function printSchema(
  { print, loadProject }: CliContext,
  { possibleTypes = false }: PrintSchemaOptions,
): Promise<void> {
  const config = await loadProject();
  print((possibleTypes ? printPossibleTypes(config) : printPowerCrudSchema(config)).trimEnd());
}
