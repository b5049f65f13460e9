import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { buildSchema, parse, validate } from "graphql";
import { describe, expect, it } from "vitest";
import { drawExamples } from "../../../src/server/graphiql-examples.ts";

/** The engine's part of each API, cut down to what the examples use. */
const ENGINE = `
  type Query { tasks(first: Int, where: TaskWhere): TaskConnection! }
  type TaskConnection { totalCount: Int! nodes: [Task!]! pageInfo: PageInfo! }
  type PageInfo { hasNextPage: Boolean! endCursor: String }
  input TaskWhere { kinds: [String!] }
  type Task { id: ID! kind: String! status: String! isDryRun: Boolean! progress: Progress! }
  type Progress { id: ID! total: Int processed: Int! failed: Int! percent: Float }
  interface Error { code: String! message: String! }
  type LimitError implements Error { code: String! message: String! }
  type TaskLaunched { task: Task! }
  union LaunchResult = TaskLaunched | LimitError
  input BulkOptions { dryRun: Boolean maxAffected: Int }
  input StringFilter { equals: String }
  type Subscription { taskEvents(where: TaskEventWhere): TaskEvent! }
  type TaskEvent { cursor: String! type: String! task: Task! progress: Progress! }
`;

const NOTES = `
  extend type Query { notes(first: Int, where: NoteWhere): NoteConnection! }
  type NoteConnection { totalCount: Int! nodes: [Note!]! pageInfo: PageInfo! }
  type Note { text: String! id: ID! pinned(by: ID!): Boolean owner: Note }
  input NoteWhere { text: StringFilter }
`;

const UPDATE_NOTES = `
  type Mutation {
    bulkUpdateNotes(data: NoteData!, selection: NoteSelection!, options: BulkOptions): LaunchResult!
  }
  input NoteSelection { ids: [ID!] where: NoteWhere }
  input NoteData { owner: OwnerChange mood: MoodChange }
  input OwnerChange { connect: ID }
  input MoodChange { set: Mood }
  enum Mood { GOOD BAD }
  enum ModelName { Note }
  input TaskEventWhere { models: [ModelName!] }
`;

async function sdlOf(file: string): Promise<string> {
  return readFile(resolve(import.meta.dirname, "../../..", file), "utf8");
}

describe("the examples of GraphiQL", () => {
  it.each([
    ["the project's schema", () => sdlOf("schema.graphql"), 4],
    ["records without numbers", () => Promise.resolve(ENGINE + NOTES + UPDATE_NOTES), 4],
    [
      "a list that is only read",
      () => Promise.resolve(`${ENGINE}${NOTES} input TaskEventWhere { taskIds: [ID!] }`),
      2,
    ],
    ["no models", () => Promise.resolve(`${ENGINE} input TaskEventWhere { taskIds: [ID!] }`), 1],
  ])("fit %s", async (_what, sdl, count) => {
    const schema = buildSchema(await sdl());
    const examples = drawExamples(schema);
    expect(examples).toHaveLength(count);
    for (const { query } of examples) {
      expect(validate(schema, parse(query))).toEqual([]);
    }
  });

  it("are a list, a dry run and its subscription, in the words of the schema", () => {
    const [list, update, events] = drawExamples(buildSchema(ENGINE + NOTES + UPDATE_NOTES));
    expect(list?.query).toMatch(
      /query ListNotes \{\s+notes\(first: 10\) \{\s+totalCount\s+nodes \{\s+id\s+text\s+\}/,
    );
    expect(update?.query).toMatch(
      /mutation TryBulkUpdateNotes[^]*data: \{ mood: \{ set: GOOD \} \}\s+options: \{ dryRun: true/,
    );
    expect(events?.query).toContain("taskEvents(where: { models: [Note] })");
  });
});
