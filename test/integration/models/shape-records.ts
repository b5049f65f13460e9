import type { Answer } from "./models-fixture.ts";

/** A model that is served whole, with values for its records. */
export interface Whole {
  readonly model: string;
  readonly one: string;
  readonly many: string;
  /** Two new records. */
  readonly records: readonly [Answer, Answer];
  /** What a change sets, and the fields that show it. */
  readonly change?: Answer;
  readonly idOf: (record: Answer) => string;
  /** Puts records into the table where the API cannot create them. */
  readonly insert?: string;
}

const opaque = (...parts: readonly unknown[]): string =>
  Buffer.from(JSON.stringify(parts.map(String))).toString("base64url");

export const WHOLE: readonly Whole[] = [
  {
    model: "VerificationToken",
    one: "verificationToken",
    many: "verificationTokens",
    records: [
      { identifier: "a", token: "t1", expires: "2026-01-01T00:00:00.000Z", uses: 0 },
      { identifier: "a", token: "t2", expires: "2026-01-01T00:00:00.000Z", uses: 0 },
    ],
    change: { uses: 5 },
    idOf: ({ token }) => token,
  },
  {
    model: "Membership",
    one: "membership",
    many: "memberships",
    records: [
      { teamId: 1, seatNo: 1, role: "guest", note: null },
      { teamId: 1, seatNo: 2, role: "guest", note: "n" },
    ],
    change: { role: "host" },
    idOf: ({ teamId, seatNo }) => opaque(teamId, seatNo),
  },
  {
    model: "Branch",
    one: "branch",
    many: "branches",
    records: [
      { slug: "a", title: "r", parentSlug: null },
      { slug: "b", title: "l", parentSlug: "a" },
    ],
    change: { title: "new" },
    idOf: ({ slug }) => slug,
  },
  {
    model: "Doc",
    one: "doc",
    many: "docs",
    records: [
      { id__: 7, projectId: 1, title: "a", id_: "own" },
      { id__: 7, projectId: 2, title: "b", id_: "own" },
    ],
    change: { title: "new", id_: "other" },
    idOf: ({ id__, projectId }) => opaque(id__, projectId),
  },
  {
    model: "DocNote",
    one: "docNote",
    many: "docNotes",
    records: [
      { pk: 1, id_: "x", text: "a" },
      { pk: 2, id_: "y", text: "b" },
    ],
    change: { text: "new" },
    idOf: ({ pk }) => String(pk),
  },
  {
    model: "Account",
    one: "account",
    many: "accounts",
    records: [
      { number: "1.5", email: "a@b", name: "a" },
      { number: "2.5", email: "c@d", name: "b" },
    ],
    change: { name: "new" },
    idOf: ({ email }) => email,
  },
  {
    model: "Airport",
    one: "airport",
    many: "airports",
    records: [
      { code: "AB  ", name: "a" },
      { code: "ABCD", name: "b" },
    ],
    change: { name: "new" },
    idOf: ({ code }) => code.trimEnd(),
  },
  {
    model: "Shed",
    one: "shed",
    many: "sheds",
    records: [{ name: "a" }, { name: "b" }].map((data, at) => ({ ...data, id: at + 1 })) as [Answer, Answer],
    change: { name: "new" },
    idOf: ({ id }) => String(id),
  },
  {
    model: "Tick",
    one: "tick",
    many: "ticks",
    records: [{ id: 1 }, { id: 2 }],
    idOf: ({ id }) => String(id),
  },
  {
    model: "Pair",
    one: "pair",
    many: "pairs",
    records: [
      { aId: 1, bId: 2 },
      { aId: 1, bId: 3 },
    ],
    idOf: ({ aId, bId }) => opaque(aId, bId),
  },
  {
    model: "Place",
    one: "place",
    many: "places",
    records: [
      { id: 1, name: "a" },
      { id: 2, name: "b" },
    ],
    change: { name: "new" },
    idOf: ({ id }) => String(id),
    insert: `INSERT INTO "Place" (name, spot) VALUES ('a', '(1,1)'), ('b', '(1,1)')`,
  },
  {
    model: "Den",
    one: "den",
    many: "dens",
    records: [
      { id: 1, name: "a" },
      { id: 2, name: "b" },
    ],
    change: { name: "new" },
    idOf: ({ id }) => String(id),
    insert: `INSERT INTO "Den" (id, name, secret) VALUES (1, 'a', 's'), (2, 'b', 's')`,
  },
];
