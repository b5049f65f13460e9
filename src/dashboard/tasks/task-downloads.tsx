import type { JSX } from "react";
import { useState } from "react";
import { useWorkspace } from "../frame/workspace.tsx";
import type { TaskByIdQuery, TaskRowFragment } from "../generated/graphql.ts";
import { errorText } from "../parts/error-text.ts";
import { Failure } from "../parts/notice.tsx";
import { ActionButton } from "../parts/action-button.tsx";
import { isSettled } from "./task-feed.ts";

type TaskDetails = NonNullable<TaskByIdQuery["task"]>;

/** A file that a task has. */
interface TaskFile {
  readonly title: string;
  readonly path: string;
}

/** The files of a task: what became of its records, the rows of an import that failed, what an export wrote. */
export function TaskDownloads(props: { task: TaskRowFragment; details: TaskDetails }): JSX.Element {
  const { task, details } = props;
  const { connection } = useWorkspace();
  const [failure, setFailure] = useState<string>();
  const files = filesOf(task, details);
  const download = async ({ path }: TaskFile): Promise<void> => {
    try {
      await connection.download(path, `${task.id.slice(-8)}-${path.split("/").at(-1) ?? "file"}`);
      setFailure(undefined);
    } catch (error) {
      setFailure(errorText(error));
    }
  };
  return (
    <>
      {files.length === 0 ? (
        <ActionButton
          name="Download"
          reason={
            isSettled(task)
              ? "The task has no records and wrote no file."
              : "Its results can be downloaded once the task is over."
          }
          onClick={() => undefined}
        />
      ) : null}
      {files.map((file) => (
        <ActionButton
          key={file.path}
          name={`Download ${file.title}`}
          reason={undefined}
          onClick={() => void download(file)}
        />
      ))}
      {failure === undefined ? null : <Failure message={failure} />}
    </>
  );
}

function filesOf(task: TaskRowFragment, { import: origin, result }: TaskDetails): readonly TaskFile[] {
  if (!isSettled(task)) {
    return [];
  }
  const { failedPath } = origin ?? {};
  const written = exportPath(task, result);
  return [
    ...(written === undefined ? [] : [{ title: "the file", path: written }]),
    ...(failedPath === null || failedPath === undefined || task.progress.failed === 0
      ? []
      : [{ title: "failed rows", path: failedPath }]),
    ...(task.progress.processed === 0 || written !== undefined
      ? []
      : [{ title: "results", path: `/tasks/${task.id}/records.jsonl` }]),
  ];
}

/** Where an export's file is. */
function exportPath({ kind }: TaskRowFragment, result: unknown): string | undefined {
  const path =
    kind === "export" && typeof result === "object" && result !== null && "path" in result
      ? result.path
      : undefined;
  return typeof path === "string" ? path : undefined;
}
