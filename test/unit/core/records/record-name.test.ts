import { describe, expect, it } from "vitest";
import type { Model, ScalarType, UniqueKey } from "../../../../src/core/records/model.ts";
import {
  describeName,
  differingFields,
  namingKeys,
  parseRecordName,
  textOfName,
} from "../../../../src/core/records/record-name.ts";
import { enumeration, modelOf, scalar } from "../../../support/model-fixture.ts";

const id = scalar("id", "Int", { isKey: true, hasDefault: true });
const email = scalar("email", "String", { nativeType: "citext" });
const badge = scalar("badge", "String", { nativeType: "uuid", isNullable: true });
const born = scalar("born", "DateTime", { nativeType: "date" });
const rank = enumeration("rank", "Rank", { labels: { FIRST: "the first" }, values: ["FIRST", "SECOND"] });
const extra = scalar("extra", "Json");
const PERSON: Model = {
  ...modelOf("Person", [id, email, badge, born, rank, extra]),
  uniques: [
    { name: "email", fields: [email] },
    { name: "badge", fields: [badge] },
    { name: "born_rank", fields: [born, rank] },
    { name: "extra", fields: [extra] },
  ],
};
const ENUMS = [{ name: "Rank", values: ["FIRST", "SECOND"] }];
const UUID = "0195f8f0-0000-7000-8000-00000000000a";

const parse = (name: object): ReturnType<typeof parseRecordName> => parseRecordName(PERSON, ENUMS, name);
const parsed = (name: object): Exclude<ReturnType<typeof parse>, { problems: unknown }>["value"] => {
  const result = parse(name);
  if ("problems" in result) {
    throw new Error(result.problems[0]?.message);
  }
  return result.value;
};

