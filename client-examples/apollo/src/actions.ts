import { client } from "./client.ts";
import { FOLLOW, RENAME } from "./documents.ts";

/** The city with its new name, or a refusal, which has a code. */
export interface Renamed {
  readonly __typename: string;
  readonly city?: object;
  readonly code?: string;
  readonly message?: string;
}

/** Shows the new name at once, and the service's answer when it is there: after a refusal the old name again. */
export async function rename(city: { id: string; name: string; updatedAt: string }, name: string) {
  const { data } = await client.mutate<{ updateCity: Renamed }>({
    mutation: RENAME,
    variables: { id: city.id, name, expectedUpdatedAt: city.updatedAt },
    optimisticResponse: {
      updateCity: { __typename: "UpdateCityPayload", city: { ...city, __typename: "City", name } },
    },
  });
  return data?.updateCity;
}

/** Follows a task to its end. Everything on the page that shows it changes with the cache. */
export function follow(id: string): Promise<void> {
  return new Promise((resolve, reject) => {
    client.subscribe({ query: FOLLOW, variables: { id } }).subscribe({
      error: reject,
      complete: resolve,
    });
  });
}
