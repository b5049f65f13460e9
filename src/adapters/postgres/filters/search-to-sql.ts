import type { SearchTerm, TextSearch } from "../../../core/records/text-search.ts";
import { readSearchTerms } from "../../../core/records/text-search.ts";
import { requiredColumn } from "../sql/bulk-target.ts";
import type { TableShape } from "../records/table-shape.ts";
import type { TextTools } from "../records/text-tools.ts";
import type { Statement } from "./column-to-sql.ts";

/**
 * How similar a word of the record is at least to one of the search, by pg_trgm's strict word similarity. One wrong letter
 * in five gives a third; by the extension's own default, 0.5, it takes one in eight.
 */
const SIMILARITY = "0.33";
/** Shorter words must be there as they are: nearly everything is near to them. */
const MIN_NEAR_LETTERS = 4;
/** Longer texts are not searched to their end: PostgreSQL refuses to write a record whose word list is over 1 MB. */
const MAX_CHARACTERS = 200_000;

/** Letters that Unicode does not take apart. */
const LETTERS = { ß: "ss", æ: "ae", œ: "oe", ø: "o", ł: "l", đ: "d" };
/** Accents, as they stand alone when letters are taken apart. */
const ACCENTS = String.raw`[\u0300-\u036f]+`;
/** Everything between words, also in e-mail addresses and paths. */
const GAPS = String.raw`[\s!-/:-@\[-\`{-~\u00a0-\u00bf\u2010-\u2027\u3000-\u3002]+`;
const ASCII_GAPS = String.raw`[\s!-/:-@\[-\`{-~]+`;
const ASCII = String.raw`^[\x01-\x7f]*$`;

/** The words of a text, without accents, in small letters, with one blank between them. */
function wordsOf(text: string, { isUnicode }: TextTools): string {
  const split = (sql: string, gaps: string): string => `btrim(regexp_replace(${sql}, '${gaps}', ' ', 'g'))`;
  const letters = Object.entries(LETTERS).reduce(
    (sql, [letter, plain]) => `replace(${sql}, '${letter}', '${plain}')`,
    `lower(regexp_replace(normalize(${text}, NFKD), '${ACCENTS}', '', 'g'))`,
  );
  const whole = isUnicode ? split(letters, GAPS) : split(`lower(${text})`, ASCII_GAPS);
  // Most texts are ASCII only, which takes a third of the time.
  const ascii = split(`lower(${text})`, "[^a-z0-9]+");
  return `left(CASE WHEN ${text} ~ '${ASCII}' THEN ${ascii} ELSE ${whole} END, ${MAX_CHARACTERS})`;
}

/** The expressions of a record that are searched. Each must be the same, letter by letter, as in the index that serves it. */
interface SearchExpressions {
  /** The words of all fields, one field after the other: what pg_trgm compares. */
  readonly text: string;
  /** The same as a tsvector. */
  readonly words: string;
  /** The words of the first field. */
  readonly first: string;
}

/** @param alias the table's name in the statement; undefined in an index */
function searchExpressions(
  table: TableShape,
  fields: readonly string[],
  tools: TextTools,
  alias?: string,
): SearchExpressions {
  const prefix = alias === undefined ? "" : `${alias}.`;
  const columns = fields.map((name) => {
    const column = `${prefix}${requiredColumn(table, name).name}`;
    // Columns may have collations that differ, or that cannot compare parts of texts.
    return `coalesce(${column}::text COLLATE "default", '')`;
  });
  const all = columns.length === 1 ? (columns[0] ?? "") : `(${columns.join(" || ' ' || ")})`;
  const text = wordsOf(all, tools);
  return {
    text,
    words: `to_tsvector(${configurationOf(table)}, ${text})`,
    first: wordsOf(columns[0] ?? "''", tools),
  };
}

function configurationOf({ model }: TableShape): string {
  return `'${model.search?.configuration ?? "simple"}'::regconfig`;
}

/** Where a search stands in a statement. */
interface SearchPlace {
  readonly table: TableShape;
  readonly alias: string;
  readonly tools: TextTools;
  readonly statement: Statement;
}

/** The records of the model that count, by the name of its table: JOINs and a condition. */
export type SearchWithin = (alias: string) => { readonly joins: string; readonly condition: string };

/**
 * The condition that a record matches: it has all words, the last one as the beginning of a word, and phrases, minus and
 * `or` as in a search engine. With pg_trgm, where no record has them, those match whose words come near; not in a search
 * with such signs.
 */
export function searchToSql(search: TextSearch, place: SearchPlace, within: SearchWithin): string {
  const { table, alias, tools, statement } = place;
  if (search.fields.length === 0) {
    return "FALSE";
  }
  const { text, words } = searchExpressions(table, search.fields, tools, alias);
  const { alternatives, isPlain } = readSearchTerms(search.text);
  const query = once(queryOf(alternatives, place));
  const exact = `${words} @@ ${query}`;
  const terms = alternatives[0] ?? [];
  if (!isPlain || tools.trigrams === undefined || !terms.some((term) => isNearable(term, tools))) {
    return exact;
  }
  const near = terms.map((term, at) => {
    const has = `${words} @@ ${once(termQuery(term, at === terms.length - 1, place))}`;
    return isNearable(term, tools) ? `(${has} OR ${nearSql(text, term.text, place)})` : has;
  });
  const other = statement.alias();
  const others = searchExpressions(table, search.fields, tools, other);
  const { joins, condition } = within(other);
  const isAny = `EXISTS (SELECT FROM ${table.table} ${other}${joins} WHERE ${others.words} @@ ${query} AND ${condition})`;
  return `(${exact} OR (${once(`NOT ${isAny}`)} AND ${near.join(" AND ")}))`;
}

