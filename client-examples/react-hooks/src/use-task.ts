import { useEffect, useState } from "react";
import type { Task } from "./service.ts";
import { FOLLOW, subscribe } from "./service.ts";

/** A task as it is now, to its end; undefined before the first message. */
export function useTask(id: string | undefined): { readonly task?: Task; readonly error?: unknown } {
  const [state, setState] = useState<{ task?: Task; error?: unknown }>({});
  useEffect(() => {
    setState({});
    if (id === undefined) return undefined;
    return subscribe<{ taskProgress: Task }>(
      FOLLOW,
      { id },
      {
        next: ({ taskProgress }) => setState({ task: taskProgress }),
        error: (error) => setState((before) => ({ ...before, error })),
      },
    );
  }, [id]);
  return state;
}
