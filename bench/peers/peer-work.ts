import type { PeerRequest } from "./peer-client.ts";

/** Work that is sent to our server and to the peer. Both must answer the same, except that our ids are texts. */
export interface PeerWork {
  readonly name: string;
  readonly ours: (turn: number) => PeerRequest;
  readonly peer: (turn: number) => PeerRequest;
  readonly target: string;
}

/** Records that are updated in turn. */
const UPDATED = 400;
const LIST_TARGET = "≥ 1.5";

/** The work by the name of its row on the command line: `npm run bench -- peers:update`. */
export function peerWorks(ids: readonly number[]): Readonly<Record<string, PeerWork>> {
  const updated = ids.slice(0, UPDATED);
  return {
    nested: read(
      "20 cities by population with country",
      `{ cities(first: 20, orderBy: [{ population: DESC }]) { nodes { id name population country { code name continent } } } }`,
      `{ cities: allCities(first: 20, orderBy: [POPULATION_DESC]) { nodes { id: rowId name population country: countryByCountryCode { code name continent } } } }`,
    ),
    record: of(
      "one record with its country",
      (turn) => ({
        query: `query ($id: ID!) { city(id: $id) { id name population country { code name } } }`,
        variables: { id: String(ids[turn % ids.length]) },
      }),
      (turn) => ({
        query: `query ($id: Int!) { city: cityByRowId(rowId: $id) { id: rowId name population country: countryByCountryCode { code name } } }`,
        variables: { id: ids[turn % ids.length] },
      }),
    ),
    total: read(
      "20 cities of France with totalCount",
      `{ cities(first: 20, where: { countryCode: { equals: "FR" } }) { totalCount nodes { id name population } } }`,
      `{ cities: allCities(first: 20, condition: { countryCode: "FR" }) { totalCount nodes { id: rowId name population } } }`,
    ),
    flat: read(
      "1,000 cities, 6 fields",
      `{ cities(first: 1000) { nodes { id name countryCode population latitude longitude } } }`,
      `{ cities: allCities(first: 1000) { nodes { id: rowId name countryCode population latitude longitude } } }`,
    ),
    typename: read("{ __typename }", `{ __typename }`, `{ __typename }`),
    update: {
      ...of(
        "updateCity(notes), 400 in turn",
        (turn) => ({
          query: `mutation ($id: ID!, $notes: String!) { updateCity(id: $id, data: { notes: $notes }) { ... on UpdateCityPayload { city { id name population notes } } } }`,
          variables: { id: String(updated[turn % UPDATED]), notes: `note ${turn}` },
          expects: `"note ${turn}"`,
        }),
        (turn) => ({
          query: `mutation ($id: Int!, $notes: String!) { updateCity: updateCityByRowId(input: { rowId: $id, cityPatch: { notes: $notes } }) { city { id: rowId name population notes } } }`,
          variables: { id: updated[turn % UPDATED], notes: `note ${turn}` },
          expects: `"note ${turn}"`,
        }),
      ),
      target: "≥ 1",
    },
  };
}

/** Five cities each of these countries. */
export function nestedPage(countryCodes: readonly string[]): PeerRequest {
  return {
    query: `query ($codes: [String!]) { countries(first: 10, where: { code: { in: $codes } }) { nodes { cities(first: 5) { nodes { id name } } } } }`,
    variables: { codes: countryCodes },
  };
}

function read(name: string, ours: string, peer: string): PeerWork {
  return of(
    name,
    () => ({ query: ours }),
    () => ({ query: peer }),
  );
}

function of(name: string, ours: PeerWork["ours"], peer: PeerWork["peer"]): PeerWork {
  return { name, ours, peer, target: LIST_TARGET };
}
