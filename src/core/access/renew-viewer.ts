import { AppError } from "../../kernel/app-error.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { ApiKeyStore } from "./api-key.ts";
import type { FullViewer, Viewer } from "./viewer.ts";
import { fullViewer } from "./viewer.ts";

/** Whether a viewer who launched a task may still act, and with which rights. */
export type RenewedViewer =
  | { readonly kind: "VALID"; readonly viewer: Viewer }
  /** @property message says why, for those who look at the task */
  | {
      readonly kind: "ENDED";
      readonly code: "UNAUTHENTICATED" | "FORBIDDEN";
      /** A word for the audit log. */
      readonly reason: "unknown" | "revoked" | "expired" | "no scope write";
      readonly message: string;
    };

/** The viewer of a task. */
export interface TaskLauncher {
  readonly viewer: Viewer;
  readonly taskId: string;
}

/**
 * Finds out how a task's viewer is now. Undefined, with nothing asked, where it is as it was when the task was launched.
 * @throws AppError UNAVAILABLE where that cannot be found out now
 */
export type RenewViewer = (launcher: TaskLauncher) => Promise<RenewedViewer> | undefined;

/** The app's viewer as it is now; null for one that is nobody any more. The viewer that is given has an id. */
export type LoadViewer = (request: { readonly viewer: FullViewer }) => Viewer | null | Promise<Viewer | null>;

/** What finding out needs. */
export interface RenewViewerPorts {
  readonly keys: Pick<ApiKeyStore, "findById">;
  readonly clock: Pick<Clock, "now">;
  /** Asked for viewers with a name who did not come by a key. Default: they are as they were. */
  readonly load?: LoadViewer | undefined;
}

export function createRenewViewer(ports: RenewViewerPorts): RenewViewer {
  const { load } = ports;
  return ({ viewer }) => {
    if (viewer.apiKeyId !== undefined) {
      return renewByKey(ports, viewer.apiKeyId);
    }
    return load === undefined || viewer.id === null ? undefined : renewByApp(load, fullViewer(viewer));
  };
}

async function renewByKey({ keys, clock }: RenewViewerPorts, id: string): Promise<RenewedViewer> {
  const key = await keys.findById(id);
  const end = (reason: "unknown" | "revoked" | "expired", message: string): RenewedViewer => ({
    kind: "ENDED",
    code: "UNAUTHENTICATED",
    reason,
    message,
  });
  if (key === undefined) {
    return end("unknown", "The API key that launched the task is not there any more.");
  }
  const name = `The API key ${key.name}, which launched the task,`;
  if (key.revokedAt !== null) {
    return end("revoked", `${name} was revoked.`);
  }
  if (key.expiresAt !== null && key.expiresAt <= clock.now()) {
    return end("expired", `${name} has expired.`);
  }
  if (!key.scopes.includes("write")) {
    const held = key.scopes.join(", ") || "nothing";
    const message = `${name} is good for: ${held}. The task needs the scope write.`;
    return { kind: "ENDED", code: "FORBIDDEN", reason: "no scope write", message };
  }
  return { kind: "VALID", viewer: { ...key.viewer, apiKeyId: id } };
}

async function renewByApp(load: LoadViewer, viewer: FullViewer): Promise<RenewedViewer> {
  let now: Viewer | null;
  try {
    now = await load({ viewer });
  } catch (error) {
    // Whatever went wrong there says nothing about the viewer.
    throw new AppError("UNAVAILABLE", "The viewer of the task cannot be loaded.", { cause: error });
  }
  if (now !== null) {
    return { kind: "VALID", viewer: now };
  }
  const message = "The viewer who launched the task may not act any more.";
  return { kind: "ENDED", code: "UNAUTHENTICATED", reason: "unknown", message };
}
