import type { BenchDeployment } from "./bench-deployment.ts";

const LAUNCH = /* GraphQL */ `
  mutation ($selection: CitySelection!, $label: String!) {
    bulkUpdateCities(
      selection: $selection
      data: { population: { increment: 1 } }
      options: { errorPolicy: SKIP_FAILED, mode: ASYNC, label: $label, maxAffected: 1000000 }
    ) {
      ... on TaskLaunched {
        task {
          id
        }
      }
      ... on Error {
        message
      }
    }
  }
`;

/** Launches a bulk update of cities that adds one to each population. @returns the task's id @throws when it is refused */
export async function launchBulkUpdate(
  { request }: BenchDeployment,
  selection: object,
  label: string,
): Promise<string> {
  interface Answer {
    readonly bulkUpdateCities: { readonly task?: { readonly id: string }; readonly message?: string };
  }
  const { bulkUpdateCities } = await request<Answer>(LAUNCH, { selection, label });
  if (bulkUpdateCities.task === undefined) {
    throw new Error(`${label}: ${bulkUpdateCities.message}`);
  }
  return bulkUpdateCities.task.id;
}
