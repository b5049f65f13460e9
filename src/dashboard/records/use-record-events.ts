import { useEffect, useRef } from "react";
import { useWorkspace } from "../frame/workspace.tsx";
import { RecordEventsDocument } from "../generated/graphql.ts";
import { usePaced } from "../parts/use-answer.ts";

/** What is shown is read again at most this often, however many records change. */
const REFRESH_MS = 400;

/** Which records of a model are shown. */
interface Shown {
  readonly model: string;
  /** The only one, if there is only one. */
  readonly id?: string;
  /** Whether one of these is shown. Default: they are. */
  readonly isShown?: (ids: readonly string[]) => boolean;
}

/**
 * Reads what is shown again whenever one of its records is locked, changed or released, and where one may have been: as soon as
 * the service tells of them, and after a gap.
 */
export function useRecordEvents({ model, id, isShown = () => true }: Shown, reload: () => void): void {
  const { connection } = useWorkspace();
  const refresh = usePaced(reload, REFRESH_MS);
  const latest = useRef(isShown);
  latest.current = isShown;
  useEffect(
    () =>
      connection.follow({
        document: RecordEventsDocument,
        variables: () => (id === undefined ? { model } : { model, ids: [id] }),
        onData({ recordEvents: { isAll, recordIds } }) {
          if (isAll || latest.current(recordIds)) {
            refresh();
          }
        },
      }),
    [connection, id, model, refresh],
  );
}
