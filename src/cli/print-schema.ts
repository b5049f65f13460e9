import { powerCrudApp } from "../app/powercrud-app.ts";
import { printPowerCrudSchema } from "../compose/print-schema.ts";
import type { CliContext } from "./cli-context.ts";

/** `powercrud print-schema`: the GraphQL schema that the app's models make. */
export function printSchema({ print }: CliContext): void {
  print(printPowerCrudSchema(powerCrudApp).trimEnd());
}
