import { useSyncExternalStore } from "react";

/** The tasks that this browser launched, newest first. They survive a reload. */
const KEY = "powercrud.watched";
const MOST = 20;

const listeners = new Set<() => void>();
let watched: readonly string[] = read();

function read(): readonly string[] {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    return Array.isArray(stored) ? stored.filter((id) => typeof id === "string") : [];
  } catch {
    return [];
  }
}

function write(ids: readonly string[]): void {
  watched = ids.slice(0, MOST);
  sessionStorage.setItem(KEY, JSON.stringify(watched));
  listeners.forEach((listener) => listener());
}

/** Shows the task in the corner of every page. */
export function watchTask(id: string): void {
  write([id, ...watched.filter((one) => one !== id)]);
}

/** Takes it away from there. */
export function dismissTask(id: string): void {
  write(watched.filter((one) => one !== id));
}

export function useWatchedTasks(): readonly string[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => watched,
  );
}
