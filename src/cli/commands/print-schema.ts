import { printPowerCrudSchema } from "../../compose/print-schema.ts";
import type { CliContext } from "../cli-context.ts";

/** `powercrud print-schema`: prints the GraphQL schema of the project's models. */
export async function printSchema({ print, loadProject }: CliContext): Promise<void> {
  print(printPowerCrudSchema(await loadProject()).trimEnd());
}
