import type { Connection } from "../api/connection.ts";
import type { ErrorPolicy, ImportTaskFragment } from "../generated/graphql.ts";
import { CreateImportDocument, ImportProgressDocument } from "../generated/graphql.ts";
import { isSettled } from "../tasks/task-feed.ts";
import type { ImportForm } from "./import-form.ts";
import { inputOf } from "./import-form.ts";
import type { Sample } from "./read-sample.ts";
import { readFailedFile } from "./read-sample.ts";

/** A file, and what is to be done with it. */
export interface AskedImport {
  readonly model: string;
  readonly form: ImportForm;
  readonly sample: Sample;
  readonly fileName: string;
}

/** A task that waits for its file. */
interface OpenImport {
  readonly taskId: string;
  readonly uploadPath: string;
}

/** Makes the task of an import. @throws Error with the service's reason against it */
export async function openImport(
  connection: Connection,
  { model, form, sample, fileName }: AskedImport,
  isDryRun: boolean,
): Promise<OpenImport> {
  // All faults of the first rows are to be seen, whatever is done about them later.
  const errorPolicy: ErrorPolicy = isDryRun ? "SKIP_FAILED" : form.errorPolicy;
  const { createImport } = await connection.request(CreateImportDocument, {
    input: inputOf(model, form, sample, fileName),
    options: {
      dryRun: isDryRun,
      errorPolicy,
      onConflict: form.onConflict,
      label: isDryRun ? `Check of ${fileName}` : `Import of ${fileName}`,
    },
  });
  if (createImport.__typename === "TaskLaunched") {
    return { taskId: createImport.task.id, uploadPath: createImport.task.import?.uploadPath ?? "" };
  }
  const problems = "problems" in createImport ? createImport.problems.map(({ message }) => message) : [];
  throw new Error(problems.length > 0 ? problems.join(" ") : createImport.message);
}

/** Sends the file of such a task. Resolves once all of it has been read and checked. */
export function sendFile(
  connection: Connection,
  { uploadPath }: OpenImport,
  { dialect }: Sample,
  body: Blob,
): Promise<void> {
  return connection.upload(uploadPath, body, dialect.format === "CSV" ? "text/csv" : "application/jsonl");
}

/** What the service found with the first rows of a file. */
export interface Check {
  readonly checked: number;
  readonly failed: number;
  /** Why nothing could be checked. */
  readonly message: string | undefined;
  readonly faults: readonly FailedRow[];
}

/** A row that was not written, and why. */
export interface FailedRow {
  readonly line: number;
  readonly field: string;
  readonly reason: string;
  readonly cells: readonly string[];
}

/** Tries the first rows of a file by a dry run, which changes nothing. */
export async function checkSample(connection: Connection, asked: AskedImport): Promise<Check> {
  const { sample } = asked;
  const dialect = { ...sample.dialect, encoding: "UTF_8" as const };
  const opened = await openImport(connection, { ...asked, sample: { ...sample, dialect } }, true);
  await sendFile(connection, opened, sample, new Blob([sample.text]));
  const task = await settled(connection, opened.taskId);
  const { failed, succeeded, skipped } = task.progress;
  const { rows: faults } = await readFailed(connection, task);
  const message = failed + succeeded + skipped === 0 ? (task.message ?? undefined) : undefined;
  return { checked: sample.rows.length, failed, message, faults };
}

function settled(connection: Connection, id: string): Promise<ImportTaskFragment> {
  return new Promise((resolve, reject) => {
    const end = connection.follow({
      document: ImportProgressDocument,
      variables: () => ({ id }),
      onData({ taskProgress }) {
        if (isSettled(taskProgress)) {
          end();
          resolve(taskProgress);
        }
      },
      onRefusal: (message) => reject(new Error(message)),
    });
  });
}

/** Rows of the failed file that are read to be shown. */
const FAILED_BYTES = 64 * 1024;

/** The first rows that an import could not write. */
export async function readFailed(
  connection: Connection,
  task: Pick<ImportTaskFragment, "import">,
): Promise<{ readonly headers: readonly string[]; readonly rows: readonly FailedRow[] }> {
  const { failedPath, format } = task.import ?? {};
  if (failedPath === undefined || failedPath === null || format === undefined) {
    return { headers: [], rows: [] };
  }
  const { headers, rows } = readFailedFile(await connection.readStart(failedPath, FAILED_BYTES), format);
  const [line, field, reason] = ["_line", "_field", "_reason"].map((name) => headers.indexOf(name));
  const isNote = (at: number): boolean => at === line || at === field || at === reason;
  const at = (cells: readonly string[], place: number | undefined): string => cells[place ?? -1] ?? "";
  return {
    headers: headers.filter((_, place) => !isNote(place)),
    rows: rows.map(({ cells }) => ({
      line: Number(at(cells, line)),
      field: at(cells, field),
      reason: at(cells, reason),
      cells: cells.filter((_, place) => !isNote(place)),
    })),
  };
}
