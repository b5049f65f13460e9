import { createHash } from "node:crypto";
import { unavailableRefusal } from "../refusals/unavailable-refusal.ts";
import { readTask } from "../tasks/task-reads.ts";
import { refusalOf } from "./import-fault.ts";
import type { ImportPorts, ReceiveOutcome, Upload } from "./import-ports.ts";

/**
 * Answers a file that is sent again under its idempotency key with the first task. Reads the file, for another one under the
 * same key is a mistake.
 */
export async function repeatImport(ports: ImportPorts, upload: Upload): Promise<ReceiveOutcome> {
  const { taskId, bytes } = upload;
  try {
    const state = (await ports.imports.find([taskId])).get(taskId);
    const hash = createHash("sha256");
    let size = 0;
    for await (const chunk of bytes) {
      size += chunk.length;
      hash.update(chunk);
      if (size > ports.limits.maxBytes) {
        break;
      }
    }
    const task = await readTask(ports.tasks, taskId);
    // While the first one is still coming, nothing is known of it.
    if (state?.contentHash == null || state.contentHash === hash.digest("hex")) {
      return { kind: "LAUNCHED", task, isDuplicate: true };
    }
    const message = "This idempotency key was used with another file. Use a new key for a new import.";
    return { kind: "IDEMPOTENCY_MISMATCH", message, task };
  } catch (error) {
    return (
      refusalOf(error, upload.countReceived()) ??
      unavailableRefusal(ports.logger, error, "an import was refused")
    );
  }
}