function isNearable({ text }: SearchTerm, { hasWideTrigrams }: TextTools): boolean {
  const letters = text.normalize("NFKD").match(hasWideTrigrams ? /[\p{L}\p{N}]/gu : /[a-z0-9]/gi) ?? [];
  return letters.length >= MIN_NEAR_LETTERS;
}

/** The limit of the operator is a setting; it is set for this statement when the word is first needed, which is before it is compared. */
function nearSql(text: string, word: string, { tools, statement }: SearchPlace): string {
  const limit = `set_config('pg_trgm.strict_word_similarity_threshold', '${SIMILARITY}', true) IS NOT NULL`;
  const given = wordsOf(`${statement.parameter(word)}::text`, tools);
  return `${text} OPERATOR(${tools.trigrams}.%>>) (SELECT ${given} WHERE ${limit})`;
}

/** Computed once for the statement, also where the plan is made without the parameters. */
function once(sql: string): string {
  return `(SELECT ${sql})`;
}

function queryOf(alternatives: readonly (readonly SearchTerm[])[], place: SearchPlace): string {
  const last = alternatives.at(-1)?.at(-1);
  const queries = alternatives.map((terms) =>
    terms.map((term) => termQuery(term, term === last, place)).join(" && "),
  );
  return queries.length === 0 ? "NULL::tsquery" : queries.map((query) => `(${query})`).join(" || ");
}

/** @param isLast whether the caller may still be typing the word */
function termQuery(term: SearchTerm, isLast: boolean, { table, tools, statement }: SearchPlace): string {
  const given = wordsOf(`${statement.parameter(term.text)}::text`, tools);
  const query = `phraseto_tsquery(${configurationOf(table)}, ${given})`;
  if (term.isNegated) {
    return `(!! ${query})`;
  }
  return isLast && !term.isPhrase
    ? `coalesce((nullif(${query}::text, '') || ':*')::tsquery, ${query})`
    : query;
}

/**
 * How well a record matches, as a whole number: 4000 where the first field is the text, 3000 where it begins with it, 2000
 * where it has all words, 1000 where the fields together have them, 0 where they only come near. Up to 999 are added for the
 * similarity, where the database has pg_trgm.
 * @returns a subquery for LATERAL, with the column `relevance`
 */
export function relevanceSql(search: TextSearch, place: SearchPlace): string {
  const { table, alias, tools, statement } = place;
  const { text, words, first } = searchExpressions(table, search.fields, tools, alias);
  const { alternatives } = readSearchTerms(search.text);
  const wanted = alternatives.flat().filter(({ isNegated }) => !isNegated);
  const given = statement.parameter(wanted.map((term) => term.text).join(" "));
  const plain = once(wordsOf(`${given}::text`, tools));
  const query = once(queryOf(alternatives, place));
  const similarity = (of: string): string =>
    tools.trigrams === undefined ? "" : ` + (999 * ${tools.trigrams}.${of})::integer`;
  const toFirst = similarity(`similarity(f.words, ${plain})`);
  const ways = [
    `WHEN f.words = ${plain} THEN 4999`,
    `WHEN starts_with(f.words, ${plain}) THEN 3000${toFirst}`,
    // The words of a single field are those of all.
    ...(search.fields.length === 1
      ? []
      : [`WHEN to_tsvector(${configurationOf(table)}, f.words) @@ ${query} THEN 2000${toFirst}`]),
    `WHEN ${words} @@ ${query} THEN 1000${toFirst}`,
    `ELSE 0${similarity(`strict_word_similarity(${plain}, ${text})`)}`,
  ];
  return `SELECT CASE ${ways.join(" ")} END AS relevance FROM (SELECT ${first} AS words OFFSET 0) AS f OFFSET 0`;
}

/** An index that a model's searches use. */
interface SearchIndex {
  /** What it finds: words, or words that come near. */
  readonly kind: "words" | "near";
  /** What stands behind the table's name. */
  readonly definition: string;
  /** A condition that only such an index serves. */
  readonly probe: string;
}

/** The indexes that serve the searches of a model: of words, and, with pg_trgm, of what comes near to them. */
export function searchIndexes(table: TableShape, tools: TextTools): readonly SearchIndex[] {
  const { search, isView } = table.model;
  if (search === undefined || isView) {
    return [];
  }
  const { text, words } = searchExpressions(table, search.fields, tools);
  const { trigrams } = tools;
  return [
    { kind: "words", definition: `USING gin ((${words}))`, probe: `${words} @@ 'a'::tsquery` },
    ...(trigrams === undefined
      ? []
      : [
          {
            kind: "near" as const,
            definition: `USING gin ((${text}) ${trigrams}.gin_trgm_ops)`,
            probe: `${text} OPERATOR(${trigrams}.%>>) 'abcd'`,
          },
        ]),
  ];
}
