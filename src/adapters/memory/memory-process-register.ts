import { AppError } from "../../kernel/app-error.ts";
import type {
  BackendName,
  ProcessRegister,
  RunningProcess,
  SeenProcess,
} from "../../core/processes/process-register.ts";

/** The register of a deployment within one process. There are no locks elsewhere that it could move. */
export function createMemoryProcessRegister(): ProcessRegister {
  const known = new Map<string, SeenProcess>();
  let backend: BackendName = "postgres";
  const announce = (process: RunningProcess, seenAt: Date): void => {
    const before = known.get(process.id);
    // What a process is does not change while it runs; that it was heard of does.
    known.set(process.id, { ...(before ?? process), seenAt });
  };
  const seenSince = (since: Date): readonly SeenProcess[] =>
    [...known.values()].filter(({ seenAt }) => seenAt >= since).toSorted(byStart);
  return {
    async enlist(process, at, silentSince) {
      if (backend !== process.backend) {
        const other = seenSince(silentSince).find((seen) => seen.backend !== process.backend);
        if (other !== undefined) {
          throw new AppError(
            "START_FAILED",
            `This process would keep its locks in ${process.backend}, but process ${other.id} keeps them in ` +
              `${other.backend}.`,
          );
        }
        backend = process.backend;
      }
      const silent = [...known.values()].filter(({ seenAt }) => seenAt < silentSince);
      silent.forEach(({ id }) => known.delete(id));
      announce(process, at);
    },
    async announce(process, at) {
      announce(process, at);
    },
    backend: async () => backend,
    async withdraw(id) {
      known.delete(id);
    },
    list: async (since) => seenSince(since),
  };
}

function byStart(one: SeenProcess, other: SeenProcess): number {
  const earlier = one.startedAt.getTime() - other.startedAt.getTime();
  return earlier === 0 ? Number(one.id > other.id) - Number(one.id < other.id) : earlier;
}
