import type { SqlSession } from "../../../kernel/sql-session.ts";
import { quoteName } from "../../../kernel/sql-session.ts";
import { isReadable } from "../../../core/records/field-switches.ts";
import type { Model, RelationField } from "../../../core/records/model.ts";
import { relationsOf } from "../../../core/records/model.ts";
import type { FilterPorts } from "../filters/filter-to-sql.ts";
import { linkOf } from "../filters/filter-to-sql.ts";
import { searchIndexes } from "../filters/search-to-sql.ts";

/** An index that lists or searches would use, and that the database lacks. */
export interface IndexProposal {
  /** What it is for, as one line. */
  readonly reason: string;
  /** The statements that make it, without semicolons. */
  readonly sql: readonly string[];
}

interface ProposalPorts extends FilterPorts {
  /** One connection, since a transaction is opened on it. */
  readonly session: SqlSession;
}

/** An index that may be missing. */
interface Candidate {
  readonly model: Model;
  readonly reason: string;
  readonly name: string;
  /** What stands behind the table's name. */
  readonly definition: string;
}

/**
 * The indexes that the database lacks: those of the configured searches, and for each list of related records one that
 * begins with the foreign key and goes on with the list's default order, unless some index begins with the foreign key.
 * Changes nothing.
 */
export async function proposeIndexes(ports: ProposalPorts): Promise<readonly IndexProposal[]> {
  const lists = (await Promise.all(ports.models.all().map((model) => listCandidates(ports, model)))).flat();
  const byName = new Map(
    lists.map((candidate) => [`${candidate.model.schema}.${candidate.name}`, candidate]),
  );
  const candidates = [...byName.values(), ...(await searchCandidates(ports))];
  const proposals: IndexProposal[] = [];
  for (const candidate of candidates) {
    proposals.push({ reason: candidate.reason, sql: await statementsOf(ports, candidate) });
  }
  return proposals;
}

/** The indexes of the model's lists of related records: on the tables that have the foreign keys. */
async function listCandidates(ports: ProposalPorts, near: Model): Promise<readonly Candidate[]> {
  const found = relationsOf(near)
    .filter((field) => field.isList && isReadable(field))
    .map((field) => listCandidate(ports, near, field));
  return (await Promise.all(found)).filter((candidate) => candidate !== undefined);
}

async function listCandidate(
  { models, shapes }: ProposalPorts,
  near: Model,
  field: RelationField,
): Promise<Candidate | undefined> {
  const model = models.get(field.type);
  const [nearShape, far] = await Promise.all([shapes.of(near), shapes.of(model)]);
  const { farColumns, joinTable } = linkOf(models, nearShape, field, far);
  const leads = (index: readonly string[]): boolean =>
    farColumns.every((column) => index.slice(0, farColumns.length).includes(column));
  if (joinTable !== undefined || model.isView || far.indexes.some(leads)) {
    return undefined;
  }
  const all = [...far.columns.values()];
  const owned = farColumns.flatMap((name) => all.find((column) => column.name === name) ?? []);
  const columns = [...owned, ...far.key.filter((column) => !farColumns.includes(column.name))];
  const fields = columns.map((column) => column.field.name).join(", ");
  return {
    model,
    reason: `${near.name}.${field.name}; or @@index([${fields}]) in the model ${model.name}`,
    name: indexName(model, `${columns.map((column) => column.field.column).join("_")}_idx`),
    definition: `(${columns.map(({ name }) => name).join(", ")})`,
  };
}

/** The indexes of searches that no plan would use. */
async function searchCandidates(ports: ProposalPorts): Promise<readonly Candidate[]> {
  const searched = ports.models.all().filter(({ search }) => search !== undefined);
  if (searched.length === 0) {
    return [];
  }
  const tools = await ports.shapes.textTools();
  const candidates: Candidate[] = [];
  for (const model of searched) {
    const shape = await ports.shapes.of(model);
    for (const { kind, definition, probe } of searchIndexes(shape, tools)) {
      if (!(await isServed(ports.session, shape.table, probe))) {
        const reason = `search in ${model.name}: ${kind === "words" ? "words" : "words with a wrong letter"}`;
        candidates.push({ model, reason, name: indexName(model, `search_${kind}_idx`), definition });
      }
    }
  }
  return candidates;
}

/** Whether an index serves the condition: the planner is asked, since it decides in the end. */
async function isServed(session: SqlSession, table: string, condition: string): Promise<boolean> {
  await session.query("BEGIN READ ONLY");
  try {
    await session.query("SET LOCAL enable_seqscan = off");
    await session.query("SET LOCAL enable_bitmapscan = on");
    const plan = await session.query<unknown>(
      `EXPLAIN (FORMAT JSON) SELECT FROM ${table} WHERE ${condition}`,
    );
    return JSON.stringify(plan).includes('"Index Cond"');
  } finally {
    await session.query("ROLLBACK");
  }
}

interface CatalogFacts {
  /** Whether something else has the index's name. */
  readonly isTaken: boolean;
  readonly isPartitioned: boolean;
}

const FACTS = `
SELECT to_regclass($1) IS NOT NULL AS "isTaken",
       EXISTS (SELECT FROM pg_class WHERE oid = to_regclass($2) AND relkind = 'p') AS "isPartitioned"`;

async function statementsOf(
  { session, shapes }: ProposalPorts,
  { model, name, definition }: Candidate,
): Promise<readonly string[]> {
  const { table } = await shapes.of(model);
  const index = `${quoteName(model.schema)}.${quoteName(name)}`;
  const [facts] = await session.query<CatalogFacts>(FACTS, [index, table]);
  // An index of a table with partitions cannot be made or dropped without a lock.
  const how = facts?.isPartitioned === true ? "INDEX" : "INDEX CONCURRENTLY";
  return [
    // Of an earlier search, or left invalid.
    ...(facts?.isTaken === true ? [`DROP ${how} ${index}`] : []),
    `CREATE ${how} ${quoteName(name)} ON ${table} ${definition}`,
  ];
}

/** A name as Prisma gives it: the table's is cut where both are longer than PostgreSQL's 63 bytes. */
function indexName({ table }: Model, suffix: string): string {
  const cut = Buffer.from(suffix)
    .subarray(0, 61)
    .toString()
    .replace(/\uFFFD+$/, "");
  const room = 62 - Buffer.byteLength(cut);
  const short = Buffer.from(table)
    .subarray(0, room)
    .toString()
    .replace(/\uFFFD+$/, "");
  return `${short}_${cut}`;
}
