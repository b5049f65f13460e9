import type { ProcessRegister } from "../core/processes/process-register.ts";

/**
 * Makes the backend the deployment's with the first word of a process that is taken in: one that is refused leaves no
 * trace in it.
 */
export function ownOnceEnlisted(register: ProcessRegister, own: () => Promise<void>): ProcessRegister {
  return {
    ...register,
    async enlist(process, at, silentSince) {
      await register.enlist(process, at, silentSince);
      try {
        await own();
      } catch (error) {
        await register.withdraw(process.id);
        throw error;
      }
    },
  };
}
