import { useRef } from "react";
import { useWorkspace } from "../frame/workspace.tsx";
import type { ListVariables, RecordPage, RecordRow } from "../models/list-document.ts";
import { listDocument } from "../models/list-document.ts";
import type { Field, Shape } from "../models/shape.ts";
import type { Answer } from "../parts/use-answer.ts";
import { useAnswer } from "../parts/use-answer.ts";
import { useRecordEvents } from "./use-record-events.ts";

/** A page of records, and what changed on it since it was first shown. */
export interface LivePage extends Answer<RecordPage["list"]> {
  /** The cells whose value differs from the one before, as `id.field`; each with a number that grows with every change. */
  readonly changes: ReadonlyMap<string, number>;
}

/** Reads a page, and reads it again whenever one of its records is locked, changed or released. */
export function useRecordPage(shape: Shape, columns: readonly Field[], variables: ListVariables): LivePage {
  const { connection } = useWorkspace();
  const changes = useRef(new Map<string, number>());
  const before = useRef<{ key: string; rows: readonly RecordRow[] }>({ key: "", rows: [] });
  const document = listDocument(shape, columns);
  const key = JSON.stringify([document, variables]);
  const answer = useAnswer(key, async () => {
    const { list } = await connection.request<RecordPage, ListVariables>(document, variables);
    if (before.current.key === key) {
      noteChanges(changes.current, before.current.rows, list.nodes);
    } else {
      changes.current.clear();
    }
    before.current = { key, rows: list.nodes };
    return list;
  });
  const isShown = (ids: readonly string[]): boolean => {
    const shown = new Set(before.current.rows.map(({ id }) => id));
    return ids.some((id) => shown.has(id));
  };
  useRecordEvents({ model: shape.model.name, isShown }, answer.reload);
  return { ...answer, changes: changes.current };
}

function noteChanges(
  changes: Map<string, number>,
  before: readonly RecordRow[],
  after: readonly RecordRow[],
): void {
  const known = new Map(before.map((row) => [row.id, row]));
  for (const row of after) {
    const earlier = known.get(row.id);
    for (const [field, value] of Object.entries(row)) {
      if (
        earlier !== undefined &&
        field !== "activeTask" &&
        JSON.stringify(earlier[field]) !== JSON.stringify(value)
      ) {
        const cell = `${row.id}.${field}`;
        changes.set(cell, (changes.get(cell) ?? 0) + 1);
      }
    }
  }
}
