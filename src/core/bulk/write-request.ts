import type { Model } from "../records/model.ts";
import { operationProblems } from "../records/serve-model.ts";
import { parseRecordId } from "../records/record-key.ts";
import type { Viewer } from "../access/viewer.ts";
import type { Parsed } from "../refusals/problems.ts";
import type { RecordBatch } from "../tasks/record-batch.ts";
import type { RowData, RowPaths, RowsTarget } from "./bulk-request.ts";
import { checkExpected, checkOneRow } from "./check-rows.ts";
import type { EncodePorts } from "./encode-rows.ts";
import { encodeOneRow } from "./encode-rows.ts";
import type { Links } from "./linked-records.ts";
import { linksOfTarget } from "./linked-records.ts";
import { EXPECTED_FIELD } from "./row-field.ts";

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
  | { readonly operation: "CREATE"; readonly data: RowData }
  | {
      readonly operation: "UPDATE";
      readonly id: string;
      readonly data: RowData;
      /** Default: any state. */
      readonly expected?: ExpectedState | undefined;
    }
  | {
      readonly operation: "UPSERT";
      readonly id: string;
      /** The values to create it. Key fields may be left out; otherwise they must agree with `id`. */
      readonly create: RowData;
      /** The values to update it; may be empty. */
      readonly update: RowData;
    }
  | { readonly operation: "DELETE"; readonly id: string; readonly expected?: ExpectedState | undefined }
);

/** A checked request: a batch of one record, and the records that it links or unlinks. */
export interface ParsedRequest {
  readonly batch: RecordBatch;
  readonly links: readonly Links[];
}

/** Checks a request and turns it into a batch of one, as a bulk write does with its list. */
export async function parseWrite(
  ports: EncodePorts,
  model: Model,
  request: WriteRequest,
): Promise<Parsed<ParsedRequest>> {
  const impossible = operationProblems(model, request.operation);
  if (impossible.length > 0) {
    return { problems: impossible };
  }
  if (request.operation === "DELETE") {
    return parseDelete(model, request);
  }
  const target = asRows(request);
  const paths = request.operation === "UPSERT" ? HALVES : TOP;
  const problems = checkOneRow(ports.models, model, target, paths);
  if (problems.length > 0) {
    return { problems };
  }
  const batch = await encodeOneRow(ports, model, target);
  return "problems" in batch
    ? batch
    : { value: { batch: batch.value, links: linksOfTarget(ports.models, model, target, () => paths) } };
}

const TOP: RowPaths = { record: "", create: "", update: "" };
const HALVES: RowPaths = { record: "", create: "create", update: "update" };

function asRows(request: Exclude<WriteRequest, { operation: "DELETE" }>): RowsTarget {
  switch (request.operation) {
    case "CREATE":
      return { operation: "CREATE", records: [request.data] };
    case "UPDATE": {
      const { id, data, expected } = request;
      const expectation = expected === undefined ? {} : { expectedUpdatedAt: expected.updatedAt };
      return { operation: "UPDATE_EACH", records: [{ id, data, ...expectation }] };
    }
    case "UPSERT": {
      const { id, create, update } = request;
      return { operation: "UPSERT", records: [{ id, create, update }] };
    }
  }
}

function parseDelete(
  model: Model,
  { id, expected }: Extract<WriteRequest, { operation: "DELETE" }>,
): Parsed<ParsedRequest> {
  const parsed = parseRecordId(model, id);
  const expectation = expected === undefined ? {} : { expectedUpdatedAt: expected.updatedAt };
  const problems = [
    ...("problems" in parsed ? parsed.problems : []),
    ...checkExpected(model, expectation, ""),
  ];
  if ("problems" in parsed || problems.length > 0) {
    return { problems };
  }
  const columns = expected === undefined ? [] : [[expected.updatedAt]];
  const fields = expected === undefined ? [] : [EXPECTED_FIELD];
  return { value: { batch: { ids: [parsed.value], fields, columns }, links: [] } };
}
