import { randomUUID } from "node:crypto";
import cuid from "@bugsnag/cuid";
import { createId as createCuid2 } from "@paralleldrive/cuid2";
import { nanoid } from "nanoid";
import { ulid } from "ulid";
import { createId } from "../../kernel/ids.ts";
import type { Json } from "../../kernel/json.ts";
import type { ColumnField } from "../../core/records/model.ts";

/** Makes a value; what stands between the brackets of the schema's call, if anything does. */
type Generate = (argument: number | undefined) => Json;

/** The functions whose values Prisma's client makes, by the libraries that it uses itself. */
const GENERATORS: Readonly<Record<string, Generate>> = {
  uuid: (version = 4) => (version === 7 ? createId(new Date()) : randomUUID()),
  cuid: (version = 1) => (version === 2 ? createCuid2() : cuid()),
  ulid: () => ulid(),
  nanoid: (length) => nanoid(length),
};

/** `uuid()`, `uuid(7)`, `uuid(version:7)` */
const CALL = /^(\w+)\((?:\w+:)?(\d*)\)$/;

/** Whether the default is one that Prisma's client makes and the database knows nothing of. */
export function isMadeByPrisma(call: string): boolean {
  const [, name = ""] = CALL.exec(call) ?? [];
  return Object.hasOwn(GENERATORS, name);
}

/** Makes values as Prisma's client would; undefined where the default is not one of Prisma's own. */
export function defaultGeneratorOf({ generator }: ColumnField): (() => Json) | undefined {
  const [, name = "", argument = ""] = CALL.exec(generator ?? "") ?? [];
  const generate = Object.hasOwn(GENERATORS, name) ? GENERATORS[name] : undefined;
  return generate && (() => generate(argument === "" ? undefined : Number(argument)));
}
