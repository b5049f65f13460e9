import { useSyncExternalStore } from "react";
import type { ImportForm } from "./import-form.ts";

/** A file that was chosen, and is not sent yet. */
export interface ChosenFile {
  readonly file: File;
  /** What is done with it, where that is known: of a file that was mended. */
  readonly form?: ImportForm;
}

/** A file on its way. */
export interface Upload {
  readonly size: number;
  /** Why it did not arrive; undefined while it is on its way, and once it has come. */
  readonly failure?: string;
  readonly isOver: boolean;
}

const chosen = new Map<string, ChosenFile>();
const uploads = new Map<string, Upload>();
const listeners = new Set<() => void>();

function tell(): void {
  listeners.forEach((listener) => listener());
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Keeps the file while one goes to the page of the import. Undefined forgets it. */
export function chooseFile(model: string, file: ChosenFile | undefined): void {
  if (file === undefined) {
    chosen.delete(model);
  } else {
    chosen.set(model, file);
  }
  tell();
}

/** The file that was chosen for the model. */
export function useChosenFile(model: string): ChosenFile | undefined {
  return useSyncExternalStore(subscribe, () => chosen.get(model));
}

/** The upload of a task, if this tab sends it. */
export function useUpload(taskId: string): Upload | undefined {
  return useSyncExternalStore(subscribe, () => uploads.get(taskId));
}

function askFirst(event: Event): void {
  event.preventDefault();
}

/** Notes that a file is on its way, wherever one goes meanwhile. Leaving the dashboard would end it, so the browser asks first. */
export function keepUpload(taskId: string, size: number, sent: Promise<unknown>): void {
  const put = (upload: Upload): void => {
    uploads.set(taskId, upload);
    const isSending = [...uploads.values()].some(({ isOver }) => !isOver);
    globalThis[isSending ? "addEventListener" : "removeEventListener"]("beforeunload", askFirst);
    tell();
  };
  put({ size, isOver: false });
  sent.then(
    () => put({ size, isOver: true }),
    (error: unknown) =>
      put({ size, isOver: true, failure: error instanceof Error ? error.message : String(error) }),
  );
}
