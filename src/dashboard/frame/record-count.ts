import { useState } from "react";
import type { Model } from "../models/model.ts";
import { useWorkspace } from "./workspace.tsx";

/** A number that is so old is asked for again. */
const FRESH_MS = 60_000;
/** Passing over an entry asks nothing. */
const PAUSE_MS = 150;

interface Known {
  readonly number: number;
  readonly at: number;
}

/** The number of a model's records, asked for when it is wanted: a rail of 300 models costs nothing. */
export function useRecordCount({ list, name }: Model): {
  readonly number: number | undefined;
  readonly ask: () => void;
} {
  const { connection } = useWorkspace();
  const [known, setKnown] = useState<Known>();
  const [isAsked, setAsked] = useState(false);
  const read = async (): Promise<void> => {
    const document = `query Count${name} { list: ${list}(first: 1) { totalCount } }`;
    const { list: page } = await connection.request<{ list: { totalCount: number } }, object>(document, {});
    setKnown({ number: page.totalCount, at: Date.now() });
  };
  return {
    number: known?.number,
    ask() {
      if (!isAsked && (known === undefined || Date.now() - known.at > FRESH_MS)) {
        setAsked(true);
        setTimeout(() => {
          // Nothing is shown where it is not told.
          read()
            .catch(() => undefined)
            .finally(() => setAsked(false));
        }, PAUSE_MS);
      }
    },
  };
}
