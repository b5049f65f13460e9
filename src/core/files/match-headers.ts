import type { Model, ModelRegistry } from "../records/model.ts";
import type { Parsed, RecordProblem } from "../refusals/problems.ts";
import { problem } from "../refusals/problems.ts";
import type { FileColumn, MayRead } from "./file-column.ts";
import { columnsOfPaths, knownHeaders, nearestTo } from "./file-column.ts";

/** The most problems in one refusal: a file of another model has as many as columns. */
const MAX_PROBLEMS = 10;
/** The most headers that a wrong name in the mapping is compared with. */
const MAX_COMPARED = 1_000;

/** How a file's head is read. */
export interface HeaderOptions {
  /** Paths of columns by headers of the file that say something else; an empty path leaves the file's column out. */
  readonly mapping?: Readonly<Record<string, string>>;
  readonly mayRead: MayRead;
}

/**
 * The column of each header, in the file's order; undefined for one that the mapping leaves out. A header is a path, also
 * in another case or style: `Country Code`, `country_code`, `COUNTRYCODE`. Problems tell the headers at fault, at most ten.
 */
export function matchHeaders(
  models: ModelRegistry,
  model: Model,
  headers: readonly string[],
  { mapping = {}, mayRead }: HeaderOptions,
): Parsed<readonly (FileColumn | undefined)[]> {
  const known = knownHeaders(models, model);
  const taken = new Map<string, string>();
  const problems: RecordProblem[] = unusedMappings(mapping, headers);
  const columns = headers.map((header) => {
    const mapped = Object.hasOwn(mapping, header) ? mapping[header] : undefined;
    if (mapped === "" || problems.length >= MAX_PROBLEMS) {
      return undefined;
    }
    const path = mapped ?? pathOf(known, header.trim());
    if (typeof path !== "string") {
      problems.push(unmatched(model, known, header, path));
      return undefined;
    }
    const column = columnsOfPaths(
      models,
      model,
      [path],
      mayRead,
      mapped === undefined ? "header" : "mapping",
    );
    if ("problems" in column) {
      problems.push(...column.problems);
      return undefined;
    }
    const earlier = taken.get(path);
    if (earlier !== undefined) {
      problems.push(problem(`The headers "${earlier}" and "${header}" both mean ${path}.`, "header"));
    }
    taken.set(path, header);
    return column.value[0];
  });
  return problems.length > 0 ? { problems: problems.slice(0, MAX_PROBLEMS) } : { value: columns };
}

/** The path that the header means; otherwise the several that it could mean, or none. */
function pathOf(known: readonly string[], header: string): string | readonly string[] {
  if (known.includes(header)) {
    return header;
  }
  const isPath = header.includes(".");
  const plain = plainHeader(header, isPath);
  const alike = known.filter((name) => plainHeader(name, isPath) === plain);
  // A column of the model's own comes before one of another record: `countryCode` before `country.code`.
  const own = alike.filter((name) => !name.includes("."));
  const [only, ...others] = own.length > 0 ? own : alike;
  if (only !== undefined && others.length === 0) {
    return only;
  }
  // Not every column is listed: some are of records further away.
  return isPath && alike.length === 0 && /^\w+(?:\.\w+)+$/.test(header) ? header : alike;
}

/** Without case, blanks, and everything that is neither a letter nor a digit. @param isPath whether to keep the dots */
function plainHeader(header: string, isPath: boolean): string {
  return header.toLowerCase().replaceAll(isPath ? /[^\p{L}\p{N}.]/gu : /[^\p{L}\p{N}]/gu, "");
}

function unmatched(
  model: Model,
  known: readonly string[],
  header: string,
  alike: readonly string[],
): RecordProblem {
  const text = header.length > 60 ? `${header.slice(0, 57)}...` : header;
  const nearest = nearestTo(header.trim(), known);
  const advice =
    alike.length > 1
      ? `It could mean ${alike.join(" or ")}; say which by the mapping.`
      : nearest === undefined
        ? `Known are ${known.join(", ")}. Rename it by the mapping, or leave it out with an empty name there.`
        : `Did you mean ${nearest}? Rename it by the mapping, or leave it out with an empty name there.`;
  return problem(`The header "${text}" is no column of ${model.apiName}. ${advice}`, "header");
}

function unusedMappings(
  mapping: Readonly<Record<string, string>>,
  headers: readonly string[],
): RecordProblem[] {
  const named = headers.filter((header) => header !== "").slice(0, MAX_COMPARED);
  return Object.keys(mapping)
    .filter((header) => !headers.includes(header))
    .map((header) => {
      const nearest = nearestTo(header, named);
      const advice = nearest === undefined ? "" : ` Did you mean "${nearest}"?`;
      return problem(`mapping: the file has no header "${header}".${advice}`, "mapping");
    });
}
