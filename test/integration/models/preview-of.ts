import type { Viewer } from "../../../src/index.ts";
import type { BulkFixture } from "./bulk-fixture.ts";
import type { Answer } from "./models-fixture.ts";

/** The options of a dry run that goes on after failures. */
export const DRY = { dryRun: true, errorPolicy: "SKIP_FAILED" };

const PREVIEW = `preview(first: $first) {
  records { recordId before after error { outcome code message } }
  fields { field changed valueCount values { value count } before { min max sum } after { min max sum } } }`;

/** The preview of a task, as the viewer sees it. */
export async function previewOf(
  api: BulkFixture,
  { id }: { readonly id: string },
  { first = 20, viewer = { id: "any" } }: { readonly first?: number; readonly viewer?: Viewer } = {},
): Promise<Answer> {
  const query = `query ($id: ID!, $first: Int) { task(id: $id) { ${PREVIEW} } }`;
  return (await api.data(query, { id, first }, viewer)).task.preview;
}
