import type { ModelOptionsMap } from "../../../src/index.ts";
import { ANONYMOUS } from "../../../src/index.ts";
import { untilWaiting } from "../../support/until-waiting.ts";
import type { BulkFixture } from "./bulk-fixture.ts";
import { createBulkModels } from "./bulk-models.ts";
import type { Answer } from "./models-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

/** A uuid that is Ann's alone. */
export const BADGE = "0195f8f0-0000-7000-8000-00000000000a";

const REFUSAL = `__typename ... on Error { code message } ... on ValidationError { problems { field code message } }
  ... on ConflictError { conflicts { model recordId heldBy { id } } }`;

/** People who can be named by many keys: Ann, with the id 1, and Bob. */
export interface NamedPeople {
  readonly api: BulkFixture;
  /** What the hooks of Parcel were called for. */
  readonly hooked: string[];
  /** Makes Ann and Bob anew, and deletes everything else. */
  reset(): Promise<void>;
  /** The answer of a single mutation. @param args by name, each with its type */
  write(call: string, args: Record<string, [type: string, value: unknown]>, viewer?: string): Promise<Answer>;
  upsertPerson(key: object, create: object, update: object, viewer?: string): Promise<Answer>;
  upsertParcel(code: string, create: string, update: string): Promise<Answer>;
  upsertPeople(records: readonly object[], options?: object, viewer?: string): Promise<Answer>;
  updateEach(records: readonly object[], options?: object): Promise<Answer>;
  /** `1 ann@x Ann`, in the order of the ids. */
  people(): Promise<readonly string[]>;
  /** Does the work while a transaction of another program is open, and ends that once the work waits for it. */
  meanwhile<T>(sql: string, work: () => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

export async function createNamedPeople(): Promise<NamedPeople> {
  const hooked: string[] = [];
  const note =
    (operation: string) =>
    ({ records }: { readonly records: readonly unknown[] }): void =>
      void hooked.push(...records.map(() => operation));
  const models: ModelOptionsMap = {
    Person: { access: ({ viewer: { id } }) => (id === "team 1" ? { team: { equals: 1 } } : true) },
    Parcel: { hooks: { beforeCreate: note("create"), beforeUpdate: note("update") } },
  };
  const api = await createBulkModels("named-models.prisma", { models }, "CREATE EXTENSION citext;");
  const as = (id?: string): typeof ANONYMOUS => ({ ...ANONYMOUS, id: id ?? null });
  const write: NamedPeople["write"] = async (call, args, viewer) => {
    const values = Object.fromEntries(Object.entries(args).map(([name, [, value]]) => [name, value]));
    return (await api.data(sourceOf(call, args), values, as(viewer))).it;
  };
  const lists = { errorPolicy: "SKIP_FAILED" };
  return {
    api,
    hooked,
    async reset() {
      hooked.length = 0;
      await api.query(emptying(`"Person", "Parcel", "Room", powercrud.task`, { isIdentityRestarted: true }));
      await api.query("DELETE FROM powercrud.lock");
      await api.query(
        `INSERT INTO "Person" (email, badge, born, team, slug, kind, number, name)
         VALUES ('ann@x', '${BADGE}', '2001-02-03', 1, 'ann', 'staff member', 1, 'Ann'), ('bob@x', NULL, NULL, 2, 'bob', 'GUEST', 2, 'Bob')`,
      );
    },
    write,
    upsertPerson: (key, create, update, viewer) =>
      write(
        "upsertPerson",
        {
          key: ["PersonKey", key],
          create: ["PersonUpsertCreateInput!", create],
          update: ["PersonUpsertUpdateInput!", update],
        },
        viewer,
      ),
    upsertParcel: (code, create, update) =>
      write("upsertParcel", {
        key: ["ParcelKey", { code }],
        create: ["ParcelUpsertCreateInput!", { label: create }],
        update: ["ParcelUpsertUpdateInput!", { label: update }],
      }),
    upsertPeople: (records, options, viewer) =>
      api.run(
        "bulkUpsertPeople",
        { records: ["[PersonUpsertInput!]!", records] },
        { ...lists, ...options },
        as(viewer),
      ),
    updateEach: (records, options) =>
      api.run(
        "bulkUpdateEachPeople",
        { records: ["[PersonUpdateEachInput!]!", records] },
        { ...lists, ...options },
      ),
    async people() {
      const rows = await api.query(
        `SELECT id || ' ' || email || ' ' || name AS person FROM "Person" ORDER BY id`,
      );
      return rows.map(({ person }) => person);
    },
    async meanwhile(sql, work) {
      const stranger = await api.connect();
      await stranger.query("BEGIN");
      await stranger.query(sql);
      const done = work();
      await untilWaiting(api, { kind: "transactionid" });
      await stranger.query("COMMIT");
      stranger.release();
      return done;
    },
    stop: () => api.stop(),
  };
}

const FIELDS: Readonly<Record<string, string>> = {
  Person: "id email name",
  Parcel: "id code label",
  Room: "id phone name",
};

function sourceOf(call: string, args: Record<string, [type: string, value: unknown]>): string {
  const declared = Object.entries(args).map(([name, [type]]) => `$${name}: ${type}`);
  const passed = Object.keys(args).map((name) => `${name}: $${name}`);
  const [, verb = "", model = ""] = /^(create|update|upsert|delete)(\w+)$/.exec(call) ?? [];
  const payload = `${verb.charAt(0).toUpperCase()}${verb.slice(1)}${model}Payload`;
  return `mutation (${declared.join(", ")}) { it: ${call}(${passed.join(", ")}) { ${REFUSAL}
    ... on ${payload} { ${model.toLowerCase()} { ${FIELDS[model]} } } } }`;
}

let numbers = 100;

/** Values of a new person besides the email; its other keys are its own. */
export function newcomer(name: string, more: object = {}): object {
  numbers += 1;
  return { name, team: 9, slug: `s${numbers}`, number: numbers, ...more };
}