describe("the name of a record", () => {
  it("can be of every unique key that the database can look up", () => {
    expect(namingKeys(PERSON).map(({ name }) => name)).toEqual(["email", "badge", "born_rank"]);
    const seat = modelOf("Seat", [
      scalar("row", "Int", { isKey: true }),
      scalar("letter", "String", { isKey: true }),
    ]);
    expect(namingKeys(seat).map(({ name }) => name)).toEqual(["row_letter"]);
    expect(parseRecordName(seat, [], { key: { row_letter: { row: 7, letter: "A" } } })).toEqual({
      value: { kind: "ID", id: Buffer.from('["7","A"]').toString("base64url") },
    });
  });

  it("cannot be of a key with a field that callers may not ask for", () => {
    const hidden = { ...badge, switches: { isExposed: false } };
    const unasked = { ...email, switches: { isFilterable: false } };
    const uniques = [
      { name: "badge", fields: [hidden] },
      { name: "email_born", fields: [unasked, born] },
      { name: "born", fields: [born] },
    ];
    const person = { ...PERSON, uniques };
    expect(namingKeys(person).map(({ name }) => name)).toEqual(["born"]);
    const refused = parseRecordName(person, ENUMS, { key: { badge: UUID } });
    expect("problems" in refused && refused.problems[0]?.message).toBe(
      "Person has no key badge. It has id, born.",
    );
  });

  it("cannot be of a key whose values cannot be compared exactly", () => {
    const keyOf = (name: string, type: ScalarType, nativeType?: string): UniqueKey => ({
      name,
      fields: [scalar(name, type, nativeType === undefined ? {} : { nativeType })],
    });
    const uniques = [
      keyOf("usual", "DateTime"),
      keyOf("precise", "DateTime", "timestamp(3) with time zone"),
      keyOf("day", "DateTime", "date"),
      keyOf("finer", "DateTime", "timestamp(6) with time zone"),
      keyOf("finest", "DateTime", "timestamp without time zone"),
      keyOf("coarse", "DateTime", "timestamp(0) without time zone"),
      keyOf("zoned", "DateTime", "time(3) with time zone"),
      keyOf("ratio", "Float"),
      keyOf("price", "Decimal", "numeric(10,2)"),
      keyOf("address", "String", "inet"),
      {
        name: "email_at",
        fields: [email, scalar("at", "DateTime", { nativeType: "timestamp(6) with time zone" })],
      },
    ];
    const names = namingKeys({ ...PERSON, uniques }).map(({ name }) => name);
    expect(names).toEqual(["usual", "precise", "day", "price", "address"]);
  });

  it("has the API's names of the key and its fields, and so do its problems", () => {
    const word = scalar("AND", "String", { apiName: "AND_" });
    const tenant = scalar("tenant", "Int");
    const part: Model = {
      ...modelOf("Part", [scalar("id", "Int", { apiName: "id_", isKey: true }), { ...tenant, isKey: true }]),
      uniques: [{ name: "tenant_AND", fields: [tenant, word] }],
    };
    expect(parseRecordName(part, [], { key: { tenant_AND_: { tenant: 2, AND_: "x" } } })).toMatchObject({
      value: { values: { tenant: 2, AND: "x" }, texts: ["2", "x"] },
    });
    expect(parseRecordName(part, [], { key: { id__tenant: { id_: 1, tenant: 2 } } })).toEqual({
      value: { kind: "ID", id: Buffer.from('["1","2"]').toString("base64url") },
    });
    const refused = parseRecordName(part, [], { key: { tenant_AND_: { tenant: 2 } } });
    expect("problems" in refused && refused.problems).toMatchObject([{ field: "key.tenant_AND_.AND_" }]);
  });

  it("has one text in every spelling", () => {
    expect(textOfName(parsed({ id: "007" }))).toBe("7");
    expect(textOfName(parsed({ key: { id: "007" } }))).toBe("7");
    expect(textOfName(parsed({ key: { badge: UUID.toUpperCase() } }))).toBe(`{"badge":"${UUID}"}`);
    const compound = { born_rank: { born: "2026-01-31T17:00:00Z", rank: "FIRST" } };
    expect(parsed({ key: compound })).toMatchObject({
      text: '{"born_rank":{"born":"2026-01-31T00:00:00.000Z","rank":"FIRST"}}',
      texts: ["2026-01-31T00:00:00.000Z", "the first"],
    });
  });

  it("is put into words", () => {
    expect(describeName(parsed({ id: "7" }))).toBe("7");
    expect(describeName(parsed({ key: { email: "a@b" } }))).toBe('with email "a@b"');
  });

  it.each([
    [{}, "id"],
    [{ id: "7", key: { email: "a" } }, "key"],
    [{ key: {} }, "key"],
    [{ key: { email: "a", badge: UUID } }, "key"],
    [{ key: { extra: 1 } }, "key.extra"],
    [{ key: { badge: null } }, "key.badge"],
    [{ key: { email: 7 } }, "key.email"],
    [{ key: { badge: "x" } }, "key.badge"],
    [{ key: { id: "x" } }, "key.id"],
    [{ key: { born_rank: { born: "2026-01-31T00:00:00Z" } } }, "key.born_rank.rank"],
    [{ key: { born_rank: { born: "2026-01-31T00:00:00Z", rank: "LAST" } } }, "key.born_rank.rank"],
    [{ key: { born_rank: "x" } }, "key.born_rank.born"],
  ])("is refused for %j", (name, field) => {
    const result = parse(name);
    expect("problems" in result && result.problems[0]?.field).toBe(field);
  });

  it("differs from data as the database compares", () => {
    const name = parsed({ key: { email: "Ann@x" } });
    expect(name.kind === "KEY" && differingFields(name, { email: "ann@X" })).toEqual([]);
    expect(name.kind === "KEY" && differingFields(name, { email: "bob@x" })).toEqual(["email"]);
    expect(name.kind === "KEY" && differingFields(name, { email: null })).toEqual(["email"]);
    expect(name.kind === "KEY" && differingFields(name, {})).toEqual([]);
  });
});
