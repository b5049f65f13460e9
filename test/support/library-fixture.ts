import type { Model, ModelRegistry } from "../../src/core/records/model.ts";
import { createModelRegistry } from "../../src/core/records/model.ts";
import type { SqlSession } from "../../src/kernel/sql-session.ts";
import { modelOf, scalar } from "./model-fixture.ts";
import { emptying } from "./empty-tables.ts";

/** Tables with referential actions: deleting a shelf deletes its books and their pages. */
export const LIBRARY_TABLES = `
CREATE TABLE room (id integer PRIMARY KEY, note text);
CREATE TABLE shelf (id integer PRIMARY KEY, code text UNIQUE, note text, room_id integer REFERENCES room);
CREATE TABLE book (
  id       integer PRIMARY KEY,
  shelf_id integer REFERENCES shelf ON DELETE CASCADE,
  note     text
);
CREATE TABLE page (id integer PRIMARY KEY, book_id integer REFERENCES book ON DELETE CASCADE, note text);
CREATE TABLE loan (id integer PRIMARY KEY, book_id integer REFERENCES book ON DELETE SET NULL, note text);
CREATE TABLE ticket (id integer PRIMARY KEY, shelf_code text REFERENCES shelf (code) ON UPDATE CASCADE, note text);
CREATE TABLE folder (id integer PRIMARY KEY, parent_id integer REFERENCES folder ON DELETE CASCADE, note text);
CREATE TABLE topic (id uuid PRIMARY KEY, note text);
CREATE TABLE "_BookToTopic" (
  "A" integer NOT NULL REFERENCES book ON DELETE CASCADE,
  "B" uuid NOT NULL REFERENCES topic ON DELETE CASCADE,
  PRIMARY KEY ("A", "B")
);
-- Not a model, but stamp, which refers to it, is one.
CREATE TABLE seal (id integer PRIMARY KEY, shelf_id integer REFERENCES shelf ON DELETE CASCADE);
CREATE TABLE stamp (id integer PRIMARY KEY, seal_id integer REFERENCES seal ON DELETE SET NULL, note text);`;

export const LIBRARY_MODELS: ModelRegistry = createModelRegistry(
  [
    tableModel("Room"),
    tableModel("Shelf", ["code", "String"], ["room_id", "Int"]),
    tableModel("Book", ["shelf_id", "Int"]),
    tableModel("Page", ["book_id", "Int"]),
    tableModel("Loan", ["book_id", "Int"]),
    tableModel("Ticket", ["shelf_code", "String"]),
    tableModel("Folder", ["parent_id", "Int"]),
    tableModel("Stamp", ["seal_id", "Int"]),
    modelOf("Topic", [scalar("id", "String", { isKey: true, nativeType: "uuid" }), scalar("note", "String")]),
  ],
  [],
);

function tableModel(name: string, ...columns: readonly (readonly [string, "Int" | "String"])[]): Model {
  return modelOf(name, [
    scalar("id", "Int", { isKey: true }),
    scalar("note", "String", { isNullable: true }),
    ...columns.map(([column, type]) =>
      scalar(
        column.replace(/_(.)/, (_, letter: string) => letter.toUpperCase()),
        type,
        {
          column,
          isNullable: true,
        },
      ),
    ),
  ]);
}

export const RED = "0195f8f0-0000-7000-8000-000000000001";
const BLUE = "0195f8f0-0000-7000-8000-000000000002";

/**
 * Shelf n (1 to 3) has the books n0 and n1, book m the pages m0 and m1, and loan m; ticket 3 keeps shelf 3 from
 * being deleted; folder 2 is in 1, 3 in 2;
 * books 10 and 20 are about RED, 21 is about BLUE.
 */
export async function fillLibrary(session: SqlSession): Promise<void> {
  const statements = [
    emptying(
      "room, shelf, book, page, loan, ticket, folder, topic, seal, stamp, powercrud.task, powercrud.lock",
    ),
    "INSERT INTO room SELECT n FROM generate_series(1, 3) n",
    "INSERT INTO shelf (id, code, room_id) SELECT n, 'code ' || n, n FROM generate_series(1, 3) n",
    "INSERT INTO book SELECT n * 10 + k, n FROM generate_series(1, 3) n, generate_series(0, 1) k",
    "INSERT INTO page SELECT id * 10 + k, id FROM book, generate_series(0, 1) k",
    "INSERT INTO loan SELECT id, id FROM book",
    "INSERT INTO ticket SELECT id, code FROM shelf WHERE id = 3",
    "INSERT INTO folder VALUES (1, NULL), (2, 1), (3, 2), (4, NULL)",
    `INSERT INTO topic VALUES ('${RED}', 'red'), ('${BLUE}', 'blue')`,
    `INSERT INTO "_BookToTopic" VALUES (10, '${RED}'), (20, '${RED}'), (21, '${BLUE}')`,
    "INSERT INTO seal SELECT id, id FROM shelf",
    "INSERT INTO stamp SELECT id, id FROM seal",
  ];
  for (const statement of statements) {
    await session.query(statement);
  }
}
