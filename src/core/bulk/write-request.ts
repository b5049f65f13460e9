import type { ColumnField, Model } from "../records/model.ts";
import type { ParsedName, RecordName } from "../records/record-name.ts";
import { parseRecordName } from "../records/record-name.ts";
import { operationProblems } from "../records/serve-model.ts";
import type { Viewer } from "../access/viewer.ts";
import type { Parsed, RecordProblem } from "../refusals/problems.ts";
import type { RecordBatch } from "../tasks/record-batch.ts";
import type { RowData, RowPaths, RowsTarget, UpdateRow } from "./bulk-request.ts";
import { checkExpected, checkOneRow } from "./check-rows.ts";
import type { EncodePorts } from "./encode-rows.ts";
import { encodeOneRow } from "./encode-rows.ts";
import type { FindPorts, RowRecord } from "./find-rows.ts";
import { findRows } from "./find-rows.ts";
import type { Links } from "./linked-records.ts";
import { linksOfTarget } from "./linked-records.ts";
import type { NestedInput } from "./nested-write.ts";
import { namesRecords } from "./nested-write.ts";

/** The state in which the caller last saw the record. */
export interface ExpectedState {
  /** The value of its `@updatedAt` column in ISO 8601; compared to the millisecond. Null is refused. */
  readonly updatedAt: string | null;
  /**
   * Reads the record as it is now, for a refusal; its `@updatedAt` column at least. Null if the viewer may not see it.
   */
  readonly readCurrent: () => Promise<Readonly<Record<string, unknown>> | null>;
}

/** A single write. */
export type WriteRequest = { readonly model: string; readonly viewer: Viewer } & (
  | {
      readonly operation: "CREATE";
      readonly data: RowData;
      /** Records to write with it. Default: none. */
      readonly nested?: NestedInput | undefined;
      /** The columns of the record to answer with, if the write can return them; see WriteOutcome. Default: none. */
      readonly returning?: readonly ColumnField[] | undefined;
    }
  | (RecordName & {
      readonly operation: "UPDATE";
      /** May be empty if there are nested records. */
      readonly data: RowData;
      /** Records to write with it. Default: none. */
      readonly nested?: NestedInput | undefined;
      /** The columns of the record to answer with, if the write can return them; see WriteOutcome. Default: none. */
      readonly returning?: readonly ColumnField[] | undefined;
      /** Default: any state. */
      readonly expected?: ExpectedState | undefined;
    })
  | (RecordName & {
      readonly operation: "UPSERT";
      /** The values to create it. Those that name it may be left out; otherwise they must agree with its name. */
      readonly create: RowData;
      /** The values to update it; may be empty. */
      readonly update: RowData;
    })
  | (RecordName & { readonly operation: "DELETE"; readonly expected?: ExpectedState | undefined })
);

/** A checked request: a batch of one record, and the records that it links or unlinks. */
export interface ParsedRequest {
  readonly batch: RecordBatch;
  readonly links: readonly Links[];
  /** The record's name; undefined for a new record. */
  readonly name?: ParsedName;
  /** True if the record is named by a key, and there is none that the viewer may see. */
  readonly isAbsent: boolean;
}

/** Checks a request and turns it into a batch of one, as a bulk write does with its list. */
export async function parseWrite(
  ports: EncodePorts & FindPorts,
  model: Model,
  request: WriteRequest,
): Promise<Parsed<ParsedRequest>> {
  const impossible = operationProblems(model, request.operation);
  if (impossible.length > 0) {
    return { problems: impossible };
  }
  const target = asRows(request);
  const paths = request.operation === "UPSERT" ? HALVES : TOP;
  const name = nameIn(ports, model, request);
  const problems =
    request.operation === "DELETE" || isOnlyNested(request)
      ? checkNamed(model, request, name)
      : checkOneRow(ports.models, model, target, paths, { known: name });
  if (problems.length > 0) {
    return { problems };
  }
  const records = recordsById(name) ?? (await findRows(ports, request.viewer, model, target, () => paths));
  const batch = "problems" in records ? records : await encodeOneRow(ports, model, target, records.value);
  if ("problems" in records || "problems" in batch) {
    return batch as Extract<typeof batch, { problems: unknown }>;
  }
  const [record] = records.value;
  return {
    value: {
      batch: batch.value,
      links: linksOfTarget(ports.models, model, target, () => paths),
      ...(record === undefined ? {} : { name: record.name }),
      isAbsent: record !== undefined && record.id === undefined,
    },
  };
}

/** How the request names its record; undefined for a new one. */
function nameIn(
  { models }: EncodePorts,
  model: Model,
  request: WriteRequest,
): Parsed<ParsedName> | undefined {
  return request.operation === "CREATE" ? undefined : parseRecordName(model, models.enums(), request);
}

/** The record that is named by its id, which needs no look-up; undefined for another one. */
function recordsById(name: Parsed<ParsedName> | undefined): { value: readonly RowRecord[] } | undefined {
  return name !== undefined && "value" in name && name.value.kind === "ID"
    ? { value: [{ name: name.value, id: name.value.id }] }
    : undefined;
}

const TOP: RowPaths = { record: "", create: "", update: "" };
const HALVES: RowPaths = { record: "", create: "create", update: "update" };

/** A delete is encoded like an update that names no field. */
function asRows(request: WriteRequest): RowsTarget {
  switch (request.operation) {
    case "CREATE":
      return { operation: "CREATE", records: [request.data] };
    case "UPDATE":
      return {
        operation: "UPDATE_EACH",
        records: [{ ...nameOf(request), data: request.data, ...expectationOf(request) }],
      };
    case "DELETE":
      return {
        operation: "UPDATE_EACH",
        records: [{ ...nameOf(request), data: {}, ...expectationOf(request) }],
      };
    case "UPSERT": {
      const { create, update } = request;
      return { operation: "UPSERT", records: [{ ...nameOf(request), create, update }] };
    }
  }
}

function nameOf({ id, key }: RecordName): RecordName {
  return { id, key };
}

function expectationOf({
  expected,
}: {
  readonly expected?: ExpectedState | undefined;
}): Pick<UpdateRow, "expectedUpdatedAt"> {
  return expected === undefined ? {} : { expectedUpdatedAt: expected.updatedAt };
}

/** An update that changes nothing of the record itself: it is checked and locked like any other. */
function isOnlyNested(
  request: WriteRequest,
): request is Extract<WriteRequest, { readonly operation: "UPDATE" }> {
  return (
    request.operation === "UPDATE" &&
    Object.keys(request.data).length === 0 &&
    namesRecords(request.nested ?? {})
  );
}

/** The checks of a write that names no field. */
function checkNamed(
  model: Model,
  request: Extract<WriteRequest, { operation: "DELETE" | "UPDATE" }>,
  name: Parsed<ParsedName> | undefined,
): readonly RecordProblem[] {
  const problems = name !== undefined && "problems" in name ? name.problems : [];
  return [...problems, ...checkExpected(model, expectationOf(request), "")];
}
