import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useWorkspace } from "../frame/workspace.tsx";
import type { RecordRow } from "../models/list-document.ts";
import type { Shape } from "../models/shape.ts";
import { errorText } from "../parts/error-text.ts";
import type { Clash } from "./clash.ts";
import { clashOf } from "./clash.ts";
import type { Draft, Typed } from "./record-form.tsx";
import { changedFields, useDraft } from "./record-form.tsx";
import type { Written } from "./write-record.ts";
import { writeRecord } from "./write-record.ts";

export const NO_PROBLEMS: ReadonlyMap<string, string> = new Map();

/** What is typed over a record, what came of the last write, and what writes it. */
interface RecordWrites {
  readonly draft: Draft<RecordRow>;
  readonly written: Written | undefined;
  /** Where somebody else changed the record first: what differs, and what is to be kept. */
  readonly clash: Clash | undefined;
  save(data: Readonly<Record<string, unknown>>): Promise<void>;
  remove(): Promise<void>;
}

/** @param onChange reads the record again */
export function useRecordWrites(shape: Shape, record: RecordRow, onChange: () => void): RecordWrites {
  const { connection } = useWorkspace();
  const navigate = useNavigate();
  const draft = useDraft(record);
  const [written, setWritten] = useState<Written>();
  const [stale, setStale] = useState<{ before: RecordRow; mine: Typed; kept: Clash["kept"] }>();
  const { updatedAt } = shape.model;
  const write = async (verb: "update" | "delete", more: object): Promise<Written> => {
    const { base, typed } = draft;
    const dated = updatedAt === undefined ? {} : { expectedUpdatedAt: base[updatedAt] };
    const next = await tryWrite(() =>
      writeRecord(connection, shape, verb, { id: record.id, ...more, ...dated }),
    );
    setWritten(next);
    if (next.kind === "stale") {
      const changed = changedFields(shape.edition, typed, base).map(({ name }) => [name, typed[name] ?? ""]);
      const mine: Typed = Object.fromEntries(changed);
      setStale({ before: base, mine, kept: new Map() });
      // What one changed stays, over the record as it is now.
      const unchanged = Object.entries(typed).filter(([name]) => mine[name] === undefined);
      draft.settle(Object.fromEntries(unchanged), next.current);
    } else if (next.kind === "written") {
      setStale(undefined);
    }
    if (next.kind !== "refused") {
      onChange();
    }
    return next;
  };
  return {
    draft,
    written,
    clash: stale && {
      ...clashOf(shape, { ...stale, now: draft.base }),
      keep: (name, whose) => {
        setStale({ ...stale, kept: new Map(stale.kept).set(name, whose) });
        draft.type(name, whose === "mine" ? stale.mine[name] : undefined);
      },
    },
    save: async (data) => {
      const sent = draft.typed;
      const next = await write("update", { data });
      if (next.kind === "written") {
        draft.settle(sent, next.record ?? record);
      }
    },
    remove: async () => {
      if ((await write("delete", {})).kind === "written") {
        await navigate({ to: "/records/$model", params: { model: shape.model.name } });
      }
    },
  };
}

/** Also tells what kept the write from being sent. */
export async function tryWrite(write: () => Promise<Written>): Promise<Written> {
  try {
    return await write();
  } catch (error) {
    return { kind: "refused", message: errorText(error), problems: NO_PROBLEMS };
  }
}
