import { randomUUID } from "node:crypto";
import cuid from "@bugsnag/cuid";
import { createId as createCuid2 } from "@paralleldrive/cuid2";
import { nanoid } from "nanoid";
import { ulid } from "ulid";
import { createId } from "../../kernel/ids.ts";
import type { Json } from "../../kernel/json.ts";
import type { ColumnField } from "../../core/records/model.ts";

/** Makes a value. @param argument the number in the call's brackets, if any */
type Generate = (argument: number | undefined) => Json;

/** The default functions that Prisma's client runs, with the same libraries as Prisma uses. */
const GENERATORS: Readonly<Record<string, Generate>> = {
  uuid: (version = 4) => (version === 7 ? createId(new Date()) : randomUUID()),
  cuid: (version = 1) => (version === 2 ? createCuid2() : cuid()),
  ulid: () => ulid(),
  nanoid: (length) => nanoid(length),
};

/** `uuid()`, `uuid(7)`, `uuid(version:7)` */
const CALL = /^(\w+)\((?:\w+:)?(\d*)\)$/;

/** Whether Prisma's client makes this default, so that the database does not have it. */
export function isMadeByPrisma(call: string): boolean {
  const [, name = ""] = CALL.exec(call) ?? [];
  return Object.hasOwn(GENERATORS, name);
}

/** Makes default values as Prisma's client would; undefined if Prisma's client does not make this field's default. */
export function defaultGeneratorOf({ generator }: ColumnField): (() => Json) | undefined {
  const [, name = "", argument = ""] = CALL.exec(generator ?? "") ?? [];
  const generate = Object.hasOwn(GENERATORS, name) ? GENERATORS[name] : undefined;
  return generate && (() => generate(argument === "" ? undefined : Number(argument)));
}
