import { useCallback, useEffect, useRef, useState } from "react";
import { useReturn } from "../frame/workspace.tsx";
import { errorText } from "./error-text.ts";

/** What a page asked the service for. */
export interface Answer<Data> {
  /** The last answer; it stays while the next one is on its way. */
  readonly data: Data | undefined;
  readonly error: string | undefined;
  readonly isLoading: boolean;
  /** Asks again. */
  readonly reload: () => void;
}

/**
 * Asks when the page is drawn, when `key` changes, and when the service is there again. An answer that comes after a later question is dropped.
 * @param key names the question
 */
export function useAnswer<Data>(key: string, ask: () => Promise<Data>): Answer<Data> {
  const [state, setState] = useState<{ data?: Data; error?: string; key?: string }>({});
  const [turn, setTurn] = useState(0);
  const latest = useRef(ask);
  latest.current = ask;
  const reload = useCallback(() => setTurn((before) => before + 1), []);
  useEffect(() => {
    let isWanted = true;
    latest.current().then(
      (data) => isWanted && setState({ data, key }),
      (error: unknown) => {
        const message = errorText(error);
        return isWanted && setState((before) => ({ ...before, error: message, key }));
      },
    );
    return () => {
      isWanted = false;
    };
  }, [key, turn]);
  useReturn(reload);
  return { data: state.data, error: state.error, isLoading: state.key !== key, reload };
}

/** Runs `action` when the value has become another one; the first one that there is counts for none. */
export function useOnChange(value: unknown, action: () => void): void {
  const seen = useRef(value);
  useEffect(() => {
    if (seen.current !== value && seen.current !== undefined) {
      action();
    }
    seen.current = value;
  }, [action, value]);
}

/** A function that runs `action` at once, and then at most once in `pauseMs`; the last call is never lost. */
export function usePaced(action: () => void, pauseMs: number): () => void {
  const latest = useRef(action);
  latest.current = action;
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const isAsked = useRef(false);
  useEffect(() => () => clearTimeout(timer.current), []);
  return useCallback(() => {
    if (timer.current !== undefined) {
      isAsked.current = true;
      return;
    }
    latest.current();
    const rest = (): void => {
      timer.current = undefined;
      if (isAsked.current) {
        isAsked.current = false;
        latest.current();
        timer.current = setTimeout(rest, pauseMs);
      }
    };
    timer.current = setTimeout(rest, pauseMs);
  }, [pauseMs]);
}
